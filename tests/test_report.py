"""The report for the browser: whole, escaped, and honest."""

import base64
import dataclasses
import hashlib
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import matbridge
from matbridge import Network
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.matlab import additionLayer, featureInputLayer, reluLayer, tanhLayer
from matbridge.report.charts import ulps
from matbridge.report.entry import Entry
from matbridge.report.page import write_page
from matbridge.verify.case import Case, Source
from matbridge.verify.judge import verify_case
from matbridge.verify.judgement import NOT_VERIFIED, Judgement
from matbridge.verify.labels import Confusion
from matbridge.verify.measures.sample import MOST, Sample
from matbridge.verify.measures.statistics import Element, Statistics
from matbridge.verify.measures.ulps import EDGES
from matbridge.verify.verification import Cause, Diagnosis, Divergence, Verification

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'>&\x1b[31m\u202e{{7*7}}"


class Page(HTMLParser):
    """What a browser would make of a page: its tags, links, ids, scripts and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.scripts, self.text = [], [], [], [], ""
        self.kind = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named[n] for n in ("href", "src", "action", "data") if n in named]
        if tag == "script":
            self.kind = named.get("type", "text/javascript")
            self.scripts.append([self.kind, ""])

    def handle_endtag(self, tag):
        self.kind = None if tag == "script" else self.kind

    def handle_data(self, data):
        if self.kind is None:
            self.text += data
        else:
            self.scripts[-1][1] += data


def judgement(verdict="rounding", name="scores", off=1e-8, **changes):
    y = np.linspace(-1, 1, 60).reshape(6, 10)
    judged = Judgement(
        name, verdict, "why", Statistics.of(y + off, y), 1e-7, 8.0, off, sample=Sample.of([y], [y])
    )
    return dataclasses.replace(judged, **changes)


def verification(verdict="rounding", name="scores", **changes):
    return Verification(verdict, (judgement(verdict, name),), sentence="agrees", **changes)


def page_of(tmp_path, *entries):
    path = tmp_path / "out.html"
    write_page(list(entries), path)
    return Page(path.read_text(encoding="utf-8"))


def recorded(network, x, expected=None, **sources):
    """A case whose every layer is recorded."""
    names = [layer.name for layer in network.order() if not layer.IS_INPUT]
    ports = tuple(port for port in network.graph.users) + network.outputs
    ports = tuple(dict.fromkeys(port for port in ports if port.layer in names))
    values = dataclasses.replace(network, output_ports=ports).predict(x)
    values = values if isinstance(values, tuple) else (values,)
    kept = {str(port): value for port, value in zip(ports, values, strict=True)}
    y = network.predict(x) if expected is None else expected
    return Case(network, (x,), (y,), activations=kept, **sources)


def chain(*names):
    layers = [featureInputLayer(3, Name="in")]
    return Network.of([*layers, *(tanhLayer(Name=name) for name in names)])


def test_a_page_is_written_whole(tmp_path):
    path = tmp_path / "out.html"
    write_page(verification(), path)
    write_page(verification("different"), path)
    assert "Different" in Page(path.read_text(encoding="utf-8")).text
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]


def test_what_is_read_is_never_overwritten(tmp_path):
    path = tmp_path / "ref.html"
    path.write_bytes(b"read")
    with pytest.raises(MismatchError, match="read by the same call"):
        write_page(verification(), path, reads=[path])
    assert path.read_bytes() == b"read"


def test_only_a_page_is_overwritten(tmp_path):
    path = tmp_path / "net.mat"
    path.write_bytes(b"a network")
    with pytest.raises(MismatchError, match="a report is an HTML file"):
        write_page(verification(), path)
    assert path.read_bytes() == b"a network"


def hostile(value):
    """The same with every text hostile, however deep; what is chosen from a table stays."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Network):
        kept = ("verdict", "start")
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        changed = {name: v if name in kept else hostile(v) for name, v in fields.items()}
        return dataclasses.replace(value, **changed)
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, dict):
        return {f"{HOSTILE}{key}": hostile(inner) for key, inner in value.items()}
    return tuple(map(hostile, value)) if isinstance(value, tuple) else value


def test_no_text_of_a_file_becomes_markup(tmp_path):
    """Every text there is, in every place: names, notes, sources, causes, classes."""
    network = chain(HOSTILE, f"{HOSTILE}/a", f"{HOSTILE}/b")
    confusion = Confusion.of(["a", "b", "b"], ["b", "b", "a"])
    case = recorded(network, np.ones((4, 3), np.float32), network_source=Source("a", "b", "c", "d"))
    cause = Cause("suspect", ("layer",), "words", "meaning", "rounding", 1.0)
    layers = (judgement(layer="x"), judgement("different", note="n"), judgement(NOT_VERIFIED))
    told = Verification(
        "different",
        (judgement("different", note="note", confusion=confusion), judgement()),
        layers,
        "sentence",
        ("note",),
        Divergence(layers[1:2], "advice"),
        Diagnosis((cause, cause), 3, 1.0),
        {"torch": "2"},
    )
    told = dataclasses.replace(hostile(told), case=case)
    page = page_of(tmp_path, Entry.of(HOSTILE, told), Entry(HOSTILE, None, HOSTILE, 3))
    assert page.text.count("alert(1)") > 30
    assert not [
        tag for tag, named in page.tags if tag == "img" or any(n[:2] == "on" for n in named)
    ]
    kinds = [kind for kind, _ in page.scripts]
    assert kinds.count("text/javascript") == 1
    assert set(kinds) == {"text/javascript", "application/json", "application/octet-stream"}
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert not {"\x1b", "\u202e", "\0"} & set(text)
    assert "\\x1b[31m\\u202e{{7*7}}" in page.text
    for kind, script in page.scripts:
        assert kind != "application/json" or json.loads(script)["data"]


def test_nothing_is_loaded_and_no_other_script_runs(tmp_path):
    page = page_of(tmp_path, Entry.of("a", verification()))
    assert all(link.startswith("#") for link in page.links)
    (policy,) = [n["content"] for tag, n in page.tags if tag == "meta" and "http-equiv" in n]
    assert "default-src 'none'" in policy
    allowed = re.search("script-src (.*)", policy)[1]
    (script,) = [text for kind, text in page.scripts if kind == "text/javascript"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in allowed
    assert "unsafe" not in allowed
    assert len((tmp_path / "out.html").read_bytes()) < 3_000_000


def test_all_links_lead_somewhere(tmp_path):
    network = chain("a", "b")
    case = recorded(network, np.ones((4, 3), np.float32))
    entries = [Entry.of(f"file {i}", verify_case(case)) for i in range(3)]
    page = page_of(tmp_path, *entries, Entry("broken.mat", None, "truncated", 3))
    assert len(set(page.ids)) == len(page.ids)
    inner = [link[1:] for link in page.links]
    assert len(inner) > 3 * 4
    assert not set(inner) - set(page.ids)


def test_not_verified_is_no_pass(tmp_path):
    for entry, headline in (
        (Entry("a.mat", None, "nothing is expected", 5), "Not verified"),
        (Entry("a.mat", None, "truncated", 3), "Error"),
        (Entry.of("a.mat", Verification(NOT_VERIFIED, (judgement(NOT_VERIFIED),))), "Not verified"),
    ):
        page = page_of(tmp_path, entry)
        assert headline in page.text
        assert "This is no pass" in page.text
        assert "✓" not in page.text
    assert "✗" in page_of(tmp_path, Entry("a.mat", None, "more than rounding", 1)).text


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf, 1e300, 1e-300, -1.0])
def test_any_figure_is_shown(tmp_path, value):
    figures = dataclasses.replace(
        judgement().statistics,
        **dict.fromkeys(("scale", "max_abs", "max_rel", "rmse", "cosine", "snr"), value),
        steps=(value, 1.0),
        ulps=(3, 0, 1),
        worst=(Element((1, 2), 3, value, 1.0), Element((1,), 1, value, value, 4)),
    )
    odd = judgement("different", statistics=figures, budget=value, layer="a")
    told = verification("different", layers=(odd, judgement(layer="b")))
    told = dataclasses.replace(told, outputs=(odd,), divergence=Divergence((odd,)))
    page = page_of(tmp_path, Entry.of("a", told))
    assert "(1, 2)" in page.text
    assert "{4}(1)" in page.text
    charts = [json.loads(text) for kind, text in page.scripts if kind == "application/json"]
    assert len(charts) == 5
    for chart in charts:
        assert all(y is not None for trace in chart["data"] for y in list(trace["y"]))


def test_of_large_outputs_a_sample_is_drawn_and_said(tmp_path):
    y = np.arange(1_000_000.0).reshape(1000, 1000)
    sample = Sample.of([y, y], [y, -y])
    assert sample.elements == 2_000_000
    assert MOST / 2 < sample.expected.size <= MOST
    column = y.ravel(order="F")[:: 2_000_000 // MOST + 1]
    assert np.array_equal(sample.expected, np.concatenate([column, -column]))
    page = page_of(tmp_path, Entry.of("a", Verification("rounding", (judgement(sample=sample),))))
    assert f"{sample.expected.size:,} of 2,000,000 values shown" in page.text
    complex_values = Sample.of([np.array([1 + 2j])], [np.array([1 + 2j])])
    assert complex_values.computed.tolist() == [1.0]


def test_a_sentence_stays_as_it_is(tmp_path):
    """It may begin with the name of a variable."""
    told = dataclasses.replace(verification(), sentence="rounding: ys = net(ts) agrees")
    assert "\nys = net(ts) agrees\n" in page_of(tmp_path, Entry.of("a", told)).text


def test_each_bar_of_float32_numbers_has_its_name():
    trace = json.loads(ulps([1] * (len(EDGES) + 1)))["data"][0]
    assert trace["x"][:5] == ["0", "1", "2", "≤4", "≤8"]
    assert trace["x"][-1] == ">1k"
    assert len(trace["x"]) == len(EDGES) + 1
    assert len(json.loads(ulps((9, 0, 0)))["data"][0]["y"]) <= 6


def test_layers_stand_in_the_picture_and_in_the_table(tmp_path):
    """Each with its colour, and where the two part it is said in words as well."""
    network = chain("a", "b", "c")
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    case = recorded(network, x)
    kept = dict(case.activations)
    wrong = {**kept, "b": kept["b"] * 1.5, "c": np.tanh(kept["b"] * 1.5)}
    told = verify_case(case.replace(activations=wrong, expected=(wrong["c"],)))
    page = page_of(tmp_path, Entry.of("net.mat", told))
    colours = [n["class"].split() for tag, n in page.tags if n.get("class", "")[:6] == "layer "]
    assert [colour[1] for colour in colours] in (
        ["unrecorded", "equal", "far", "far"],
        ["unrecorded", "rounding", "far", "far"],
    )
    assert [colour[2:] for colour in colours] == [[], [], ["first"], []]
    assert page.text.count("first divergence") == 1
    assert "The difference begins in b" in page.text
    rows = [n for tag, n in page.tags if tag == "tr" and n.get("id", "").startswith("v1-r")]
    assert [row.get("class") for row in rows] == [None, "first", None]


def test_deep_networks_are_reported(tmp_path):
    layers, pairs = [featureInputLayer(2, Name="x0")], []
    for i in range(1, 400):
        kind = reluLayer(Name=f"x{i}") if i % 2 else additionLayer(2, Name=f"x{i}")
        layers.append(kind)
        ends = ("in1", "in2") if i % 2 == 0 else ("in",)
        pairs += [(f"x{max(i - 1 - n, 0)}", f"x{i}/{end}") for n, end in enumerate(ends)]
    network = Network.of(layers, pairs)
    case = Case(network, (np.ones((2, 1), np.float32),), (np.ones((2, 1), np.float32),))
    judged = tuple(judgement(name=f"x{i}", layer=f"x{i}") for i in range(1, 400))
    told = dataclasses.replace(verification("different", layers=judged), case=case)
    page = page_of(tmp_path, Entry.of("deep.mat", told))
    assert sum(n.get("class", "").startswith("layer ") for _, n in page.tags) == 400
    assert sum(n.get("id", "").startswith("v1-r") for _, n in page.tags) == 399


def test_confusion_is_shown_whole_or_where_it_is_most(tmp_path):
    few = Confusion.of(["cat", "dog", "dog"], ["dog", "dog", "dog"])
    page = page_of(tmp_path, Entry.of("a", Verification("different", (judgement(confusion=few),))))
    assert "Expected in rows" in page.text
    names = [f"class {i}" for i in range(40)]
    many = Confusion.of(names, [*names[:38], "class 0", "class 0"])
    page = page_of(tmp_path, Entry.of("a", Verification("different", (judgement(confusion=many),))))
    assert "Confused most" in page.text
    assert "class 39" in page.text
    assert "class 12" not in page.text


def test_a_page_needs_its_libraries(tmp_path, monkeypatch):
    for library in ("jinja2", "plotly", "pygraphviz"):
        with monkeypatch.context() as absent:
            absent.setitem(__import__("sys").modules, library, None)
            with pytest.raises(UnsupportedError, match=library) as error:
                write_page(verification(), tmp_path / "out.html")
            assert "pip install 'matbridge[report]'" in str(error.value)


def test_verify_reports(fixtures, call, in_folder):
    """Whatever becomes of it: it agrees, it differs, nothing is expected, it cannot be read."""
    net = fixtures / "cnn.mat"
    code, _, err = call("verify", net, "--input", ":X", "--expected", ":Y", "--report", "a.html")
    assert (code, "report written to a.html" in err) == (0, True)
    page = Page((in_folder / "a.html").read_text(encoding="utf-8"))
    assert "The same, to rounding" in page.text
    assert hashlib.sha256(net.read_bytes()).hexdigest() in page.text
    x = matbridge.load(net).predict(np.zeros((13, 10, 3, 5), np.float32))
    np.save("y.npy", x)
    code, _, _ = call("verify", net, "--input", ":X", "--expected", "y.npy", "--report", "a.html",
                      "--no-diagnosis")  # fmt: skip
    assert code == 1
    assert "Different" in Page((in_folder / "a.html").read_text(encoding="utf-8")).text
    (in_folder / "broken.mat").write_bytes(net.read_bytes()[:300])
    code, _, _ = call("verify", "broken.mat", "--input", ":X", "--expected", ":Y",
                      "--report", "a.html")  # fmt: skip
    assert code == 3
    assert "Error" in Page((in_folder / "a.html").read_text(encoding="utf-8")).text
    code, _, err = call("verify", net, "--input", ":X", "--expected", ":Y", "--report", "a.txt")
    assert (code, "End it in .html" in err) == (2, True)


def test_two_networks_are_reported_with_their_picture(fixtures, call, in_folder):
    net = fixtures / "cnn.mat"
    assert call("verify", net, "--against", net, "--report", "a.html")[0] == 0
    page = Page((in_folder / "a.html").read_text(encoding="utf-8"))
    assert sum(n.get("class", "").startswith("layer ") for _, n in page.tags) == 10
    assert "random ones" in page.text
    assert "cnn.mat: net against cnn.mat: net" in page.text


def test_many_files_make_one_report(fixtures, call, in_folder):
    call("verify", fixtures / "cnn.mat", fixtures / "dag.mat", "--input", ":X", "--expected", ":Y",
         "--report", "all.html")  # fmt: skip
    page = Page((in_folder / "all.html").read_text(encoding="utf-8"))
    assert "2 verifications" in page.text
    assert {"v1", "v2"} <= set(page.ids)


def test_the_templates_are_part_of_the_package():
    """Whatever is no Python file is named in pyproject.toml, or a wheel would lack it."""
    import tomllib
    from pathlib import Path

    root = Path(matbridge.__file__).parent
    settings = tomllib.loads((root.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["matbridge"]
    kept = {path for pattern in patterns for path in root.glob(pattern)}
    others = {p for p in root.rglob("*.*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert len(others) > 5
    assert not others - kept
