"""Pictures of networks: valid, whole, readable, and the same each time."""

import itertools
import re
import xml.etree.ElementTree as ET
from collections import defaultdict

import numpy as np
import pytest

import matbridge
import matbridge.matlab as ml
from matbridge import Network
from matbridge.errors import MismatchError
from matbridge.layers import CARDS
from matbridge.report.columns import in_columns
from matbridge.report.families import FAMILIES, family
from matbridge.report.layout import Edge, Node, arrange
from matbridge.report.picture import Mark, picture, write_picture

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script> & \x1b[31m ]]> {{7*7}} ‮'


def hints(svg):
    """The first line of each layer's hint: its name."""
    root = ET.fromstring(svg)
    layers = [g for g in root.iter(f"{SVG}g") if "layer" in g.get("class", "").split()]
    return [g.find(f"{SVG}title").text.split("\n")[0] for g in layers]


def residual(blocks):
    """Blocks of two layers and a sum with what came in."""
    layers, pairs, last = [ml.featureInputLayer(3, Name="in")], [], "in"
    for i in range(blocks):
        a, b, c = f"relu{i}", f"tanh{i}", f"add{i}"
        layers += [ml.reluLayer(Name=a), ml.tanhLayer(Name=b), ml.additionLayer(2, Name=c)]
        pairs += [(last, a), (a, b), (b, f"{c}/in1"), (last, f"{c}/in2")]
        last = c
    return Network.of(layers, pairs)


def dense(count):
    """Each layer takes the outputs of all before it."""
    layers = [ml.featureInputLayer(2, Name="in")]
    pairs = []
    for i in range(1, count):
        layers.append(ml.concatenationLayer(1, i, Name=f"join{i}"))
        pairs += [(layers[j].name, f"join{i}/in{j + 1}") for j in range(i)]
    return Network.of(layers, pairs)


def random_graph(seed, count=70):
    """Boxes of any size, fed by some of those before them."""
    rng = np.random.default_rng(seed)
    feeding = {i: rng.choice(i, min(i, rng.integers(1, 4)), replace=False) for i in range(1, count)}
    nodes = [
        Node(str(i), rng.integers(40, 200), rng.integers(30, 90), max(len(feeding.get(i, ())), 1))
        for i in range(count)
    ]
    edges = [Edge(str(j), str(i), 0, k) for i, js in feeding.items() for k, j in enumerate(js)]
    return nodes, edges


def check_layout(layout, nodes, edges):
    """No two boxes overlap, and from each box lines lead to those that it feeds."""
    assert set(layout.boxes) == {node.name for node in nodes}
    boxes = layout.boxes.values()
    for a, b in itertools.combinations(boxes, 2):
        apart_x = a.x + a.width <= b.x + 0.1 or b.x + b.width <= a.x + 0.1
        assert apart_x or a.y + a.height <= b.y + 0.1 or b.y + b.height <= a.y + 0.1
    for box in boxes:
        assert box.x >= -1
        assert box.y >= -1
        assert box.x + box.width <= layout.width + 1
        assert box.y + box.height <= layout.height + 1
    leading = defaultdict(set)
    for line in layout.lines:
        leading[line.tail].add(line.head)
        touches(layout, line.tail, line.points[0])
        touches(layout, line.head, line.points[-1])

    def reached(name):
        ends = set()
        for head in leading[name]:
            ends |= {head} if head in layout.boxes else reached(head)
        return ends

    for node in nodes:
        assert reached(node.name) == {e.head for e in edges if e.tail == node.name}


def touches(layout, name, point):
    """A line ends at the upper or lower side of its box."""
    if name in layout.boxes:
        box, (x, y) = layout.boxes[name], point
        assert box.x - 2 <= x <= box.x + box.width + 2
        assert min(abs(y - box.y), abs(y - box.y - box.height)) < 3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lay", [arrange, in_columns])
def test_boxes_stand_apart_and_lines_connect(seed, lay):
    nodes, edges = random_graph(seed)
    layout = lay(nodes, edges)
    check_layout(layout, nodes, edges)
    assert lay(nodes, edges) == layout, "the same each time"


def test_ports_are_in_their_order():
    nodes = [Node("a", 100, 40, 0, 3), Node("b", 100, 40, 3)]
    edges = [Edge("a", "b", i, i) for i in range(3)]
    layout = arrange(nodes, edges)
    starts = [line.points[0][0] - layout.boxes["a"].x for line in layout.lines]
    ends = [line.points[-1][0] - layout.boxes["b"].x for line in layout.lines]
    assert np.allclose(starts, [100 / 6, 50, 500 / 6], atol=3)
    assert np.allclose(ends, [100 / 6, 50, 500 / 6], atol=3)


@pytest.mark.parametrize("name", ["cnn", "dag", "unet", "transformer_encoder", "deep_lstm"])
def test_every_layer_is_in_the_picture(fixtures, name):
    network = matbridge.load(fixtures / f"{name}.mat")
    svg = picture(network)
    assert hints(svg) == [layer.name for layer in network.order()]
    assert svg == picture(matbridge.load(fixtures / f"{name}.mat"))


@pytest.mark.parametrize("network", [residual(270), dense(14)], ids=["deep", "dense"])
def test_deep_and_dense_networks_are_drawn(network):
    """800 layers as well; the picture of many stays a page."""
    assert sorted(hints(picture(network))) == sorted(layer.name for layer in network.layers)
    width, height = re.search(r'width="([\d.]+)" height="([\d.]+)"', picture(network)).groups()
    if len(network.layers) > 100:
        assert 0.4 < float(width) / float(height) < 4


def test_a_network_within_another_stands_in_a_frame():
    inner = Network.of([ml.featureInputLayer(3, Name="i"), ml.reluLayer(Name="r"),
                        ml.tanhLayer(Name="t")])  # fmt: skip
    outer = Network.of([ml.featureInputLayer(3, Name="x"), ml.networkLayer(inner, Name="sub")])
    svg = picture(outer)
    assert hints(svg) == ["x", "sub/r", "sub/t"]
    frames = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "frame"]
    assert [g.find(f"{SVG}text").text for g in frames] == ["sub"]


def test_hostile_names_are_texts():
    """Of layers, of ports, of groups: no element, no escape sequence, no template."""
    names = [HOSTILE, f"{HOSTILE}/a", f"{HOSTILE}/b", "\0leaving 1 0 1", "x" * 100_000]
    names += [f"r{i}" for i in range(20)]
    chain = [ml.featureInputLayer(3, Name="in"), *(ml.reluLayer(Name=n) for n in names)]
    svg = picture(Network.of(chain), {HOSTILE: Mark("far", HOSTILE)})
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "style", "rect", "defs", "marker", "path", "g", "text"}
    assert len(hints(svg)) == 26
    assert "\x1b" not in svg
    assert "\0" not in svg
    assert "\u202e" not in svg
    assert "49" not in "".join(hints(svg))
    assert len(svg) < 50_000


def test_every_file_of_cards_has_a_family():
    modules = {card.__module__.rpartition(".")[2] for card in CARDS}
    assert modules == set(FAMILIES)
    assert family(ml.lstmLayer(3, Name="a")) == "recurrent"


def test_inspect_draws(fixtures, call, in_folder):
    code, out, err = call("inspect", fixtures / "dag.mat", "--picture", "net.svg")
    assert code == 0
    assert "drawn into net.svg" in err
    assert len(hints((in_folder / "net.svg").read_text(encoding="utf-8"))) == 10
    code, _, err = call("inspect", fixtures / "dag.mat", "--picture", "net.png")
    assert code == 2
    assert "End it in .svg" in err
    code, _, err = call("inspect", fixtures, "--picture", "net.svg")
    assert (code, "of one network" in err) == (2, True)
    code, _, err = call("inspect", fixtures / "dag.mat", "--network", "net")
    assert (code, "--picture" in err) == (2, True)


def test_nothing_to_draw_is_said():
    with pytest.raises(MismatchError, match="no layers"):
        picture(Network((), ()))


def test_a_picture_needs_its_libraries(tmp_path, monkeypatch, fixtures):
    network = matbridge.load(fixtures / "dag.mat")
    for library in ("pygraphviz", "jinja2"):
        with monkeypatch.context() as absent:
            absent.setitem(__import__("sys").modules, library, None)
            with pytest.raises(matbridge.errors.UnsupportedError, match=library) as error:
                write_picture(network, tmp_path / "net.svg")
            assert "pip install 'matbridge[report]'" in str(error.value)
