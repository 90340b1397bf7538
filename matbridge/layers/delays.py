"""What enters and leaves a shallow network, and what it remembers: delayed inputs and layers.

A sequence that is read with delays is first prolonged to the left by the steps before it, which
are a state (Xi of an input, Ai of a layer); processing is by column, so that it works on the
longer sequence as well. A tapped delay line then stands before each delayed weight.
"""

from __future__ import annotations

import numpy as np

from matbridge.core.card import RECORDED, Array, InputLayer, Layer, constant, prop, state
from matbridge.core.dims import Size
from matbridge.core.kinds import integer, integers, logical, number, one_of, optional, positive
from matbridge.errors import UnsupportedError
from matbridge.ops import Ops, Parameters, Value

__all__ = ["DelayStates", "NoInput", "ShallowInput", "ShallowOutput", "TappedDelay"]


class ShallowInput(InputLayer):
    """net.inputs{i}: Size rows; over time where the network has delays, else one column for each
    sample. Min and Max are the range of each row that the network was configured for.

    A network without inputs, such as a closed NAR network, has one of no rows that TellsSteps:
    its data, 0×TS, tell the number of time steps, as MATLAB's cell(0,TS) does.
    """

    MATLAB = ("network.Input",)
    NICKNAME = "x"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED
    FORMATS = "CB, CBT"
    ARRAYS = (constant("Min", "Size", "1", dims="C"), constant("Max", "Size", "1", dims="C"))

    size: int = prop("Size", integer, arg=1)
    processed_size: int = prop("ProcessedSize", integer, default=0)
    over_time: bool = prop("OverTime", logical, default=False)
    feedback_output: int | None = prop("FeedbackOutput", optional(positive), default=None)
    tells_steps: bool = prop("TellsSteps", logical, default=False)

    def obstacle(self) -> UnsupportedError | None:
        if self.size or self.tells_steps:
            return None
        return UnsupportedError(
            "the network was never configured: no rows enter it",
            where=self.name,
            mend="In MATLAB, train it or call configure(net, x, t), and save it again.",
        )

    @property
    def format(self) -> str:
        return "CBT" if self.over_time else "CB"

    @property
    def columns(self) -> bool:
        return True

    def infer(self) -> Size:
        return Size(self.format, (self.size, None, None)[: len(self.format)])

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


class ShallowOutput(Layer):
    """net.outputs{Layer}: Size rows, the result."""

    MATLAB = ("network.Output",)
    NICKNAME = "y"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED

    layer: int = prop("Layer", positive, arg=1)
    size: int = prop("Size", integer, arg=2)
    feedback_input: int | None = prop("FeedbackInput", optional(positive), default=None)
    feedback_delay: int = prop("FeedbackDelay", integer, default=0)
    feedback_mode: str = prop("FeedbackMode", one_of("none", "open", "closed"), default="none")

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        self.expect(x["C"], self.size, "rows", x)
        return x

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x


class NoInput(Layer):
    """What a layer that reads nothing has for a weighted input: Size rows of one Value for each
    sample of whatever enters, 0 where they are added and 1 where they are multiplied."""

    MATLAB = ("network.NoInput",)
    NICKNAME = "nothing"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED
    FORMATS = "CB, CBT"

    size: int = prop("Size", integer, arg=1)
    value: float = prop("Value", number, default=0.0)

    def infer(self, x: Size) -> Size:
        self.need(x, "C")
        return x.put(C=self.size)

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        rows = ops.constant(np.full(self.size, self.value), "C")
        # "-" hides the rows of x: its samples and steps alone count.
        return ops.expand(rows, x.dims, ops.rename(x, x.dims.replace("C", "-")))


class DelayStates(Layer):
    """NumDelays steps before the first of a sequence, its state: Xi of an input in raw units, Ai of
    a layer as it gave them, oldest first; zero where nothing else is given. The last steps are
    the state after a run. With HasStateInputs they come by a second input, inside a loop."""

    MATLAB = ("network.DelayStates",)
    NICKNAME = "states"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED
    FORMATS = "CBT"
    ARRAYS = (state("States", "Size", "Observations", "NumDelays", dims="CBT"),)

    size: int = prop("Size", integer, arg=1)
    num_delays: int = prop("NumDelays", positive, arg=2)
    has_state_inputs: bool = prop("HasStateInputs", logical, default=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("in", "states") if self.has_state_inputs else ("in",)

    @property
    def declared(self) -> tuple[Array, ...]:
        return () if self.has_state_inputs else self.ARRAYS

    def infer(self, x: Size, states: Size | None = None) -> Size:
        self.need(x, "CT")
        self.expect(x["C"], self.size, "rows", x)
        return x.put(T=None if x["T"] is None else x["T"] + self.num_delays)

    def forward(self, ops: Ops, p: Parameters, x: Value, states: Value | None = None) -> Value:
        if states is not None:
            return ops.concatenate([states, x], "T")
        # Only the observations are repeated: any other label of x is hidden.
        like = ops.rename(x, "".join(label if label == "B" else "-" for label in x.dims))
        longer = ops.concatenate([ops.expand(p["States"], x.dims, like), x], "T")
        p.update(States=ops.slice(longer, "T", -self.num_delays))
        return longer


class TappedDelay(Layer):
    """A tapped delay line: the steps at these Delays, stacked in their order, of a sequence that
    begins NumDelays steps before its first. Behind steps are still lacking at its end, 1 inside
    a loop, where the step at hand is not known yet."""

    MATLAB = ("network.TappedDelay",)
    NICKNAME = "delays"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED
    FORMATS = "CBT"

    delays: tuple[int, ...] = prop("Delays", integers, arg=1)
    num_delays: int = prop("NumDelays", integer, arg=2)
    behind: int = prop("Behind", integer, default=0)

    def obstacle(self) -> UnsupportedError | None:
        if all(self.behind <= delay <= self.num_delays for delay in self.delays):
            return None
        return UnsupportedError(
            f"it has the delays {self.delays}, outside of {self.behind} to {self.num_delays}",
            where=self.name,
        )

    def infer(self, x: Size) -> Size:
        self.need(x, "CT")
        rows, steps = x["C"], x["T"]
        return x.put(
            C=None if rows is None else rows * len(self.delays),
            T=None if steps is None else steps - self.num_delays + self.behind,
        )

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        parts = [
            # -0 would be the beginning.
            ops.slice(x, "T", self.num_delays - delay, (self.behind - delay) or None)
            for delay in self.delays
        ]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, "C")
