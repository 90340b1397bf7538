"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The theme: what the system says, until a person says otherwise.
  const button = document.getElementById("theme");
  const dark = () => (document.documentElement.dataset.theme ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  const keep = (value) => { try { localStorage.setItem("matbridge-theme", value); } catch { /* not here */ } };
  try {
    const kept = localStorage.getItem("matbridge-theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* not here */ }
  button.hidden = false;
  name();
  button.addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    keep(theme);
    name();
  });

  // Tables sort by a click on a head; numbers by data-v.
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.v ?? cell.textContent.trim();
    const number = text === "inf" ? Infinity : Number(text.replaceAll(",", ""));
    return text === "" || Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === typeof b ? a.localeCompare(b) : typeof a === "number" ? -1 : 1;
  const sort = (head) => {
    const table = head.closest("table"), body = table.tBodies[0];
    const down = head.getAttribute("aria-sort") !== "descending" &&
      (head.hasAttribute("aria-sort") || head.classList.contains("n") && head.cellIndex > 0);
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = [...body.rows].map((row) => [value(row, head.cellIndex), row]);
    keyed.sort((a, b) => down ? compare(b[0], a[0]) : compare(a[0], b[0]));
    body.append(...keyed.map(([, row]) => row));
  };
  for (const head of all("table.sorts thead th")) {
    const inner = document.createElement("button");
    inner.type = "button";
    inner.append(...head.childNodes);
    head.append(inner);
    inner.addEventListener("click", () => sort(head));
  }
  for (const field of all(".search")) {
    field.closest(".filter").hidden = false;
    const rows = all("tbody tr", field.closest(".filter").nextElementSibling);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }

  // The picture: from the whole at once to every letter; look leads to a layer of it.
  const look = new Map();
  const prepare = (view) => {
    const pan = view.querySelector(".pan"), svg = pan.querySelector("svg");
    const width = svg.width.baseVal.value, height = svg.height.baseVal.value;
    let scale = 1;
    const show = (wanted) => {
      scale = Math.min(Math.max(wanted, 0.03), 4);
      svg.style.width = `${width * scale}px`;
      svg.style.height = `${height * scale}px`;
    };
    const fit = () => Math.min(1, (pan.clientWidth - 24) / width);
    const ways = { in: () => scale * 1.3, out: () => scale / 1.3, full: () => 1, fit };
    for (const control of all("[data-zoom]", view)) {
      control.addEventListener("click", () => show(ways[control.dataset.zoom]()));
    }
    look.set(view, (layer) => {
      if (scale < 0.6) show(1);
      layer.scrollIntoView({ block: "center", inline: "center" });
    });
    const first = view.querySelector(".first"), lead = view.querySelector(".lead-there");
    if (first) lead.addEventListener("click", () => look.get(view)(first));
    lead.hidden = !first;
    view.querySelector(".zoom").hidden = false;
    // Of a large network the whole, of another what can be read.
    show(width > 3000 ? fit() : Math.max(fit(), 0.6));
  };

  // One output at a time.
  for (const chooser of all(".chooser")) {
    const outputs = all(".output", chooser.closest(".outputs"));
    const choose = () => outputs.forEach((output, i) => { output.hidden = i !== Number(chooser.value); });
    chooser.closest(".choose").hidden = false;
    chooser.addEventListener("change", () => { choose(); draw(outputs[Number(chooser.value)]); });
    choose();
  }

  // Charts: the script that draws them is packed in the page, and unpacked once.
  const plots = all(".plot");
  const unpack = async () => {
    const packed = document.getElementById("plotly").textContent;
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };
  const figure = async (plot) => {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "begun";
    const { data, layout } = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    await Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false });
    plot.dataset.drawn = "done";
  };
  const draw = (root) => { if (globalThis.Plotly) all(".plot", root).forEach(figure); };
  const begin = async () => {
    try {
      await unpack();
    } catch {
      plots.forEach((plot) => { plot.textContent = "Charts need a browser of 2023 or later; the tables tell the same."; });
      return;
    }
    watch(plots, figure);
    addEventListener("beforeprint", () => draw(document));
  };
  // What is in sight first: of many verifications most are never looked at.
  const watch = (things, act) => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); act(entry.target); }
    }, { rootMargin: "600px" });
    things.forEach((thing) => seen.observe(thing));
  };
  watch(all(".view"), prepare);

  // What is closed opens for a link to it, and for the printer.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const closed = target && target.closest("details"), view = target && target.closest(".view");
    if (closed && !closed.open) { closed.open = true; target.scrollIntoView(); }
    if (view && look.has(view)) look.get(view)(target);
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
  if (plots.length) begin();
})();
