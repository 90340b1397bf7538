"""The engines by name: what may compute for a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from matbridge.core.engine import Engine
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError, UnsupportedError
from matbridge.text import not_loaded

if TYPE_CHECKING:
    import torch

__all__ = ["AUTO", "ENGINES", "Asked", "Choice", "open_engine"]

# The name that leaves the choice to us.
AUTO = "auto"


class Asked(NamedTuple):
    """What a session was asked to compute with."""

    engine: str
    device: torch.device | str
    dtype: torch.dtype | str
    allow_tf32: bool = False

    @property
    def type(self) -> str:
        """The name of the type."""
        return str(self.dtype).removeprefix("torch.")


class Choice(NamedTuple):
    """The name of an engine, and why another was not taken, nothing if none was thought of."""

    name: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.why})" if self.why else self.name


def _torch(network: Network, asked: Asked) -> Engine:
    from matbridge.torch.engine import TorchEngine

    return TorchEngine(network, asked.device, asked.dtype, asked.allow_tf32)


def _onnxruntime(network: Network, asked: Asked) -> Engine:
    if str(asked.device) != "cpu":
        raise MismatchError(
            f"onnxruntime computes on the CPU, not on {asked.device}", mend='Use engine="torch".'
        )
    try:
        from matbridge.onnx.runtime import OnnxruntimeEngine
    except (ImportError, OSError) as error:
        why = not_loaded("onnxruntime", error)
        raise MismatchError(why, mend="pip install onnxruntime") from error
    try:
        return OnnxruntimeEngine(network, asked.type)
    except RuntimeError as error:
        # A function of the user's, which computes with tensors.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnsupportedError(f"a layer cannot be said in ONNX: {first}") from error


def _numpy(network: Network, asked: Asked) -> Engine:
    if str(asked.device) != "cpu":
        raise MismatchError(
            f"NumPy computes on the CPU, not on {asked.device}", mend='Use engine="torch".'
        )
    from matbridge.predict.arrays import NumpyEngine

    return NumpyEngine(network, asked.type)


ENGINES: dict[str, Callable[[Network, Asked], Engine]] = {
    "torch": _torch,
    "onnxruntime": _onnxruntime,
    "numpy": _numpy,
}


def open_engine(network: Network, asked: Asked) -> tuple[Engine, Choice]:
    """The engine that was asked for with the network; MismatchError if there is none.

    "auto" is NumPy on the CPU for networks that MATLAB computes in double precision; for others
    onnxruntime in float32 where it is installed and the network can be said in ONNX; else torch.
    """
    if asked.engine == AUTO:
        return _chosen(network, asked)
    if asked.engine not in ENGINES:
        names = " or ".join((AUTO, *ENGINES))
        raise MismatchError(f"there is no engine {asked.engine!r}", mend=f"Use {names}.")
    return ENGINES[asked.engine](network, asked), Choice(asked.engine)


def _chosen(network: Network, asked: Asked) -> tuple[Engine, Choice]:
    if network.kind.double and str(asked.device) == "cpu":
        attempts = {"numpy": _numpy}
        why = ""
    else:
        attempts = {"onnxruntime": _onnxruntime} if asked.type == "float32" else {}
        why = f"onnxruntime is taken for float32, not {asked.type}"
    for name, opened in attempts.items():
        try:
            return opened(network, asked), Choice(name)
        except MatbridgeError as error:
            # What is wrong with the network itself torch says as well.
            place = f"{error.where}: " if error.where else ""
            why = f"{name} was not taken: {place}{error.what}"
    return _torch(network, asked), Choice("torch", why)
