"""The report in a browser of today: it draws, it sorts, it complains of nothing.

Skips where there is no Chromium.
"""

import dataclasses
import re
import shutil
import subprocess

import numpy as np
import pytest
from test_report import HOSTILE, chain, judgement, recorded

from matbridge.report.entry import Entry
from matbridge.report.page import write_page
from matbridge.verify.case import Source
from matbridge.verify.judge import verify_case

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The system says dark, or light.
DARK, LIGHT = "--blink-settings=preferredColorScheme=0", "--blink-settings=preferredColorScheme=1"
# What a person does on the page, added to a copy of it.
CLICKS = """
<script>
addEventListener("load", () => setTimeout(() => {
  const heads = [...document.querySelectorAll("table.sorts th button")];
  const head = heads.find((one) => one.textContent === "Max rel");
  head.click();
  document.querySelector("[data-zoom=full]").click();
  document.querySelector(".lead-there").click();
  location.hash = "#v1-p3";
  document.getElementById("theme").click();
}, 1500));
</script>
"""


@pytest.fixture
def browser(tmp_path):
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium")
    ways = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,5000")
    ways += ("--virtual-time-budget=5000", "--dump-dom", "--enable-logging=stderr")

    def opened(path, *flags):
        """The page once its scripts have run, and what the console says."""
        command = [program, *ways, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=100, check=True
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return opened


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of two verifications: one differs, with layers that bear hostile names."""
    network = chain("a", HOSTILE, "c")
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    case = recorded(network, x, network_source=Source("net.mat", variable="net"))
    wrong = {
        name: value * (1.0 if name == "a" else 1.5) for name, value in case.activations.items()
    }
    told = verify_case(case.replace(activations=wrong, expected=(wrong["c"],)))
    steps = dataclasses.replace(judgement().statistics, steps=(1e-8, 2e-8, 0.0))
    second = dataclasses.replace(verify_case(case), outputs=(judgement(statistics=steps),))
    path = tmp_path_factory.mktemp("report") / "out.html"
    write_page([Entry.of("wrong.mat", told), Entry.of("right.mat", second)], path)
    return path


def test_the_console_is_heard(browser, tmp_path):
    """What a broken page says is seen here: the tests below can fail."""
    (tmp_path / "a.html").write_text("<!doctype html><script>nothing()</script>")
    assert any("nothing is not defined" in line for line in browser(tmp_path / "a.html")[1])


@pytest.mark.parametrize(("scheme", "darkest", "lightest"), [(LIGHT, 200, 255), (DARK, 0, 60)])
def test_the_page_draws_without_complaint(browser, report, tmp_path, scheme, darkest, lightest):
    image = pytest.importorskip("PIL.Image")
    dom, said = browser(report, scheme, f"--screenshot={tmp_path / 'page.png'}")
    assert not said
    drawn = re.findall(r'data-figure="v1-[^"]*" data-drawn="(\w*)"', dom)
    assert len(drawn) >= 3
    assert set(drawn) == {"done"}
    assert dom.count('class="main-svg"') >= len(drawn)
    assert dom.count('class="layer ') == 8
    assert dom.count("<th") > 10
    assert "alert(1)" in dom
    assert "<img" not in dom
    # What passed is folded, and not drawn before somebody looks.
    assert 'data-figure="v2-o1-c1"' in dom
    assert 'data-figure="v2-o1-c1" data-drawn' not in dom
    with image.open(tmp_path / "page.png") as picture:
        colours = picture.convert("L").getcolors(1 << 20)
    assert darkest <= max(colours)[1] <= lightest


def test_a_person_sorts_zooms_and_changes_the_theme(browser, report, tmp_path):
    page = report.read_text(encoding="utf-8")
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    other = tmp_path / "clicked.html"
    other.write_bytes(policy.sub("", page).replace("</body>", f"{CLICKS}</body>").encode())
    dom, said = browser(other, LIGHT)
    assert not said
    assert 'data-theme="dark"' in dom
    (table,) = re.findall(r'aria-sort="descending".*?</table>', dom, re.DOTALL)[:1]
    rows = re.findall(r'<tr id="v1-r(\d)"', table)
    assert rows[-1] == "2", "the layer that is right comes last"
    (size,) = re.findall(r'<svg[^>]*class="net"[^>]*style="width: ([\d.]+)px', dom)[:1]
    assert f'width="{float(size)}"' in dom, "100 %"


def test_the_policy_stops_other_scripts(browser, report, tmp_path):
    """If some text did become a script, it would not run."""
    page = report.read_text(encoding="utf-8")
    other = tmp_path / "planted.html"
    planted = page.replace("</main>", "<script>document.title = 'planted'</script></main>")
    other.write_bytes(planted.encode())
    dom, said = browser(other)
    assert "<title>planted" not in dom
    assert any("Content Security Policy" in line for line in said)
