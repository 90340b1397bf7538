"""What a network can be asked to compute: doors to the rooms above, opened only when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from numpy.typing import ArrayLike

from matbridge.core.check import Check
from matbridge.core.classes import NetworkClass
from matbridge.core.writing import Writing
from matbridge.errors import MismatchError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

__all__ = ["Data", "Progress", "Running"]

# One input: an array, or several sequences or images; or all inputs by name.
Data: TypeAlias = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike | Sequence[ArrayLike]]
# Told the observations done, and how many there are.
Progress: TypeAlias = Callable[[int, int], None]


class Kept(dict[tuple[str, str, str, bool], Any]):
    """Sessions by engine, device and type; a copy of their network begins without any."""

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()


def _key(
    engine: str, device: torch.device | str, dtype: torch.dtype | str | None, allow_tf32: bool
) -> tuple[str, str, str, bool]:
    return engine, str(device), str(dtype), allow_tf32


class Running:
    """The part of a network that runs and writes it; what is prepared for a run is kept with it."""

    @property
    def kind(self) -> NetworkClass:
        """What MATLAB's class of network says about it."""
        raise NotImplementedError

    @cached_property
    def _sessions(self) -> Kept:
        return Kept()

    def session(
        self,
        *,
        engine: str = "auto",
        device: torch.device | str = "cpu",
        dtype: torch.dtype | str | None = None,
        allow_tf32: bool = False,
    ) -> Any:
        """A matbridge.Session of your own, for many predictions or a state that goes on.

        ``with network.session(device="cuda") as session: session.predict(x)``.
        """
        from matbridge.predict.series import open_session

        return open_session(self, engine, device, dtype, allow_tf32)  # type: ignore[arg-type]

    def _session(
        self,
        engine: str,
        device: torch.device | str,
        dtype: torch.dtype | str | None,
        allow_tf32: bool,
    ) -> Any:
        """The session that is kept for these."""
        key = _key(engine, device, dtype, allow_tf32)
        if key not in self._sessions:
            self._sessions[key] = self.session(
                engine=engine, device=device, dtype=dtype, allow_tf32=allow_tf32
            )
        return self._sessions[key]

    def engine(
        self,
        *,
        engine: str = "auto",
        device: torch.device | str = "cpu",
        dtype: torch.dtype | str | None = None,
        allow_tf32: bool = False,
    ) -> str:
        """Which engine :meth:`predict` takes with these options, and why not another."""
        return str(self._session(engine, device, dtype, allow_tf32).choice)

    def predict(
        self,
        *inputs: Data,
        format: str | Sequence[str] | None = None,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        engine: str = "auto",
        mini_batch_size: int = 128,
        sequence_length: str | int | None = None,
        padding_direction: str = "right",
        padding_value: float = 0.0,
        sort_by_length: bool = False,
        initial_input_delays: object = None,
        initial_layer_delays: object = None,
        final_states: bool = False,
        allow_tf32: bool = False,
        progress: Progress | None = None,
    ) -> Any:
        """Scores or responses, as MATLAB's predict.

        An image input takes H×W×C×N (one image H×W×C), a sequence input C×T or a list of
        sequences (MATLAB's cell; of any lengths, each computed exactly), an image sequence
        H×W×C×T, features N×C. Several inputs are several arguments, in the order of
        ``input_names``, or one dict by name. ``format`` gives the order of an input's
        dimensions instead, such as "TC" or "BCSS". The result for one array is then a
        labelled array's (spatial dimensions, C, B, T); for a list of sequences, whose
        format names no B, it is a list as ever.

        By default each sequence is computed as if it were alone. ``sequence_length``
        "longest", "shortest" or a number makes the mini-batches that MATLAB's predict makes,
        of ``mini_batch_size`` sequences in the order given (or sorted by length): padded with
        ``padding_value`` at the right or left, cut, or split into pieces of that many steps
        with the state carried over. Padding changes results, in MATLAB as here: what a
        recurrent layer gives as 'last' has then read the padding too.

        A network object (narxnet and its like) takes samples as columns, R×Q. With delays it
        takes MATLAB's cells, a list with one R×Q for each step, or one series as R×T;
        ``initial_input_delays`` and ``initial_layer_delays`` are Xi and Ai, for each input or
        layer the steps before the first, oldest first: raw inputs, and what layers gave; zeros
        where they are left out. It returns S×Q, a list for a list, S×T; with ``final_states``
        Y, Xf and Af, as MATLAB's [Y,Xf,Af] = net(X,Xi,Ai).

        Returns N×K for scores and responses, H×W×C×N for images, K×T for a sequence or a
        list of those for a list; a tuple where the network has several outputs. Prediction
        starts from the saved states. ``dtype`` is the type in which MATLAB computes the network
        (``network.dtype``) unless given. Raises MismatchError for an input that does not fit
        and UnsupportedError for a network that cannot run.
        """
        return self._session(engine, device, dtype, allow_tf32).predict(
            *inputs,
            format=format,
            mini_batch_size=mini_batch_size,
            sequence_length=sequence_length,
            padding_direction=padding_direction,
            padding_value=padding_value,
            sort_by_length=sort_by_length,
            progress=progress,
            **self._delays(initial_input_delays, initial_layer_delays, final_states),
        )

    def _delays(self, inputs: object, layers: object, final: bool = False) -> dict[str, object]:
        """What only a session of a network object is told, where anything is."""
        values = {"initial_input_delays": inputs, "initial_layer_delays": layers}
        told = {name: value for name, value in values.items() if value is not None}
        told |= {"final_states": True} if final else {}
        if told and not self.kind.columns:
            raise MismatchError(
                f"a {self.kind.words} has no {next(iter(told))}",
                mend="Those are of network objects, such as narxnet.",
            )
        return told

    def classify(
        self,
        *inputs: Data,
        classes: Sequence[str] = (),
        scores: bool = False,
        format: str | Sequence[str] | None = None,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        engine: str = "auto",
        mini_batch_size: int = 128,
        sequence_length: str | int | None = None,
        padding_direction: str = "right",
        padding_value: float = 0.0,
        sort_by_length: bool = False,
        allow_tf32: bool = False,
        progress: Progress | None = None,
    ) -> Any:
        """Class names, as MATLAB's classify: that of the highest score, the first on a tie.

        Arguments as for :meth:`predict`. ``classes`` stand in where the network does not name
        any, as a dlnetwork does not. Returns an array of N names, or for sequences one of T
        names for each; with ``scores`` a tuple of these and what predict returns, as
        MATLAB's ``[labels, scores] = classify(...)``. Raises MismatchError where there are
        no class names, or not one for each score.
        """
        return self._session(engine, device, dtype, allow_tf32).classify(
            *inputs,
            classes=classes,
            scores=scores,
            format=format,
            mini_batch_size=mini_batch_size,
            sequence_length=sequence_length,
            padding_direction=padding_direction,
            padding_value=padding_value,
            sort_by_length=sort_by_length,
            progress=progress,
        )

    def predict_and_update_state(
        self,
        *inputs: Data,
        format: str | Sequence[str] | None = None,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        engine: str = "auto",
        initial_input_delays: object = None,
        initial_layer_delays: object = None,
        allow_tf32: bool = False,
    ) -> tuple[Self, Any]:
        """As MATLAB's predictAndUpdateState: the network with its new states, and the result.

        Arguments as for :meth:`predict`; the observations must be of one length. A session
        does the same without making a network of each state.
        """
        session = self._session(engine, device, dtype, allow_tf32).sharing()
        delays = self._delays(initial_input_delays, initial_layer_delays)
        result = session.predict_and_update_state(*inputs, format=format, **delays)
        updated = session.network
        # The weights are ready: the new network goes on with them.
        updated._sessions[_key(engine, device, dtype, allow_tf32)] = session
        return updated, result

    def part(self, name: str) -> Self:
        """The part "encode" or "decode" of an autoencoder, as a network of its own.

        Raises MismatchError for another name, UnsupportedError for a network of another kind.
        """
        from matbridge.matlab.shallow_parts import part

        return part(self, name)  # type: ignore[arg-type, return-value]

    def save(
        self,
        path: str | Path,
        to: str | None = None,
        force: bool = False,
        *,
        opset: int | None = None,
        stateful: bool = False,
        half: bool = False,
        quantize: str = "",
        data: Sequence[object] = (),
    ) -> Check:
        """Write, load again, compare, and only then keep; see languages.save and core.writing.

        ``to`` names the language where the path does not tell it; ``opset``, ``stateful``,
        ``half``, ``quantize`` and ``data`` are what ONNX leaves open.
        """
        from matbridge.languages import save

        how = Writing(opset, stateful, half, quantize, tuple(data))
        return save(self, path, to, force, how=how)  # type: ignore[arg-type]
