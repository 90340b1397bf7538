"""Suspects of sequences: how they are padded, put in mini-batches and turned in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from matbridge.layers.recurrent import Recurrent
from matbridge.verify.case import Case, Transform
from matbridge.verify.suspects.suspect import Suspect, Variant
from matbridge.verify.ways import closed_after, each_step_alone

__all__ = ["SUSPECTS", "is_recurrent", "lengths_of", "over_time", "sizes_of"]

# Sizes of mini-batches that people choose, MATLAB's own first.
SIZES = (128, 32, 64, 16, 20, 27, 50, 100, 256, 512, 8, 10)
# Any other up to here, and some beyond.
OTHER_SIZES = (*range(2, 41), 48, 60, 75, 80, 90, 96, 120, 150, 200, 250, 300, 400, 500, 1000)
# Numbers of steps into which long sequences are split.
STEPS = (100, 50, 500, 1000, 10, 20, 25, 200)
VALUES = (0.0, -1.0, 1.0)
# By how many steps things are shifted.
SHIFTS = (1, 2)
# How far the steps of an open loop may be from those of a closed one, before it is closed.
NEAR = 1e-4

Edit = Callable[[np.ndarray], np.ndarray]


# -- what a case holds ----------------------------------------------------------------------------


def over_time(case: Case) -> bool:
    """Whether sequences go in as MATLAB takes them, time along the last dimension."""
    layers = case.network.input_layers
    known = layers and set(case.network.input_names) <= set(layers)
    if not known or case.steps or case.network.kind.columns or case.options.get("format"):
        return False
    return all("T" in layer.format for layer in layers.values()) and all(
        isinstance(x, np.ndarray | list) for x in case.inputs
    )


def lengths_of(case: Case) -> list[int]:
    """The numbers of time steps of the sequences of a list, () for one sequence."""
    several: Any = case.inputs[0]
    if not over_time(case) or not isinstance(several, list):
        return []
    return [np.shape(x)[-1] for x in several]


def is_recurrent(case: Case) -> bool:
    """Whether some layer keeps a state."""
    return any(isinstance(layer, Recurrent) for layer in case.network.layers)


def _result_lengths(case: Case) -> list[int]:
    """The last sizes of what is expected of the first output, those of the steps if it has
    any."""
    values = case.expected[0]
    return [np.shape(x)[-1] for x in (values if isinstance(values, list) else [values])]


def _gives_steps(case: Case) -> bool:
    """Whether there is a result for each time step."""
    if not over_time(case) or case.labels:
        return False
    inputs: Any = case.inputs[0]
    steps = [np.shape(x)[-1] for x in (inputs if isinstance(inputs, list) else [inputs])]
    return steps == _result_lengths(case)


def _each(values: Any, edit: Edit) -> Any:
    """Something done to each sequence of a list, or to the only one."""
    if isinstance(values, list):
        return [edit(np.asarray(x)) for x in values]
    return edit(np.asarray(values))


def _entering(case: Case, edit: Edit) -> Case:
    return case.replace(inputs=tuple(_each(x, edit) for x in case.inputs))


def _leaving(case: Case, edit: Edit) -> Case:
    """Something done to each result after the transform."""
    before = case.transform
    transform = Transform(before.words, lambda y: edit(before.apply(y)), before.variables)
    return case.replace(transform=transform)


# -- padding --------------------------------------------------------------------------------------


def _with(case: Case, words: str, meaning: str, **options: Any) -> Variant:
    """The case in other mini-batches."""
    return Variant(case.replace(options={**case.options, **options}), (), words, meaning, True)


def sizes_of(count: int) -> tuple[int, ...]:
    """Sizes of mini-batches that differ for so many observations, the likeliest first."""
    return tuple(dict.fromkeys(min(size, count) for size in (*SIZES, count)))


def padding(case: Case) -> Iterator[Variant]:
    """Sequences of unequal lengths brought to one length, in each mini-batch."""
    lengths = lengths_of(case)
    if len(set(lengths)) < 2:
        return
    if case.options.get("sequence_length") is not None:
        yield _with(
            case,
            "each sequence is computed at its own length",
            "nothing was padded, as where sequences are predicted one by one",
            sequence_length=None,
        )
    for size in sizes_of(len(lengths)):
        for direction in ("right", "left"):
            yield from _padded(case, size, direction, len(lengths))


def other_sizes(case: Case) -> Iterator[Variant]:
    """Sequences of unequal lengths padded with zeros in mini-batches of any size."""
    lengths = lengths_of(case)
    if len(set(lengths)) < 2:
        return
    for direction in ("right", "left"):
        for size in OTHER_SIZES:
            if size < len(lengths) and size not in SIZES:
                yield next(_padded(case, size, direction, len(lengths)))


def _padded(case: Case, size: int, direction: str, count: int) -> Iterator[Variant]:
    batch = "of all" if size == count else f"of each mini-batch of {size}"
    padded = {"mini_batch_size": size, "padding_direction": direction, "sort_by_length": False}
    for value in VALUES:
        yield _with(
            case,
            f"the sequences are padded with {value:g} on the {direction} to the longest {batch}",
            "recurrent layers do not know padding from data: MATLAB's predict pads so",
            **padded,
            sequence_length="longest",
            padding_value=value,
        )
    yield _with(
        case,
        f"the sequences are cut on the {direction} to the shortest {batch}",
        "SequenceLength was 'shortest'",
        **padded,
        sequence_length="shortest",
    )
    if size < count:
        yield _with(
            case,
            f"the sequences, sorted by length, are padded on the {direction} to the longest "
            f"{batch}",
            "the sequences were sorted before they were put in mini-batches",
            **{**padded, "sort_by_length": True},
            sequence_length="longest",
            padding_value=0.0,
        )


def pieces(case: Case) -> Iterator[Variant]:
    """Long sequences split, which layers that look back from the end can tell."""
    lengths = lengths_of(case)
    longest = max(lengths, default=0)
    if not any(isinstance(one, Recurrent) and one.DIRECTIONS > 1 for one in case.network.layers):
        return
    for steps in STEPS:
        if steps < longest:
            yield _with(
                case,
                f"the sequences are split into pieces of {steps} steps",
                f"SequenceLength was {steps}",
                sequence_length=steps,
            )


# -- time -----------------------------------------------------------------------------------------


def _backwards(x: np.ndarray) -> np.ndarray:
    return np.flip(x, axis=-1)


def reversed_time(case: Case) -> Iterator[Variant]:
    """The sequences, their results, or both from the end to the beginning."""
    if not over_time(case):
        return
    meaning = "time ran the other way"
    into = _entering(case, _backwards)
    yield Variant(into, (), "the sequences are reversed in time", meaning)
    if _gives_steps(case):
        yield Variant(_leaving(case, _backwards), (), "the results are reversed in time", meaning)
        words = "the sequences and their results are reversed in time"
        yield Variant(_leaving(into, _backwards), (), words, meaning)


def shifted_time(case: Case) -> Iterator[Variant]:
    """What is expected, or what goes in, a few steps early or late."""
    for steps in SHIFTS:
        if _gives_steps(case) and min(_result_lengths(case)) > 2 * steps:
            yield from _shifted(case, steps)


def _shifted(case: Case, steps: int) -> Iterator[Variant]:
    by = "one step" if steps == 1 else f"{steps} steps"

    def first(x: np.ndarray) -> np.ndarray:
        return x[..., :-steps]

    def last(x: np.ndarray) -> np.ndarray:
        return x[..., steps:]

    meaning = "the series were cut or counted from another step"
    for words, ours, theirs in (
        (f"what is expected comes {by} late", first, last),
        (f"what is expected comes {by} early", last, first),
    ):
        expected = tuple(_each(y, theirs) for y in case.expected)
        yield Variant(_leaving(case, ours).replace(expected=expected), (), words, meaning)
    for words, mode in (("zeros", "constant"), ("the first step repeated", "edge")):

        def late(x: np.ndarray, mode: str = mode) -> np.ndarray:
            before = [(0, 0)] * (x.ndim - 1) + [(steps, 0)]
            return np.pad(x, before, mode=mode)[..., :-steps]  # type: ignore[call-overload]

        words = f"the input comes {by} late, {words} before it"
        yield Variant(_entering(case, late), (), words, meaning)


def steps_alone(case: Case) -> Iterator[Variant]:
    """Each time step an observation of its own, that knows nothing of the one before."""
    if over_time(case) and is_recurrent(case) and case.way is not each_step_alone:
        yield Variant(
            case.replace(way=each_step_alone),
            (),
            "each time step is computed alone, from the initial state",
            "the time steps were taken as observations",
        )


def closed_loop(case: Case) -> Iterator[Variant]:
    """The network's own results as its inputs, from the step on at which the two part."""
    series = case.inputs[0]
    if not _gives_steps(case) or isinstance(series, list) or len(case.inputs) > 1:
        return
    expected = np.asarray(case.expected[0])
    computed = case.run("float64")[0]
    if computed.shape != expected.shape:
        return
    scale = np.abs(expected).max(initial=0.0)
    apart = np.abs(computed - expected).reshape(-1, expected.shape[-1]).max(axis=0)
    steps = int(np.argmax(apart > NEAR * scale))
    if 0 < steps < expected.shape[-1] - 1:
        yield Variant(
            case.replace(way=closed_after(steps)),
            (),
            f"after step {steps} the network's own results are its inputs",
            "the forecast was a closed loop, not an open one",
        )


SUSPECTS = (
    Suspect("sequence padding", 1, padding),
    Suspect("time reversed", 2, reversed_time),
    Suspect("time shifted", 2, shifted_time),
    Suspect("steps as observations", 2, steps_alone),
    Suspect("closed loop", 2, closed_loop),
    Suspect("sequence length", 3, pieces),
    Suspect("mini-batch size", 3, other_sizes),
)
