"""A question that has an answer: a network, what it is run on and how, and what is expected.

Whatever gives proof (a fixture, variables that the user names, a workspace searched) makes a
Case; whatever judges, looks for causes or reports takes one. A cause is tried by changing it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from matbridge.core.network import Network
from matbridge.core.running import Data, Progress
from matbridge.errors import MismatchError
from matbridge.predict.class_names import is_labels
from matbridge.verify.ways import Runner, Way, at_once

__all__ = ["AS_IT_IS", "Case", "Results", "Source", "Transform"]

# What comes out of a run: for each output an array, a list of arrays or class names.
Results = tuple[Any, ...]


@dataclass(frozen=True)
class Transform:
    """What was done to an output before it was kept: ``words`` as a user writes it ("y*sig+mu"),
    ``variables`` what its names stand for; ``unrounded`` the same but for the rounding to whole
    numbers that comes last, where one does; see verify.expression."""

    words: str
    apply: Callable[[Any], Any]
    variables: Mapping[str, Any] = field(default_factory=dict)
    unrounded: Callable[[Any], Any] | None = None


# Options with which a session is opened.
OPENING = ("engine", "device", "dtype", "allow_tf32")

AS_IT_IS = Transform("", lambda y: y)


@dataclass(frozen=True)
class Source:
    """Where something comes from: a file by name and hash, a variable, a release, and the like."""

    file: str = ""
    sha256: str = ""
    variable: str = ""
    release: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Case:
    """A network, what it is run on and how, and what is expected of it.

    ``inputs`` are as Network.predict takes them, in the order of ``input_names``; ``options``
    its keywords (mini_batch_size, sequence_length, format, initial_input_delays ...).
    ``expected`` holds for each output what MATLAB computed, as predict returns it, or the class
    names of the only one. ``transform`` was applied to what the network gives before it was
    kept. ``start`` is "saved" or "zero": the states from which the run starts. ``steps`` are
    those of a forecast beyond the end of the inputs, with the inputs of ``future``; 0 is none.
    ``unresized`` are the inputs before images among them were resized, where they were.
    ``way`` is how the observations are run, at once but for what a cause may say.
    ``activations`` are recorded values by layer, or "layer/port", as predict would return them,
    perhaps read from a file each time they are asked for; ``final_states`` those after the run,
    by layer and MATLAB name as Network.with_states takes them. ``notes`` say what is to be known
    of where the case comes from.
    """

    network: Network
    inputs: tuple[Data, ...]
    expected: Results
    options: Mapping[str, Any] = field(default_factory=dict)
    transform: Transform = AS_IT_IS
    start: str = "saved"
    steps: int = 0
    future: tuple[Data, ...] = ()
    unresized: tuple[Data, ...] = ()
    way: Way = at_once
    classes: tuple[str, ...] = ()
    activations: Mapping[str, Any] = field(default_factory=dict)
    final_states: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    network_source: Source = Source()
    input_source: Source = Source()
    expected_source: Source = Source()
    notes: tuple[str, ...] = ()

    def replace(self, **changes: Any) -> Case:
        """Another case, with these changed."""
        return dataclasses.replace(self, **changes)

    @property
    def labels(self) -> bool:
        """Whether class names are expected, not numbers."""
        return len(self.expected) == 1 and is_labels(self.expected[0])

    @property
    def double(self) -> bool:
        """Whether MATLAB computes in double precision: this network, or as the options say."""
        return str(self.options.get("dtype") or self.network.dtype).endswith("float64")

    @cached_property
    def exact(self) -> Results:
        """What :meth:`run` gives in float64, worked out once."""
        return self.run("float64")

    def run(self, dtype: str | None = None, progress: Progress | None = None) -> Results:
        """What the network gives, transformed: for each output as ``expected``, in the order of
        the outputs. In the network's own type, or this one. Raises what Network.predict raises.
        """
        result = self._run(dtype, progress)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(self.expected):
            raise MismatchError(
                f"the network has {len(results)} outputs, {len(self.expected)} are expected"
            )
        return tuple(self._transformed(y) for y in results)

    def _run(self, dtype: str | None, progress: Progress | None) -> Any:
        if self.steps:
            inputs = self.future
            return self.started.forecast(*self.inputs, steps=self.steps, inputs=inputs, dtype=dtype)
        options = {**self._options(dtype), "progress": progress}
        runner = Runner(self.started, options, self.classes if self.labels else None)
        return self.way(runner, self.inputs)

    @cached_property
    def started(self) -> Network:
        """The network in the state from which the run starts."""
        return self.network.reset_state() if self.start == "zero" else self.network

    def engine(self, dtype: str | None = None) -> str:
        """What computes in this type, and why not another."""
        options = self._options(dtype)
        return self.started.engine(**{n: options[n] for n in OPENING if n in options})

    def _options(self, dtype: str | None) -> dict[str, Any]:
        options = dict(self.options)
        if dtype is not None:
            options["dtype"] = dtype
        if dtype == "float64":
            # These compute in float32 alone.
            for name, value in (("engine", "onnxruntime"), ("device", "mps")):
                if options.get(name) == value:
                    del options[name]
        return options

    def _transformed(self, result: Any) -> Any:
        if self.labels:
            return result
        if isinstance(result, list):
            return [self.transform.apply(np.asarray(part)) for part in result]
        return self.transform.apply(result)
