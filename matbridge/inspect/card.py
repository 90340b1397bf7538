"""A card tried alone: its sizes, numbers, gradients, and every language that it is written in."""

from __future__ import annotations

import ast
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.declare import CHANNEL, Array
from matbridge.core.dims import Size, batch_first, check_labels, permutation
from matbridge.core.kinds import Kind
from matbridge.core.network import Network
from matbridge.core.writing import Writing
from matbridge.errors import LayerError, MatbridgeError, UnsupportedError
from matbridge.languages import LANGUAGES, Language
from matbridge.layers.input import AnyInput
from matbridge.matlab.constructors import construct
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.roundtrip import check

__all__ = ["Trial", "example_layer", "try_card"]

# Tried where a card takes any format.
ANY_FORMAT = ("CB", "CBT", "SSCB")
CHANNELS, SPACE = 3, 6


@dataclass(frozen=True)
class Trial:
    """One thing tried: in which format, what, what came of it, and the error if it failed."""

    format: str
    what: str
    outcome: str
    error: MatbridgeError | None = None

    @property
    def failed(self) -> bool:
        """Whether that is a fault of the card; not to be sayable in a language is none."""
        return self.error is not None and not (
            isinstance(self.error, UnsupportedError) and self.what.startswith("written")
        )


def try_card(card: type[Layer], formats: Sequence[str] = ()) -> Iterator[Trial]:
    """Everything that is expected of a card, in each format that it takes."""
    told = card.formats()
    try:
        layer = example_layer(card)
    except MatbridgeError as error:
        yield Trial("", "declared", error.what, error)
        return
    for format in formats or (ANY_FORMAT if told == "any" else told.split()):
        yield from _try_format(layer, check_labels(format))


def _try_format(layer: Layer, format: str) -> Iterator[Trial]:
    try:
        network = _network(layer, format)
        size = _size_of(network)
        yield Trial(format, "infer", str(size))
    except MatbridgeError as error:
        yield Trial(format, "infer", error.what, error)
        return
    steps: list[tuple[str, Callable[[Network], str]]] = [
        ("forward", lambda n: _try_forward(n, size)),
        ("gradient", _try_gradient),
    ]
    for language in LANGUAGES:
        if language.write is not None and language.run is not None:
            steps.append((f"written as {language.name}", _writing(language)))
    for what, step in steps:
        try:
            yield Trial(format, what, step(network))
        except MatbridgeError as error:
            yield Trial(format, what, error.what, error)
            if what == "forward":
                return


def example_layer(card: type[Layer]) -> Layer:
    """A layer of this card: properties of EXAMPLE or made up, random arrays.

    Raises LayerError where a property that is needed cannot be made up.
    """
    values = {
        known.name: _made_up(known.name, known.kind)
        for known in card.properties().values()
        if known.required and known.name not in card.EXAMPLE
    }
    layer = construct(card, Name="layer", **{**values, **card.EXAMPLE})
    draw = np.random.default_rng(0)
    arrays = {}
    for declared in layer.declared:
        size = _example_size(layer, declared)
        arrays[declared.name] = np.abs(draw.standard_normal(size)) / 2 + 0.1
    return construct(card, Name="layer", **{**values, **card.EXAMPLE, **arrays})


def _example_size(layer: Layer, declared: Array) -> tuple[int, ...]:
    """The declared size, with the number of channels for whatever nothing tells."""
    known = {p.name: getattr(layer, field) for field, p in layer.properties().items()}
    if declared.sizes == (CHANNEL,):
        return (CHANNELS, 1)
    size: list[int] = []
    for symbol in declared.sizes:
        numbers = [int(part) for part in symbol.split("*") if part.isdigit()]
        names = [part for part in symbol.split("*") if not part.isdigit()]
        values = [CHANNELS if known.get(name) is None else known[name] for name in names]
        if values and isinstance(values[0], tuple):
            size += values[0]
        else:
            size.append(math.prod([*numbers, *values]))
    return tuple(size)


def _made_up(name: str, kind: Kind[object]) -> object:
    words = kind.hint.removeprefix("Literal")
    candidates: list[object] = [CHANNELS, 0.5]
    if words != kind.hint and words.endswith("]"):
        candidates = list(ast.literal_eval(words))
    for value in candidates:
        try:
            kind(value)
        except (ValueError, TypeError):
            continue
        return value
    raise LayerError(
        f"a value of {name} is needed to try the card",
        mend=f"Say one in the card: EXAMPLE = {{{name!r}: ...}}.",
    )


def _network(layer: Layer, format: str) -> Network:
    """The layer behind an input of this format for each of its ports."""
    sizes = [{"S": SPACE, "C": CHANNELS}.get(label, np.nan) for label in format]
    entries = [construct(AnyInput, sizes, format, Name=f"in{i}") for i in range(len(layer.inputs))]
    pairs = [(e.name, f"layer/{port}") for e, port in zip(entries, layer.inputs, strict=True)]
    return Network.of([*entries, layer], pairs)


def _size_of(network: Network) -> Size:
    size = network.infer()[network.outputs[0]]
    if not isinstance(size, Size):
        raise size
    return size


def _try_forward(network: Network, size: Size) -> str:
    """The numbers are finite and have the size that infer tells."""
    from matbridge.torch.trace import trace

    y = trace(network, draw_inputs(network), "float64")[network.output_names[0]]
    if not np.isfinite(y).all():
        raise LayerError("forward gives NaN or Inf for ordinary input")
    axes = permutation(size.format, batch_first(size.format))
    wanted = [size.sizes[axis] for axis in axes]
    agrees = y.ndim == len(size.format) and all(
        n in (None, m) for n, m in zip(wanted, y.shape, strict=False)
    )
    if not agrees:
        shape = "×".join(map(str, y.shape))
        raise LayerError(f"infer tells {size}, but forward gives {shape} (batch first)")
    return f"{'×'.join(map(str, y.shape))} (batch first)"


def _try_gradient(network: Network) -> str:
    """Every learnable array has an effect on the result."""
    from matbridge.torch.gradient import idle_learnables

    if not network.parameter_count():
        return "nothing to learn"
    idle = idle_learnables(network, draw_inputs(network))
    if idle:
        raise LayerError(f"forward does not depend on {', '.join(idle)}")
    return "every learnable has one"


def _writing(language: Language) -> Callable[[Network], str]:
    def write(network: Network) -> str:
        assert language.write is not None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"card{language.suffixes[0]}")
            language.write(network, path, Writing())
            agreement = check(network, path, language.run, language.read)
        return agreement.note or f"agrees to {agreement.max_rel:.1g}"

    return write
