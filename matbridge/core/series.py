"""What MATLAB's users do with shallow networks over time: doors to the rooms above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np

from matbridge.core.running import Data, Running

__all__ = ["OverTime", "Prepared", "Series"]

Series = np.ndarray | list[np.ndarray]


@dataclass(frozen=True)
class Prepared:
    """Series cut where the delays end: ``network.predict(*prepared.inputs, initial_input_delays=
    prepared.initial_input_delays, initial_layer_delays=prepared.initial_layer_delays)`` gives
    what ``targets`` are to be compared with.

    ``inputs`` and ``targets`` are MATLAB's Xs and Ts in the form of the series that were given,
    one for each input and output; of a network without inputs the number of steps stands in
    their place. ``shift`` is the number of steps cut off.
    """

    inputs: tuple[Series | int, ...]
    initial_input_delays: list[list[np.ndarray]]
    initial_layer_delays: list[list[np.ndarray]]
    targets: tuple[Series, ...]
    shift: int


class OverTime(Running):
    """The part of a network that closes its loops and prepares its series: that of network
    objects, such as narnet, narxnet, timedelaynet and layrecnet. Others raise UnsupportedError."""

    def close_loop(self) -> Self:
        """As MATLAB's closeloop: the network takes back its own outputs, not an input.

        Raises MismatchError where no feedback loop is open.
        """
        from matbridge.predict.loops import changed
        from matbridge.shallow.feedback import close_loop

        return cast(Self, changed(cast(Any, self), close_loop))

    def open_loop(self) -> Self:
        """As MATLAB's openloop: the inverse of :meth:`close_loop`."""
        from matbridge.predict.loops import changed
        from matbridge.shallow.feedback import open_loop

        return cast(Self, changed(cast(Any, self), open_loop))

    def remove_delay(self, steps: int = 1) -> Self:
        """As MATLAB's removedelay: outputs come ``steps`` earlier, from the same weights.

        Raises MismatchError where an input has a shorter delay.
        """
        from matbridge.predict.loops import changed
        from matbridge.shallow.feedback import remove_delay

        return cast(Self, changed(cast(Any, self), remove_delay, steps))

    def prepare(self, *series: Data) -> Prepared:
        """As MATLAB's preparets: inputs, initial states and targets from whole series.

        ``series`` are the inputs that are no feedback, then the targets of the outputs, each a
        list of R×Q or R×T: ``prepare(T)`` of a NAR network, ``prepare(X, T)`` of a NARX network.
        Raises MismatchError where they do not fit.
        """
        from matbridge.predict.loops import prepare

        return prepare(cast(Any, self), series)

    def closed_states(self, final_input_delays: Any, final_layer_delays: Any) -> tuple[Any, Any]:
        """Xi and Ai of :meth:`close_loop`'s network from Xf and Af of this one.

        As MATLAB's [netc,xic,aic] = closeloop(net,xf,af): the closed loop goes on where the open
        one ended.
        """
        from matbridge.predict.loops import closed_states

        return closed_states(cast(Any, self), final_input_delays, final_layer_delays)

    def forecast(
        self, *series: Data, steps: int, inputs: Sequence[Data] = (), dtype: str | None = None
    ) -> Any:
        """So many steps beyond the end of a series: in open loop to its end, then closed.

        ``series`` as for :meth:`prepare`; ``inputs`` are the inputs that are no feedback during
        the steps to come; ``dtype`` as for :meth:`predict`. Returns the outputs of these steps,
        S×T.
        """
        from matbridge.predict.loops import forecast

        return forecast(cast(Any, self), series, steps, inputs, dtype)

    def performance(self, targets: Any, outputs: Any, function: str = "") -> float:
        """As MATLAB's perform(net, targets, outputs), by the network's performFcn or another.

        Each is S×N, a list of S×Q, or for several outputs a tuple of those; a target that is
        NaN does not count. ``function`` is mse, sse, mae, sae or crossentropy.
        """
        from matbridge.predict.loops import measured

        return measured(cast(Any, self), targets, outputs, function)
