"""What comes in must fit, whatever computes: looked at once for each shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matbridge.core.dims import Size, canonical, permutation, without
from matbridge.core.memory import check_memory
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError, UnknownSizeError

__all__ = ["Shaped", "SizeCheck", "check_sizes", "shown", "shown_shape"]

# The dims of an input in the order at hand, and its shape.
Shaped = tuple[str, tuple[int, ...]]

NAMES = {"B": "N", "C": "C", "T": "T", "U": "U"}


class SizeCheck:
    """Refuses inputs of sizes that do not fit a network; each shape is looked at once.

    ``itemsize`` are the bytes of an element; ``memory`` tells those of the device, None for the
    machine's own.
    """

    # How many shapes are remembered as checked.
    SHAPES = 1024

    def __init__(
        self, network: Network, itemsize: int, memory: Callable[[], int | None] = lambda: None
    ) -> None:
        self.network, self.itemsize, self.memory = network, itemsize, memory
        self._checked: set[tuple[Shaped, ...]] = set()

    def __call__(self, inputs: Mapping[str, Shaped]) -> None:
        """Raise MismatchError or LayerError unless the layers take these."""
        shapes = tuple(inputs.values())
        if shapes in self._checked:
            return
        check_sizes(self.network, inputs, self.itemsize, self.memory())
        if len(self._checked) >= self.SHAPES:
            self._checked.clear()
        self._checked.add(shapes)


def check_sizes(
    network: Network, inputs: Mapping[str, Shaped], itemsize: int, memory: int | None = None
) -> None:
    """Refuse inputs of sizes that the input layers, or any layer behind them, cannot take.

    ``itemsize`` are the bytes of an element, ``memory`` those of the device, None for the
    machine's own. Raises MismatchError or LayerError.
    """
    sizes = {}
    for name, (dims, shape) in inputs.items():
        sizes[name] = Size.measured(dims, shape)
        layer = network.input_layers.get(name)
        _check_size(name, dims, shape, None if layer is None else layer.entering)
    inferred = network.infer(**sizes)
    for size in inferred.values():
        if isinstance(size, MatbridgeError) and not isinstance(size, UnknownSizeError):
            raise size
    check_memory(network, inferred, itemsize, memory)


def _check_size(name: str, dims: str, shape: tuple[int, ...], wanted: Size | None) -> None:
    # A network without inputs takes as many steps as data without rows have.
    if 0 in without_batch(dims, shape) and (wanted is None or 0 not in wanted.sizes):
        raise MismatchError(f"the input is empty: {shown_shape(shape)}", where=name)
    if wanted is None or _fits(dims, shape, wanted):
        return
    raise MismatchError(
        f"an input of size {shown_shape(shape)} does not fit {wanted}",
        where=name,
        mend=_slip(dims, shape, wanted),
    )


def without_batch(dims: str, shape: tuple[int, ...]) -> list[int]:
    """The sizes but the number of observations."""
    return [n for label, n in zip(dims, shape, strict=True) if label != "B"]


def _fits(dims: str, shape: tuple[int, ...], wanted: Size) -> bool:
    at_hand = Size.measured(dims, shape)
    pairs = zip(at_hand.sizes, wanted.sizes, strict=True)
    return at_hand.format == wanted.format and all(w in (None, n) for n, w in pairs)


def _slip(dims: str, shape: tuple[int, ...], wanted: Size) -> str:
    """What to give, with the usual slips recognised: channels last, MATLAB's own order."""
    for order in (without(dims, "C") + "C", "T" + without(dims, "T"), canonical(dims)):
        if sorted(order) == sorted(dims) and _fits(order, shape, wanted):
            axes = ", ".join(map(str, permutation(order, dims)))
            return f"It looks like {shown(order)}: give {shown(dims)}, x.permute({axes})."
    return f"Give {shown(dims)}."


def shown(dims: str) -> str:
    """``shown("BCSS") == "N×C×H×W"``."""
    spatial = iter("HWD")
    return "×".join(next(spatial) if label == "S" else NAMES[label] for label in dims)


def shown_shape(shape: tuple[int, ...]) -> str:
    """``shown_shape((2, 3)) == "2×3"``."""
    return "×".join(map(str, shape)) or "a single number"
