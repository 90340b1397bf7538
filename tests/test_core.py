"""The value in the middle: what makes a graph, and that nobody changes it."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from examples import EXAMPLES
from helpers import layer

from matbridge import LayerError, MismatchError, Network
from matbridge.core.classes import CLASSES
from matbridge.core.graph import Connection, Graph, Port
from matbridge.core.nesting import MAX_LAYERS


def chain(count, **options):
    names = [f"relu_{i}" for i in range(count)]
    layers = [layer("reluLayer", Name=name) for name in names]
    return layers, list(itertools.pairwise(names))


# -- the graph -------------------------------------------------------------------------------


def test_a_long_chain_in_reverse_is_put_in_order_at_once():
    layers, pairs = chain(20_000)
    network = Network.of(layers[::-1], pairs[::-1])
    assert [one.name for one in network.order()] == [one.name for one in layers]


def test_layers_without_names_are_named_at_once():
    network = Network.of([layer("reluLayer") for _ in range(20_000)])
    assert network.layers[-1].name == "relu_20000"


def test_a_name_that_is_taken_is_not_given_again():
    layers = [layer("reluLayer", Name="relu_1"), layer("reluLayer"), layer("reluLayer")]
    assert [one.name for one in Network.of(layers).layers] == ["relu_1", "relu_2", "relu_3"]
    layers = [layer("reluLayer", Name="relu"), layer("reluLayer")]
    assert [one.name for one in Network.of(layers).layers] == ["relu", "relu_1"]


def ends(source, destination):
    return Connection(Port(*source), Port(*destination))


@pytest.mark.parametrize(
    ("connections", "said"),
    [
        ([(("a", "out"), ("add", "in1")), (("b", "out"), ("add", "in1"))], "two connections lead"),
        ([(("a", "out"), ("in", "in"))], "leads into an input layer"),
        ([(("a", "out"), ("nowhere", "in"))], "'nowhere', which is not there"),
        ([(("nowhere", "out"), ("a", "in"))], "'nowhere', which is not there"),
        ([(("a", "out7"), ("b", "in"))], "'a/out7', which is not there"),
        ([(("a", "out"), ("b", "in")), (("b", "out"), ("a", "in"))], "form a loop"),
        ([(("a", "out"), ("a", "in"))], "form a loop"),
    ],
)
def test_what_is_no_graph_is_refused(connections, said):
    layers = (
        layer("featureInputLayer", 2, Name="in"),
        layer("reluLayer", Name="a"),
        layer("reluLayer", Name="b"),
        layer("additionLayer", 2, Name="add"),
    )
    with pytest.raises(LayerError, match=said):
        Network(layers, tuple(ends(*pair) for pair in connections))


def test_an_output_that_no_layer_has_is_refused():
    with pytest.raises(LayerError, match="which is not there"):
        Network((layer("reluLayer", Name="a"),), (), output_ports=(Port("b", "out"),))


def test_repeated_names_are_refused():
    with pytest.raises(LayerError, match="two layers are named 'a'"):
        Network((layer("reluLayer", Name="a"), layer("tanhLayer", Name="a")), ())


def test_users_and_open_ends():
    layers = [layer("reluLayer", Name=name) for name in "abc"]
    graph = Graph(layers, [ends(("a", "out"), ("b", "in")), ends(("a", "out"), ("c", "in"))])
    assert graph.users[Port("a", "out")] == [Port("b", "in"), Port("c", "in")]
    assert graph.open_inputs == ("a",)
    assert graph.open_outputs == (Port("b", "out"), Port("c", "out"))


def test_networks_that_double_inside_each_other_are_refused_before_they_are_made():
    network = Network.of([layer("reluLayer", Name="r")])
    with pytest.raises(LayerError, match=f"more than {MAX_LAYERS}"):
        for _ in range(60):
            inside = [layer("networkLayer", network, Name=name) for name in "ab"]
            network = Network.of(inside)


# -- immutable -------------------------------------------------------------------------------


def small():
    return Network.of(
        [
            layer("featureInputLayer", 2),
            layer("fullyConnectedLayer", 2, Name="fc", Weights=np.eye(2), Bias=np.zeros((2, 1))),
        ]
    )


def test_numpy_refuses_to_write_into_a_network(fixtures):
    import matbridge

    for network in (small(), matbridge.load(fixtures / "lstm_classifier.mat")):
        for one in network.layers:
            for name, array in one.arrays.items():
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
                with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
                    array.flags.writeable = True
                with pytest.raises(TypeError):
                    one.arrays[name] = array
        with pytest.raises(AttributeError):
            network.layers = ()
        with pytest.raises(AttributeError):
            network.report.append("anything")


def test_what_a_caller_writes_into_his_own_array_changes_no_network():
    weights = np.eye(2)
    built = layer("fullyConnectedLayer", 2, Name="fc", Weights=weights, Bias=np.zeros((2, 1)))
    replaced = built.replace(arrays={**built.arrays, "Weights": weights})
    weights[:] = 7
    for one in (built, replaced):
        np.testing.assert_array_equal(one.arrays["Weights"], np.eye(2))


def test_predict_never_returns_old_numbers():
    network = small()
    x = np.ones((1, 2))
    np.testing.assert_array_equal(network.predict(x), [[1, 1]])
    fc = network["fc"]
    doubled = network.with_layers(fc.replace(arrays={**fc.arrays, "Weights": 2 * np.eye(2)}))
    np.testing.assert_array_equal(doubled.predict(x), [[2, 2]])
    np.testing.assert_array_equal(network.predict(x), [[1, 1]])


def test_networks_can_be_copied_and_sent_to_other_processes():
    network = small()
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        np.testing.assert_array_equal(other["fc"].arrays["Weights"], np.eye(2))
        np.testing.assert_array_equal(other.predict(np.ones((1, 2))), [[1, 1]])


# -- sizes are checked where a network is made -----------------------------------------------


def built_of(example):
    return layer(example.builder, *example.positional, Name="built", **example.named)


WITH_ARRAYS = [
    next(examples)
    for _, examples in itertools.groupby(EXAMPLES, key=lambda example: example.builder)
]


def altered(array):
    """The same array in sizes that no declaration has: one more of each, none of any, turned."""
    yield "larger", np.zeros([n + 1 for n in array.shape] + [2])
    yield "empty", np.zeros([0, *array.shape[1:]])
    yield "complex", np.zeros(array.shape, complex)
    yield "text", np.full(array.shape, "a")


@pytest.mark.parametrize("example", WITH_ARRAYS, ids=lambda example: example.builder)
def test_arrays_of_other_sizes_make_no_network(example):
    built = built_of(example)
    for declared in built.declared:
        if declared.name not in built.arrays or "Statistic" in declared.sizes:
            continue
        for what, array in altered(built.arrays[declared.name]):
            allowed = built.COMPLEX if what == "complex" else what == "empty" and declared.empty
            if allowed:
                continue
            with pytest.raises(LayerError, match=declared.name) as refused:
                Network((built.replace(arrays={**built.arrays, declared.name: array}),), ())
            assert "built" in str(refused.value)


def test_classes_of_networks_are_values():
    assert Network.of([layer("reluLayer")]).kind is CLASSES["dlnetwork"]
    odd = Network.of([layer("reluLayer")], class_name="their.Network")
    assert str(odd.kind) == "their.Network"


def test_layers_by_name_and_by_place():
    network = small()
    assert network["fc"] is network[1] is network.layers[-1]
    assert [one.name for one in network] == ["featureinput", "fc"]
    assert len(network) == 2
    assert network[1:] == (network["fc"],)
    assert network[np.int64(-1)] is network["fc"]
    assert "fc" in network
    assert "fd" not in network
    assert network["fc"] in network
    with pytest.raises(MismatchError, match="The 2 layers are featureinput, fc"):
        network["fd"]
