"""What a network object was made by, told from its structure: the name in it is often another's.

Where two functions of MATLAB's make the same structure, what they set for plots tells them
apart, else both are named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matbridge.shallow.structure import ShallowStructure, WeightPart

__all__ = ["KINDS", "creating_function"]

Test = Callable[[ShallowStructure], bool]


def creating_function(structure: ShallowStructure) -> str:
    """The function of MATLAB's that makes such a network, with the older one in brackets;
    "network", which makes any, where no other does."""
    return next((name for name, test in KINDS if test(structure)), "network")


# -- what is looked at --------------------------------------------------------------------------


def _transfers(structure: ShallowStructure) -> list[str]:
    return [layer.transfer for layer in structure.layers]


def _first(structure: ShallowStructure) -> WeightPart | None:
    """The weights of the first input to the first layer."""
    return structure.input_weights.get((1, 1))


def _weighs(structure: ShallowStructure, *functions: str) -> bool:
    first = _first(structure)
    return first is not None and first.function in functions


def _plots(structure: ShallowStructure, *names: str) -> bool:
    plots = structure.training.get("plotFcns")
    return isinstance(plots, Sequence) and any(name in plots for name in names)


def _is_chain(structure: ShallowStructure) -> bool:
    """Whether each layer reads the one before it, the first the inputs, and none another."""
    ahead = {(i, i - 1) for i in range(2, len(structure.layers) + 1)}
    # A layer that a constant target left without neurons reads nothing.
    present = {(i, j) for i, j in ahead if structure.layers[i - 1].size}
    weights = set(structure.layer_weights)
    return present <= weights <= ahead and {i for i, _ in structure.input_weights} <= {1}


def _is_cascade(structure: ShallowStructure) -> bool:
    """Whether each layer reads every input and every layer before it."""
    layers, inputs = range(1, len(structure.layers) + 1), range(1, len(structure.inputs) + 1)
    return (
        len(layers) > 1
        and set(structure.layer_weights) == {(i, j) for i in layers for j in layers if j < i}
        and set(structure.input_weights) == {(i, j) for i in layers for j in inputs}
    )


def _is_feedforward(structure: ShallowStructure) -> bool:
    return _is_chain(structure) and structure.is_static and bool(structure.inputs)


def _loops_back(structure: ShallowStructure) -> bool:
    """Whether an output layer feeds the first layer, as closeloop makes it."""
    last = {output.layer for output in structure.outputs}
    return any(i == 1 and j in last for i, j in structure.layer_weights)


def _is_closed(structure: ShallowStructure) -> bool:
    modes = {output.feedback_mode for output in structure.outputs}
    return "closed" in modes or (len(structure.layers) > 1 and _loops_back(structure))


def _is_open(structure: ShallowStructure) -> bool:
    return any(part.feedback_output is not None for part in structure.inputs)


def _recurs(structure: ShallowStructure) -> bool:
    """Whether hidden layers feed themselves, and nothing else comes back."""
    back = {(i, j) for i, j in structure.layer_weights if j >= i}
    return bool(back) and all(i == j for i, j in back)


def _is_delayed_ahead(structure: ShallowStructure) -> bool:
    """Whether delays stand before the first layer alone."""
    return _is_chain(structure) and structure.num_input_delays > 0 == structure.num_layer_delays


def _one_layer(*transfers: str) -> Test:
    return lambda s: len(s.layers) == 1 and s.layers[0].transfer in transfers


def _both(*tests: Test) -> Test:
    return lambda s: all(test(s) for test in tests)


def _ends(*transfers: str) -> Test:
    return lambda s: bool(s.layers) and s.layers[-1].transfer in transfers


def _is_radial(structure: ShallowStructure) -> bool:
    """Whether the first layer is one of radial basis neurons."""
    return (
        len(structure.layers) == 2
        and _weighs(structure, "dist")
        and structure.layers[0].net_input == "netprod"
    )


def _normalizes(structure: ShallowStructure) -> bool:
    second = structure.layer_weights.get((2, 1))
    return second is not None and second.function == "normprod"


def _is_sparse_coder(structure: ShallowStructure) -> bool:
    return len(structure.layers) == 2 and structure.training.get("performFcn") == "msesparse"


def _is_stack(structure: ShallowStructure) -> bool:
    """Encoders one behind the other, and what classifies behind them."""
    hidden = _transfers(structure)[:-1]
    return bool(hidden) and all(name in ("logsig", "satlin") for name in hidden)


def _competes(structure: ShallowStructure) -> bool:
    return _weighs(structure, "negdist", "dist", "mandist", "boxdist", "linkdist")


def _is_hopfield(structure: ShallowStructure) -> bool:
    return not structure.inputs and (1, 1) in structure.layer_weights


# The first whose test holds.
KINDS: tuple[tuple[str, Test], ...] = (
    ("trainAutoencoder", _is_sparse_coder),
    ("newpnn", _both(_is_radial, _ends("compet"))),
    ("newgrnn", _both(_is_radial, _normalizes)),
    ("newrb (newrbe)", _is_radial),
    ("lvqnet (newlvq)", lambda s: len(s.layers) == 2 and s.layers[0].transfer == "compet"),
    (
        "selforgmap (newsom)",
        _both(_one_layer("compet"), _competes, lambda s: s.layers[0].bias is None),
    ),
    ("competlayer (newc)", _both(_one_layer("compet"), _competes)),
    ("newhop", _both(_one_layer("satlins"), _is_hopfield)),
    ("narnet, closed loop", _both(_is_closed, lambda s: not s.inputs)),
    ("narxnet, closed loop", _is_closed),
    ("narnet", _both(_is_open, lambda s: len(s.inputs) == 1)),
    ("narxnet", _is_open),
    ("perceptron (newp)", _both(_one_layer("hardlim", "hardlims"), lambda s: not s.layer_weights)),
    ("linearlayer (newlin)", _both(_one_layer("purelin"), lambda s: not s.layer_weights)),
    ("trainSoftmaxLayer", _both(_one_layer("softmax"), _is_feedforward)),
    ("layrecnet (newlrn), elmannet (newelm)", _recurs),
    ("timedelaynet (newfftd)", _is_delayed_ahead),
    ("distdelaynet (newdtdnn)", _both(_is_chain, lambda s: s.num_layer_delays > 0)),
    ("patternnet (newpr)", _both(_is_feedforward, lambda s: _plots(s, "plotconfusion", "plotroc"))),
    ("stack of autoencoders", _both(_is_feedforward, _ends("softmax"), _is_stack)),
    ("patternnet (newpr)", _both(_is_feedforward, _ends("softmax"))),
    ("fitnet (newfit)", _both(_is_feedforward, lambda s: _plots(s, "plotfit"))),
    ("feedforwardnet (newff)", _both(_is_feedforward, lambda s: bool(s.input_weights))),
    ("cascadeforwardnet (newcf)", _both(_is_cascade, lambda s: s.is_static)),
)
