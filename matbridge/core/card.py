"""A layer, said once: its properties, arrays, ports, sizes and what it computes.

A card is a frozen dataclass derived from :class:`Layer`. From its declarations follow
reading a saved object, checking sizes, the inspect table, the torch module, ONNX, and the
table of layers. It imports neither torch nor onnx: ``forward`` speaks to an ``ops``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, dataclass_transform

import numpy as np

from matbridge.core.declare import (
    CHANNEL,
    DOCUMENTATION,
    EQUATION,
    EXPORTED,
    RECORDED,
    Array,
    Property,
    check_declared,
    constant,
    learnable,
    prop,
    settle_ranks,
    state,
    statistic,
)
from matbridge.core.dims import Size
from matbridge.core.readonly import Arrays
from matbridge.errors import LayerError, UnsupportedError

if TYPE_CHECKING:
    from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "CHANNEL",
    "DOCUMENTATION",
    "EQUATION",
    "EXPORTED",
    "NO_PRODUCT",
    "RECORDED",
    "Array",
    "InputLayer",
    "Layer",
    "OutputLayer",
    "Property",
    "constant",
    "learnable",
    "prop",
    "state",
    "statistic",
]

# The PRODUCT of layers that MATLAB has not.
NO_PRODUCT = "no product of MATLAB's"


@dataclass_transform(
    frozen_default=True, eq_default=False, kw_only_default=True, field_specifiers=(prop, field)
)
@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """Base of all cards; see ``docs/adding-a-layer.md``. A subclass is a frozen dataclass.

    Class attributes: ``MATLAB`` the saved class names, ``BUILDER`` the constructor,
    ``NICKNAME`` what MATLAB calls a layer that has no name (all three are the name of a
    ``function`` of shallow networks, said beside the base),
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
    # Output ports for other layers alone, whose values each engine says in its own way.
    INNER: ClassVar[tuple[str, ...]] = ()
    TRAINING: ClassVar[tuple[str, ...]] = ()
    # The arrays that a constructor takes beside those of ARRAYS.
    STATISTICS: ClassVar[tuple[str, ...]] = ()
    # True where the constructor takes several positional arguments as one, in a list.
    LISTED: ClassVar[bool] = False
    # Property values with which check-card tries the card.
    EXAMPLE: ClassVar[Mapping[str, object]] = {}
    # Saved properties that the card honours at this value alone: any other is refused.
    ONLY: ClassVar[Mapping[str, Any]] = {}
    # How it is known what the layer computes; see docs/layers.md.
    EVIDENCE: ClassVar[str] = DOCUMENTATION
    # The formats that it takes, in words or as MATLAB writes them.
    FORMATS: ClassVar[str] = "any"
    # True for classificationLayer and its like: the identity at prediction.
    IS_OUTPUT: ClassVar[bool] = False
    IS_INPUT: ClassVar[bool] = False
    # True for layers that take complex numbers.
    COMPLEX: ClassVar[bool] = False
    # Whether finite data give finite results, though it takes roots or quotients of them.
    FINITE: ClassVar[bool] = False

    name: str = field(default="", kw_only=True)
    description: str = field(default="", kw_only=True)
    class_name: str = field(default="", kw_only=True)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)
    training: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    # The saved object, for writing it again; see matlab.origin.
    origin: Any = field(default=None, kw_only=True, repr=False)

    # False for classes that no card knows, and for those that cannot be run.
    known: ClassVar[bool] = True
    runnable: ClassVar[bool] = True
    # Set once the arrays were found to have their declared sizes.
    fits: ClassVar[bool] = False

    def __init_subclass__(cls, function: str = "", **options: object) -> None:
        super().__init_subclass__(**options)
        if function:
            cls.MATLAB, cls.BUILDER, cls.NICKNAME = (function,), function, function
        settle_ranks(cls)
        # Here, so that no card can forget it; eq=False leaves layers their hash, which arrays lack.
        # Each method that dataclass writes is compiled when a card is imported: __repr__ is ours.
        dataclass(frozen=True, eq=False, repr=False)(cls)
        check_declared(cls, cls.properties().values())

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", Arrays(self.arrays))

    def __repr__(self) -> str:
        shown = (f for f in dataclasses.fields(self) if f.repr)
        values = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in shown)
        return f"{type(self).__qualname__}({values})"

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
        name = self.class_name or self.MATLAB[0]
        # An operator of ONNX has its domain before it.
        return name.rpartition("::" if "::" in name else ".")[2]

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

    def choose(self, scores: np.ndarray, axis: int) -> np.ndarray:
        """The number from 0 of the class that these scores along an axis, which keeps the size
        1, decide for: for the layer that names the classes."""
        return np.asarray(np.argmax(scores, axis, keepdims=True))

    @property
    def foreign(self) -> Callable[..., object] | None:
        """The user's function in place of the card's own words, None for most layers."""
        return None

    @property
    def in_words(self) -> bool:
        """Whether forward speaks in the words of ops alone, never to the data behind them."""
        return self.foreign is None

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

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def largest_index(self) -> int | None:
        """For a layer whose input is whole numbers from 1, such as words: the largest."""
        return None

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
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """Bring a saved object of any version to the names and shapes declared here."""
        return saved

    @classmethod
    def downgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """The inverse of ``upgrade``, for the newest version that is known."""
        return saved

    @classmethod
    def shaped(cls, name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The array of this name in the size that it had in a saved object."""
        return array.reshape(shape, order="F")

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

    def run(self, ops: Ops, p: Parameters, *inputs: Value) -> Value | tuple[Value, ...]:
        """``forward`` as the walk calls it."""
        return self.forward(ops, p, *inputs)

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

    @functools.cached_property
    def entering(self) -> Size:
        """The format and size of the data, worked out once: a layer never changes."""
        size = self.infer()
        if not isinstance(size, Size):
            self.refuse("is an input layer, whose infer gives one size")
        return size

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns of a table that enter, in order; () for all, as they stand."""
        return ()

    @property
    def shortest(self) -> int:
        """The fewest time steps that it takes."""
        return 1

    @property
    def splits_complex(self) -> bool:
        """Whether complex data enter as twice as many channels, real before imaginary."""
        return False

    @property
    def columns(self) -> bool:
        """Whether MATLAB gives it a column for each observation, where others take rows."""
        return False

    @property
    def passes_through(self) -> bool:
        """Whether the data go on as they are."""
        return True


class OutputLayer(Layer):
    """Base of the layers that are the identity at prediction and a loss in training."""

    IS_OUTPUT = True
