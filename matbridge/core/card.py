"""A layer, said once: its properties, arrays, ports, sizes and what it computes.

A card is a frozen dataclass derived from :class:`Layer`. From its declarations follow
reading a saved object, checking sizes, the inspect table, the torch module, ONNX, and the
table of layers. It imports neither torch nor onnx: ``forward`` speaks to an ``ops``.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

import numpy as np

from matbridge.core.dims import Size
from matbridge.core.kinds import Kind, Ranked, kind_of
from matbridge.errors import LayerError, UnsupportedError

if TYPE_CHECKING:
    from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "CHANNEL",
    "DOCUMENTATION",
    "EQUATION",
    "EXPORTED",
    "RECORDED",
    "Array",
    "Arrays",
    "InputLayer",
    "Layer",
    "OutputLayer",
    "Property",
    "constant",
    "frozen",
    "learnable",
    "prop",
    "sealed",
    "state",
    "statistic",
]

# Kinds of evidence, the strongest first.
RECORDED = "MATLAB's numbers"
EXPORTED = "ONNX parity"
DOCUMENTATION = "documentation"
EQUATION = "equation only"

# The declared size of an array with one value per channel: saved as 1×1×C or C×1,
# depending on the format that the layer was trained with.
CHANNEL = "per channel"


@dataclass(frozen=True)
class Array:
    """The declaration of one array of a layer.

    ``role`` is "learnable" (trained), "state" (changes with the data), "statistic" (moves
    in training) or "constant".
    ``sizes`` are MATLAB's own symbols: ``("4*NumHiddenUnits", "InputSize")``. ``dims``
    labels the dimensions for ``forward``: O output, I input, G group, and the data
    labels; one S stands for as many as the layer has.
    """

    name: str
    sizes: tuple[str, ...]
    dims: str
    role: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return "×".join(self.sizes)

    def view(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
        """The shape and dims in which ``forward`` sees an array of this shape."""
        if len(self.dims) == 1:
            return (math.prod(shape),), self.dims
        if "S" in self.dims:
            return shape, self.dims.replace("S", "S" * (len(shape) - len(self.dims) + 1))
        extra = len(shape) - len(self.dims)
        return (shape[extra:] if extra > 0 else shape + (1,) * -extra), self.dims

    def expands(self, shape: tuple[int, ...], x: Size) -> bool:
        """Whether an array of this shape over S and C expands to an input of this size."""
        sizes, dims = self.view(shape)
        spatial = [n for n, label in zip(sizes, dims, strict=True) if label == "S"]
        if len(spatial) > len(x.spatial) and set(spatial) != {1}:
            return False
        pairs = [*zip(spatial, x.spatial, strict=False)]
        if "C" in dims:
            pairs.append((sizes[dims.index("C")], x["C"] if "C" in x.format else 1))
        return all(n == 1 or m is None or n == m for n, m in pairs)


def learnable(name: str, *sizes: str, dims: str, optional: bool = False) -> Array:
    """An array that training changes, such as Weights."""
    return Array(name, sizes, dims, "learnable", optional)


def state(name: str, *sizes: str, dims: str) -> Array:
    """An array that the data change, such as HiddenState."""
    return Array(name, sizes, dims, "state", True)


def statistic(name: str, *sizes: str, dims: str) -> Array:
    """An array that training collects, such as TrainedMean."""
    return Array(name, sizes, dims, "statistic")


def constant(name: str, *sizes: str, dims: str) -> Array:
    """An array that nothing changes, such as the Mean of an input layer."""
    return Array(name, sizes, dims, "constant", True)


@dataclass(frozen=True)
class Property:
    """The declaration of one property: its MATLAB name and where it is found.

    ``arg`` is the place among the constructor's positional arguments (from 1), or None for
    a name-value argument; ``saved`` is the name in a saved object where it differs.
    """

    name: str
    kind: Kind[Any]
    arg: int | None = None
    saved: str = ""
    required: bool = False
    ranked: Ranked | None = None
    default: Any = None


def prop(
    name: str,
    kind: Kind[Any] | Ranked | Callable[[Any], Any],
    *,
    arg: int | None = None,
    saved: str = "",
    **default: Any,
) -> Any:
    """Declare a property of a card; give ``default=`` unless the layer needs a value.

    The default is what a constructor would take. A plain function from what MATLAB saves to
    what the card holds serves as a kind.
    """
    ranked = kind if isinstance(kind, Ranked) else None
    settled = kind.of(1) if isinstance(kind, Ranked) else kind_of(kind)
    known = Property(name, settled, arg, saved or name, not default, ranked, default.get("default"))
    return _field_of(known)


def _field_of(known: Property) -> Any:
    metadata = {"matlab": known}
    if known.required:
        return field(kw_only=True, metadata=metadata)
    default = None if known.default is None else known.kind(known.default)
    if isinstance(default, np.ndarray):
        return field(kw_only=True, metadata=metadata, default_factory=lambda: default)
    return field(kw_only=True, metadata=metadata, default=default)


def _settle_ranks(card: type) -> None:
    """Properties that depend on the rank of a window, its own and inherited, at the card's."""
    fields: dict[str, Any] = {}
    for base in reversed(card.__mro__[1:]):
        fields |= vars(base).get("__dataclass_fields__", {})
    fields |= vars(card)
    for name, declared in fields.items():
        known = declared.metadata.get("matlab") if isinstance(declared, dataclasses.Field) else None
        if known is not None and known.ranked is not None:
            kind = known.ranked.of(getattr(card, "RANK", 1))
            card.__annotations__.setdefault(name, declared.type)
            setattr(card, name, _field_of(dataclasses.replace(known, kind=kind)))


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by MATLAB name that nobody can change: NumPy refuses the write.

    An array that could still be written elsewhere is copied first.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays: dict[str, np.ndarray] = (
            arrays._arrays
            if isinstance(arrays, Arrays)
            else {name: frozen(array) for name, array in arrays.items()}
        )

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        sizes = (f"{name} {'×'.join(map(str, a.shape))}" for name, a in self._arrays.items())
        return f"Arrays({', '.join(sizes)})"


def frozen(array: np.ndarray) -> np.ndarray:
    """The array itself if nobody can write it, else a copy that nobody can."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            array = array.copy(order="K")
            array.flags.writeable = False
            return array
        owner = owner.base
    return array


def sealed(array: np.ndarray) -> np.ndarray:
    """The array, which from now on nobody can write: for readers, whose own it is."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner.flags.writeable = False
        owner = owner.base
    return array


@dataclass_transform(
    frozen_default=True, eq_default=False, kw_only_default=True, field_specifiers=(prop, field)
)
@dataclass(frozen=True, eq=False)
class Layer:
    """Base of all cards; see ``docs/adding-a-layer.md``. A subclass is a frozen dataclass.

    Class attributes: ``MATLAB`` the saved class names, ``BUILDER`` the constructor,
    ``NICKNAME`` what MATLAB calls a layer that has no name,
    ``PRODUCT`` what MATLAB needs installed, ``ARRAYS`` and ``INPUTS``/``OUTPUTS`` the
    arrays and ports, ``TRAINING`` saved properties that prediction does not use.

    Fields: ``arrays`` by MATLAB name in MATLAB's layout; one that is missing is
    uninitialised. ``training`` holds what only training needs, such as learn rates;
    ``extra`` the saved properties that the card does not know.
    """

    MATLAB: ClassVar[tuple[str, ...]] = ()
    BUILDER: ClassVar[str] = ""
    NICKNAME: ClassVar[str] = "layer"
    PRODUCT: ClassVar[str] = "Deep Learning Toolbox"
    SINCE: ClassVar[str] = ""
    ARRAYS: ClassVar[tuple[Array, ...]] = ()
    INPUTS: ClassVar[tuple[str, ...]] = ("in",)
    OUTPUTS: ClassVar[tuple[str, ...]] = ("out",)
    TRAINING: ClassVar[tuple[str, ...]] = ()
    # How it is known what the layer computes; see docs/layers.md.
    EVIDENCE: ClassVar[str] = DOCUMENTATION
    # The formats that it takes, in words or as MATLAB writes them.
    FORMATS: ClassVar[str] = "any"
    # True for classificationLayer and its like: the identity at prediction.
    IS_OUTPUT: ClassVar[bool] = False
    IS_INPUT: ClassVar[bool] = False
    # True for layers that take complex numbers.
    COMPLEX: ClassVar[bool] = False

    name: str = field(default="", kw_only=True)
    description: str = field(default="", kw_only=True)
    class_name: str = field(default="", kw_only=True)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)
    training: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)

    # False for classes that no card knows, and for those that cannot be run.
    known: ClassVar[bool] = True
    runnable: ClassVar[bool] = True
    # Set once the arrays were found to have their declared sizes.
    fits: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _settle_ranks(cls)
        dataclass(frozen=True, eq=False)(cls)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", Arrays(self.arrays))

    # -- what follows from the declarations ----------------------------------------

    @classmethod
    @functools.cache
    def properties(cls) -> dict[str, Property]:
        """The declared properties by the name of their field."""
        return {
            f.name: f.metadata["matlab"] for f in dataclasses.fields(cls) if "matlab" in f.metadata
        }

    @classmethod
    def formats(cls) -> str:
        """The formats of data that the layer takes, for the table of layers."""
        return cls.FORMATS

    @property
    def type_name(self) -> str:
        """The layer's type as MATLAB users know it: "LSTMLayer"."""
        return (self.class_name or self.MATLAB[0]).rpartition(".")[2]

    @property
    def status(self) -> str:
        """What is to be said of the layer's class beside its type; "" of one with a card."""
        return ""

    @property
    def declared(self) -> tuple[Array, ...]:
        """The arrays that this layer has; a card may leave some out by its options."""
        return self.ARRAYS

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input ports, in order."""
        return self.INPUTS

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output ports, in the order in which forward returns them."""
        return self.OUTPUTS

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in the order of the scores, () for a layer that names none."""
        return ()

    def learnables(self) -> dict[str, np.ndarray]:
        """The learnable arrays at hand, in declared order."""
        return self._of_role("learnable")

    def states(self) -> dict[str, np.ndarray]:
        """The arrays at hand that MATLAB calls state, in declared order."""
        return self._of_role("state", "statistic")

    def _of_role(self, *roles: str) -> dict[str, np.ndarray]:
        names = [a.name for a in self.declared if a.role in roles]
        return {name: self.arrays[name] for name in names if name in self.arrays}

    def uninitialised(self) -> tuple[str, ...]:
        """Names of the learnables that the layer needs and does not have."""
        return tuple(a.name for a in self.declared if not a.optional and a.name not in self.arrays)

    def obstacle(self) -> UnsupportedError | None:
        """Why a network with this layer cannot run, None if it can."""
        absent = ", ".join(self.uninitialised())
        if not absent:
            return None
        return UnsupportedError(
            f"{self.type_name} is uninitialised: it has no {absent}",
            where=self.name,
            mend="Save the trained network: this one was never trained.",
        )

    def replace(self, **changes: Any) -> Any:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raise LayerError naming this layer."""
        raise LayerError(f"{self.type_name} {what}", where=self.name, mend=mend)

    def expect(self, found: int | None, wanted: int | None, what: str, x: Size) -> None:
        """Refuse ``x`` unless these sizes agree, as far as both are known."""
        if found is not None and wanted is not None and found != wanted:
            self.refuse(
                f"needs {wanted} {what}, but its input is {x}",
                "Check the layer before it, the InputSize of the network and the array sizes.",
            )

    def need(self, x: Size, labels: str) -> None:
        """Refuse ``x`` unless it has each of these dimensions."""
        absent = [label for label in labels if label not in x]
        if absent:
            names = {"S": "spatial", "C": "channel", "B": "batch", "T": "time"}
            lacking = " and ".join(names[label] for label in absent)
            self.refuse(f"needs a {lacking} dimension, but its input is {x}")

    def inferred(self, *inputs: Size) -> Size | tuple[Size, ...]:
        """What :meth:`infer` tells, once the inputs fit the declared arrays too."""
        outcome = self.infer(*inputs)
        self._check_arrays(*inputs)
        return outcome

    def _check_arrays(self, *inputs: Size) -> None:
        """Refuse inputs that the declared arrays do not fit.

        An array over channels and space expands to the input as MATLAB's arrays do: each of
        its sizes is 1 or that of the input.
        """
        for declared in self.declared:
            array = self.arrays.get(declared.name)
            if array is None or declared.role == "state" or set(declared.dims) - set("SC"):
                continue
            if inputs and not any(declared.expands(array.shape, x) for x in inputs):
                sizes = "×".join(map(str, array.shape))
                self.refuse(
                    f"has {declared.name} of size {sizes}, which does not fit its input "
                    f"{' or '.join(map(str, inputs))}",
                    "Check the layer before it and the sizes of the arrays.",
                )

    # -- what a card says ------------------------------------------------------------

    @classmethod
    def upgrade(cls, saved: dict[str, Any]) -> dict[str, Any]:
        """Bring a saved object of any version to the names and shapes declared here."""
        return saved

    # A card names its inputs: infer(self, x), forward(self, ops, p, x), or with *inputs where
    # their number is open. Any here lets it.

    def infer(self, *inputs: Any, **named: Any) -> Size | tuple[Size, ...]:
        """Format and size of the output(s) from those of the input(s).

        Raises LayerError where MATLAB would refuse the input.
        """
        size: Size = inputs[0]
        return size

    def forward(
        self, ops: Ops, p: Parameters, *inputs: Any, **named: Any
    ) -> Value | tuple[Value, ...]:
        """The output(s) from the input(s), in the words of ``ops``."""
        x: Value = inputs[0]
        return x

    def loss(self, ops: Ops, y: Value, t: Value) -> Value:
        """For an output layer: the loss of output y for target t, as one number."""
        self.refuse("has no loss that matbridge knows", "Use a loss of your own.")


class InputLayer(Layer):
    """Base of the layers by which data enter."""

    IS_INPUT = True

    @property
    def format(self) -> str:
        """The labels of the data, in MATLAB's order and with B."""
        raise NotImplementedError

    @property
    def shortest(self) -> int:
        """The fewest time steps that it takes."""
        return 1

    @property
    def splits_complex(self) -> bool:
        """Whether complex data enter as twice as many channels, real before imaginary."""
        return False

    @property
    def passes_through(self) -> bool:
        """Whether the data go on as they are."""
        return True


class OutputLayer(Layer):
    """Base of the layers that are the identity at prediction and a loss in training."""

    IS_OUTPUT = True
