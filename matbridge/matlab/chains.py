"""Plain weights of fully connected layers, as people really save them. See docs/weights-file.md.

Cells W and b, arrays W1, b1, W2, b2, Theta1, Theta2 with the bias in front, a struct or a table of
the learnables by layer; beside them, where one is lucky, the names of the functions between.
Nothing is guessed silently: what is not said is asked for, what was chosen is told.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.diagnostics import Report
from matbridge.core.dims import reorder
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry
from matbridge.errors import LayerError, MatbridgeError, MismatchError
from matbridge.layers.activation import ReLU, Sigmoid, Softmax, Tanh
from matbridge.layers.dense import FullyConnected
from matbridge.layers.input import FeatureInput
from matbridge.matlab.constructors import construct
from matbridge.matlab.file.values import Cell, Table, texts
from matbridge.matlab.layer import numeric
from matbridge.text import listed

__all__ = ["NAMES", "NO_RELEASE", "TOLD", "Chain", "chain_of", "read_chain"]

# A name of weights or biases, alone for a cell or with a number for an array.
WEIGHTS = re.compile(r"(w|weights?)_?(\d*)", re.IGNORECASE)
BIASES = re.compile(r"(b|bias|biases)_?(\d*)", re.IGNORECASE)
THETA = re.compile(r"(theta)_?(\d+)", re.IGNORECASE)
ACTIVATIONS = re.compile(
    r"(act|acts|activations?|transfer)(_?(fcns?|functions?|funcs?))?", re.IGNORECASE
)
LEARNABLES = re.compile(r"learnables", re.IGNORECASE)
# Variables of a file that may be parts of a chain.
NAMES = re.compile("|".join(p.pattern for p in (WEIGHTS, BIASES, THETA, ACTIVATIONS, LEARNABLES)),
                   re.IGNORECASE)  # fmt: skip
# What the functions are called in these files, and the layers that they are.
FUNCTIONS: Mapping[str, type[Layer] | None] = {
    **dict.fromkeys(("relu", "poslin"), ReLU),
    **dict.fromkeys(("tanh", "tansig"), Tanh),
    **dict.fromkeys(("sigmoid", "logsig"), Sigmoid),
    **dict.fromkeys(("linear", "purelin", "identity", "none"), None),
    "softmax": Softmax,
}
# What the details of a network's provenance say of plain arrays and structs, whose classes are
# named or taken by us, so that they tell no release.
NO_RELEASE = {"plain": True}
# What they say where nothing tells how the input is normalized either.
NOT_TOLD = {"plain_weights": True, **NO_RELEASE}
DENSE = ("dense", "fullyconnected", "fc", "fullyconnectedlayer")


@dataclass(frozen=True)
class Chain:
    """Arrays that may be the layers of a network, in order.

    ``functions`` are named beside them, () where none are; ``assumed`` are those that go without
    saying in files of this kind. ``told`` is what else is said of the layers, by the name of its
    field; ``note`` what was taken to be meant.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    functions: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    told: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    @property
    def sizes(self) -> list[int]:
        """The lengths of the input and of each layer's output."""
        return [self.weights[0].shape[1], *(w.shape[0] for w in self.weights)]


def chain_of(fields: object) -> Chain | None:
    """The chain that the fields of a struct, the variables of a file or a table of learnables
    hold; None where they hold none whose sizes fit."""
    if isinstance(fields, Table):
        return _of_table(fields)
    if not isinstance(fields, Mapping):
        return None
    for make in (_of_cells, _of_numbered, _of_theta, _of_layers):
        chain = make(fields)
        if chain is not None:
            return chain
    tables = (v for name, v in fields.items() if LEARNABLES.fullmatch(name))
    return next((c for v in tables if isinstance(v, Table) and (c := _of_table(v))), None)


# -- the forms -------------------------------------------------------------------------------


def _of_cells(fields: Mapping[str, object]) -> Chain | None:
    """Cells of arrays, one entry for each layer."""
    weights = _cell(fields, WEIGHTS)
    biases = _cell(fields, BIASES)
    return None if weights is None or biases is None else _fitted(weights, biases, fields)


def _cell(fields: Mapping[str, object], name: re.Pattern[str]) -> list[np.ndarray] | None:
    cells = [v for n, v in fields.items() if name.fullmatch(n) and isinstance(v, Cell)]
    return _arrays(cells[0]) if len(cells) == 1 else None


def _of_numbered(fields: Mapping[str, object]) -> Chain | None:
    """Arrays with a number in their name, from 0 or 1 on."""
    weights, biases = _numbered(fields, WEIGHTS), _numbered(fields, BIASES)
    if weights is None or biases is None or list(weights) != list(biases):
        return None
    return _fitted(list(weights.values()), list(biases.values()), fields)


def _numbered(fields: Mapping[str, object], name: re.Pattern[str]) -> dict[int, np.ndarray] | None:
    """The arrays by their number; None unless the numbers have no gap."""
    found = {
        int(match[2]): value
        for n, value in fields.items()
        if (match := name.fullmatch(n)) and match[2] and len(match[2]) < 4
    }
    numbers = sorted(found)
    arrays = _arrays([found[n] for n in numbers])
    if not numbers or numbers[0] > 1 or numbers[-1] - numbers[0] != len(numbers) - 1:
        return None
    return None if arrays is None else dict(zip(numbers, arrays, strict=True))


def _of_theta(fields: Mapping[str, object]) -> Chain | None:
    """Theta1, Theta2: each with its bias as the first column."""
    thetas = _numbered(fields, THETA)
    if thetas is None or any(theta.ndim != 2 or theta.shape[1] < 2 for theta in thetas.values()):
        return None
    weights = [theta[:, 1:] for theta in thetas.values()]
    chain = _fitted(weights, [theta[:, :1] for theta in thetas.values()], fields)
    return chain and dataclasses.replace(chain, assumed=("sigmoid",) * len(weights))


def _of_layers(fields: Mapping[str, object]) -> Chain | None:
    """A struct for each layer, with its weights and its bias."""
    layers = [v for v in fields.values() if isinstance(v, dict)]
    if not layers or len(layers) < len(fields) - bool(_functions(fields)):
        return None
    pairs = [(_one(layer, WEIGHTS), _one(layer, BIASES), len(layer)) for layer in layers]
    if any(w is None or b is None or count != 2 for w, b, count in pairs):
        return None
    weights, biases = _arrays([w for w, _, _ in pairs]), _arrays([b for _, b, _ in pairs])
    return None if weights is None or biases is None else _fitted(weights, biases, fields)


def _one(layer: Mapping[str, object], name: re.Pattern[str]) -> object:
    return next((v for n, v in layer.items() if name.fullmatch(n)), None)


def _of_table(table: Table) -> Chain | None:
    """The table Learnables of a dlnetwork: Layer, Parameter, Value."""
    columns = table.columns
    layers, names = texts(columns.get("Layer")), texts(columns.get("Parameter"))
    values = columns.get("Value")
    if layers is None or names is None or not isinstance(values, Cell):
        return None
    grouped: dict[str, dict[str, object]] = {}
    for layer, name, value in zip(layers, names, values, strict=False):
        grouped.setdefault(layer, {})[name] = value
    return _of_layers(grouped)


def _arrays(values: Sequence[object]) -> list[np.ndarray] | None:
    """The values if all are matrices of real numbers, also with further dimensions of size 1."""
    found = [array for v in values if (array := numeric(v)) is not None and array.size]
    if not found or len(found) < len(values):
        return None
    if any(array.dtype.kind == "c" or set(array.shape[2:]) - {1} for array in found):
        return None
    return [array.reshape(array.shape[:2]) for array in found]


def _fitted(
    weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], fields: Mapping[str, object]
) -> Chain | None:
    """The chain in MATLAB's layout, out×in and out×1; None where the sizes do not fit."""
    if len(weights) != len(biases):
        return None
    columns = [bias.reshape(-1, 1) for bias in biases]
    told = {n: v for n, v in fields.items() if not NAMES.fullmatch(n)}
    functions = _functions(fields)
    if _fits(weights, columns):
        return Chain(tuple(weights), tuple(columns), functions, told=told)
    turned = [reorder(w, "IO", "OI") for w in weights]
    if not _fits(turned, columns):
        return None
    note = "the weights are stored in×out; they are taken transposed, as out×in"
    return Chain(tuple(turned), tuple(columns), functions, told=told, note=note)


def _fits(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> bool:
    outputs = [w.shape[0] for w in weights]
    return outputs == [len(b) for b in biases] and outputs[:-1] == [w.shape[1] for w in weights[1:]]


def _functions(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the functions, in rows of characters or a cell; () where none are told."""
    for name, value in fields.items():
        if ACTIVATIONS.fullmatch(name):
            found = (value,) if isinstance(value, str) else texts(value)
            if isinstance(value, np.ndarray) and value.dtype.kind == "U":
                found = tuple(value.reshape(-1).tolist())
            if found:
                return tuple(text.strip() for text in found)
    return ()


# -- the network -----------------------------------------------------------------------------


def read_chain(
    chain: Chain, registry: Registry, provenance: Provenance, activations: Sequence[str] = ()
) -> Network:
    """The network of a chain. ``activations`` are those of the caller, before those of the file.

    Raises MismatchError where nothing names the functions, or not as many as there are layers,
    and LayerError where the file says something else of the layers.
    """
    report = Report()
    _check_told(chain)
    names = _named(chain, tuple(activations), report, provenance.address)
    if chain.note:
        report.warning(chain.note, provenance.address)
    for unused in chain.told:
        if unused not in TOLD:
            report.note(f"the field {unused} is not known and not used", provenance.address)
    layers: list[Layer] = [FeatureInput(input_size=(chain.sizes[0],))]
    for weights, bias, name in zip(chain.weights, chain.biases, names, strict=True):
        arrays = {"Weights": weights, "Bias": bias}
        layers.append(FullyConnected(output_size=len(weights), arrays=arrays))
        layers += _function(name, registry)
    details = {**provenance.details, **NOT_TOLD}
    provenance = dataclasses.replace(provenance, details=details)
    return Network.of(layers, provenance=provenance, report=report)


def _named(
    chain: Chain, activations: tuple[str, ...], report: Report, where: str
) -> tuple[str, ...]:
    """A function for each layer; what is odd about them is told."""
    names, count = activations or chain.functions or chain.assumed, len(chain.weights)
    if not names:
        raise _unnamed(chain)
    if len(names) == count + 1 and not activations:
        said = f"{len(names)} functions are named for {count} layers: the last, {names[-1]!r}, is"
        report.warning(f"{said} not used", where)
        return names[:count]
    if len(names) != count:
        raise MismatchError(
            f"{len(names)} functions are named for {count} layers of sizes {_sizes(chain)}",
            mend=f"Name one for each: {_example(count)}; 'linear' where there is none.",
        )
    if names == chain.assumed and not activations:
        report.warning(
            f"no functions are named; {names[0]} is taken after each layer, as in the exercises "
            "that such files come from",
            where,
            f"Others by {_example(count)}.",
        )
    return names


def _function(name: str, registry: Registry) -> list[Layer]:
    word = name.lower()
    if word in FUNCTIONS:
        known = FUNCTIONS[word]
        return [known()] if known is not None else []
    card = registry.nicknames.get(word)
    try:
        if card is not None:
            return [construct(card)]
    except MatbridgeError:
        pass
    raise MismatchError(
        f"the function {name!r} is not known",
        mend=f"Known are {listed(FUNCTIONS)}, and MATLAB's layers without arguments, such as elu.",
    )


def _unnamed(chain: Chain) -> MismatchError:
    return MismatchError(
        f"the arrays fit as fully connected layers of sizes {_sizes(chain)}, but nothing tells the "
        "functions between them",
        mend=f"Name one for each layer: {_example(len(chain.weights))}; 'linear' where there is "
        "none.",
    )


def _sizes(chain: Chain) -> str:
    return " → ".join(map(str, chain.sizes))


def _example(count: int) -> str:
    return 'activations="{}"'.format(",".join([*["relu"] * (count - 1), "linear"]))


# What such files say of the layers beside their arrays.
TOLD = (
    *("number_of_inputs", "number_of_outputs", "number_of_layers", "layer_sizes", "layer_size"),
    *("types_of_layers", "number_of_neurons", "number_of_weights"),
)


def _check_told(chain: Chain) -> None:
    """Raise LayerError where sizes or types beside the arrays contradict them."""
    sizes = chain.sizes
    expected = {
        "number_of_inputs": sizes[:1],
        "number_of_outputs": sizes[-1:],
        "number_of_layers": [len(chain.weights)],
        "layer_sizes": sizes[1:],
        "layer_size": sizes[1:],
    }
    for name, numbers in expected.items():
        value = chain.told.get(name)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.size:
            said = [float(n) for n in value.reshape(-1)]
            if said != numbers:
                raise LayerError(
                    f"{name} is {said}, but the arrays make layers of sizes {_sizes(chain)}"
                )
    kinds = chain.told.get("types_of_layers")
    words = kinds.reshape(-1).tolist() if isinstance(kinds, np.ndarray) else texts(kinds) or ()
    other = [str(word).strip() for word in words if str(word).strip().lower() not in DENSE]
    if other:
        raise LayerError(f"types_of_layers names {listed(other)}, not only fully connected layers")
