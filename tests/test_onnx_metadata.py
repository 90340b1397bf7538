"""A network written to ONNX and read back is the same network, to the bit."""

import base64
import json

import numpy as np
import onnx
import pytest
from examples import EXAMPLES
from helpers import layer
from onnx import numpy_helper
from onnx.external_data_helper import set_external_data
from same import assert_same
from test_examples import made, network_of

import matbridge
from matbridge import FormatError, Layer, Network, languages
from matbridge.core.registry import Registry
from matbridge.onnx import metadata
from matbridge.onnx.metadata import ARRAYS, NETWORK, remembered
from matbridge.onnx.save import save_onnx

WRITTEN = [e for e in EXAMPLES if not e.no_onnx]


def assert_same_network(again, network):
    """All but what the reader noticed."""
    assert [type(one) for one in again.layers] == [type(one) for one in network.layers]
    for one, other in zip(again.layers, network.layers, strict=True):
        assert dict(one.arrays).keys() == dict(other.arrays).keys()
        for name in one.arrays:
            assert_same(one.arrays[name], other.arrays[name], f"{one.name}.{name}")
        assert_same(one.replace(arrays={}), other.replace(arrays={}), one.name)
    assert again.connections == network.connections
    assert again.output_ports == network.output_ports
    assert again.input_names == network.input_names
    assert again.class_name == network.class_name
    assert again.classes == network.classes
    assert_same(again.provenance, network.provenance)


def through_a_file(network, folder):
    save_onnx(network, folder / "net.onnx")
    return matbridge.load(folder / "net.onnx")


@pytest.mark.parametrize(
    "example", WRITTEN, ids=[f"{i}-{e.builder}" for i, e in enumerate(WRITTEN)]
)
def test_every_layer_is_the_same_from_onnx(example, tmp_path):
    network = network_of(made(example), example.inputs)
    again = through_a_file(network, tmp_path)
    assert again.report == ()
    assert_same_network(again, network)


def test_every_fixture_is_the_same_from_onnx(fixtures, tmp_path):
    for path in sorted(fixtures.glob("*.mat")):
        network = matbridge.load(path)
        again = through_a_file(network, tmp_path)
        assert again.report == ()
        assert_same_network(again, network)


# -- what somebody did to the file ---------------------------------------------------------------


@pytest.fixture
def written(fixtures, tmp_path):
    """A network of an LSTM and a convolution with batch normalization, and its model."""
    network = matbridge.load(fixtures / "cnn_bilstm.mat")
    network.save(tmp_path / "net.onnx")
    return network, onnx.load(tmp_path / "net.onnx")


def read_again(model, folder):
    onnx.save(model, folder / "changed.onnx")
    return matbridge.load(folder / "changed.onnx")


def said(model):
    return json.loads(next(p.value for p in model.metadata_props if p.key == NETWORK))


def tell(model, key, value):
    next(p for p in model.metadata_props if p.key == key).value = value


def holding(model, owner, name):
    """The initializer that holds an array, and where: the first element of each."""
    (copy, *_) = said(model)["copies"][f"{owner}.{name}"]
    initializer = next(i for i in model.graph.initializer if i.name == copy[0])
    return initializer, copy[3][0]


def write(initializer, place, number):
    array = numpy_helper.to_array(initializer).copy()
    array.reshape(-1)[place] = number
    initializer.CopyFrom(numpy_helper.from_array(array, initializer.name))


def every_copied_array(network, model):
    kept = said(model)["copies"]
    return [(o.name, n) for o in network.layers for n in o.arrays if f"{o.name}.{n}" in kept]


def test_weights_changed_in_the_file_count(written, tmp_path):
    network, model = written
    names = every_copied_array(network, model)
    assert len(names) > 6
    for owner, name in names:
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        initializer, (place, element) = holding(changed, owner, name)
        write(initializer, place, 7.25)
        again = read_again(changed, tmp_path)
        assert again.report == ()
        expected = network[owner].arrays[name].copy()
        expected.reshape(-1)[element] = 7.25
        assert_same(again[owner].arrays[name], expected)
        others = {**network[owner].arrays, name: expected}
        assert_same_network(again, network.with_layers(network[owner].replace(arrays=others)))


def test_weights_in_double_count_too_where_they_were_changed(tmp_path):
    """All digits of those that were not."""
    weights = np.random.default_rng(0).standard_normal((3, 4)) / 3
    fc = layer("fullyConnectedLayer", 3, Name="fc", Weights=weights, Bias=np.zeros((3, 1)))
    network = Network.of([layer("featureInputLayer", 4), fc])
    assert_same_network(through_a_file(network, tmp_path), network)
    model = onnx.load(tmp_path / "net.onnx")
    initializer, (place, element) = holding(model, "fc", "Weights")
    write(initializer, place, 0.1)
    weights.reshape(-1)[element] = np.float32(0.1)
    assert_same(read_again(model, tmp_path)["fc"].arrays["Weights"], weights)


def lost(model, reason):
    """The metadata are refused, and told is why."""
    with pytest.raises(FormatError, match=reason):
        remembered(model, Registry.builtin())


def test_what_is_refused_is_read_by_its_nodes(tmp_path):
    network = Network.of([layer("featureInputLayer", 4, Name="in"), layer("reluLayer", Name="r")])
    save_onnx(network, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    tell(model, NETWORK, "{")
    again = read_again(model, tmp_path)
    assert [type(one) for one in again.layers] == [type(one) for one in network.layers]
    (told,) = [d for d in again.report if d.where == ""]
    assert told.what.startswith("the network in the file's metadata is not used: they are damaged")
    assert told.level == "warning"


def test_a_graph_that_somebody_changed(written):
    """Nodes removed, added, moved or with other attributes, and folded constants."""
    _, model = written
    changes = {
        "removed": lambda g: g.node.pop(3),
        "added": lambda g: g.node.add(op_type="Neg", input=[g.input[0].name], output=["other"]),
        "operator": lambda g: setattr(g.node[0], "op_type", "Neg"),
        "attribute": lambda g: next(n for n in g.node if n.op_type == "Conv").attribute.pop(),
        "input": lambda g: setattr(g.input[0], "name", "other"),
        "folded": lambda g: write(
            next(i for i in g.initializer if "norm" in i.name and i.data_type == 1), 0, 9.0
        ),
    }
    for change in changes.values():
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        change(changed.graph)
        lost(changed, "the nodes were changed after matbridge wrote them")


DAMAGES = {
    "no JSON": lambda s: "{",
    "deep": lambda s: "[" * 100_000,
    "a list": lambda s: "[]",
    "nothing": lambda s: "{}",
    "no graph": lambda s: {**s, "graph": None},
    "no manner": lambda s: {**s, "manner": {}},
    "odd manner": lambda s: {**s, "manner": {**s["manner"], "opset": "x"}},
    "no sizes": lambda s: {**s, "sizes": {}},
    "copies of nothing": lambda s: {
        **s,
        "copies": {"fc.Bias": [["gone", [1], [[1, 1]], [[0, 0]]]]},
    },
}


@pytest.mark.parametrize("name", DAMAGES)
def test_metadata_that_are_damaged(name, written):
    _, model = written
    value = DAMAGES[name](said(model))
    tell(model, NETWORK, value if isinstance(value, str) else json.dumps(value))
    lost(model, "they are damaged")


@pytest.mark.parametrize(
    ("size", "copy"),
    [
        ([10**12], [[1], [[1, 1]], [[0, 0]]]),
        ([-1, -4], [[4], [[1, 1]], [[0, 0]]]),
        ([4], [[10**15], [[0, 0]], [[0, 0]]]),
        ([4], [[4], [[10**6, 1]], [[0, 0]]]),
        ([4], [[4], [[1, 10**6]], [[0, 0]]]),
        ([4], [[4], [[1, 1]], [[-1, 0]]]),
        ([4], [[4], [[1, -1]], [[0, 0]]]),
        ([4], [[-4], [[1, 1]], [[0, 0]]]),
        ([4], [[4], [[1, 1]], [[0, 2**70]]]),
        ([4], [[4, 4], [[1, 1]], [[0, 0]]]),
        ([4], [[4.0], [[1, 1]], [[0, 0]]]),
        ([2.5], [[4], [[1, 1]], [[0, 0]]]),
    ],
)
def test_copies_that_lead_outside_or_ask_for_much(size, copy, written, monkeypatch):
    """Also where the digest was made up with them."""
    _, model = written
    document = said(model)
    monkeypatch.setattr(metadata, "digest", lambda *_: document["digest"])
    name = holding(model, "fc", "Bias")[0].name
    document["sizes"]["fc.Bias"], document["copies"]["fc.Bias"] = size, [[name, *copy]]
    tell(model, NETWORK, json.dumps(document))
    lost(model, "they are damaged")


def test_arrays_beside_that_are_damaged(written):
    _, model = written
    assert any(p.key == ARRAYS for p in model.metadata_props)
    for value in ("", "?", "AAAA", base64.b64encode(b"x" * 100).decode()):
        tell(model, ARRAYS, value)
        lost(model, "damaged")


def test_a_network_that_the_metadata_make_up(written):
    """A digest can be made up as well: what counts is that the network gives these nodes."""
    _, model = written
    document = said(model)
    layers = document["graph"]["layers"]
    lstm = next(one for one in layers if "GateActivationFunction" in one["properties"])
    lstm["properties"]["GateActivationFunction"] = "hard-sigmoid"
    tell(model, NETWORK, json.dumps(document))
    lost(model, "is not that of the nodes")


def test_a_file_of_another_version_is_read_and_that_is_told(written, tmp_path, monkeypatch):
    """Its nodes need not be those that this version would write."""
    network, model = written
    real = metadata.unchecked

    def otherwise(*arguments):
        other = real(*arguments)
        other.graph.node[0].attribute.add(name="new", i=1, type=onnx.AttributeProto.INT)
        return other

    model.producer_version = "0.0.9"
    assert read_again(model, tmp_path).report == ()
    monkeypatch.setattr(metadata, "unchecked", otherwise)
    again = read_again(model, tmp_path)
    assert_same_network(again, network)
    (told,) = again.report
    assert told.level == "warning"
    assert "matbridge 0.0.9 wrote the file" in told.what
    assert "was not proven" in told.what


def test_a_card_that_is_not_given_is_told(tmp_path):
    class Twice(Layer):
        """A layer of the user's own."""

        MATLAB = ("twiceLayer",)

        def forward(self, ops, p, x):
            return ops.multiply(x, 2.0)

    network = Network.of(
        [layer("featureInputLayer", 4), Twice(name="twice", class_name="twiceLayer")]
    )
    network.save(tmp_path / "net.onnx")
    again = matbridge.load(tmp_path / "net.onnx", registry=[Twice])
    assert_same_network(again, network)
    lost(onnx.load(tmp_path / "net.onnx"), "twiceLayer is not known")


def test_metadata_open_no_other_file(written, tmp_path):
    _, model = written
    (tmp_path / "secret").write_bytes(bytes(10_000))
    initializer, _ = holding(model, "fc", "Bias")
    set_external_data(initializer, str(tmp_path / "secret"))
    initializer.ClearField("raw_data")
    lost(model, "stands in another file")


def test_networks_of_the_corpus_are_the_same_from_onnx(corpus, tmp_path):
    """Every fifth file with a network that runs."""
    tried = 0
    for path in sorted((corpus / "files").glob("*.mat"))[::5]:
        for network in languages.read(path).networks.values():
            if network.runnable and network.input_layers and network.parameter_count() < 10**6:
                again = through_a_file(network, tmp_path)
                assert again.report == (), path.name
                assert_same_network(again, network)
                tried += 1
    assert tried > 8
