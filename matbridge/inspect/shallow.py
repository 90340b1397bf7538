"""What inspect tells of a network object: what made it, its parts, how it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.classes import SHALLOW
from matbridge.core.network import Network
from matbridge.matlab.shallow_back import to_structure
from matbridge.shallow import names
from matbridge.shallow.kinds import creating_function
from matbridge.shallow.structure import Place, ProcessStep, ShallowStructure, WeightPart
from matbridge.text import listed
from matbridge.verify.training import is_record

__all__ = ["COLUMNS", "about_shallow", "part_rows"]

About = dict[str, object]

COLUMNS = ("Part", "Rows", "Functions", "Reads")
# What a training record says, by its own names, as inspect calls it.
RECORDED = ("trainFcn", "num_epochs", "best_epoch", "best_perf", "best_vperf", "best_tperf", "stop")


def about_shallow(network: Network, variables: Mapping[str, object]) -> About:
    """The parts of a network object, and what the training records among these variables say;
    nothing for any other network."""
    if network.class_name != SHALLOW or not network.layers:
        return {}
    structure = to_structure(network)
    training = {
        name: value
        for name in ("trainFcn", "performFcn", "divideFcn")
        if isinstance(value := structure.training.get(name), str) and value
    }
    records = {name: _record(value) for name, value in variables.items() if is_record(value)}
    return {
        "created_by": creating_function(structure),
        "name": structure.name,
        "sentence": _sentence(structure, training, records),
        "parts": part_rows(structure),
        "training": training,
        "records": records,
    }


def part_rows(structure: ShallowStructure) -> list[list[str]]:
    """A row of COLUMNS for each input, layer and output, numbered as in MATLAB."""
    rows = []
    for j, part in enumerate(structure.inputs, 1):
        size = _changed(part.size, part.processed_size)
        feedback = part.feedback_output
        source = f"the series of output {feedback}" if feedback else part.name
        rows.append([f"inputs{{{j}}}", size, _functions(part.steps), source])
    for i, layer in enumerate(structure.layers, 1):
        bias = "" if layer.bias is None else f"b{{{i}}} "
        reads = bias + " ".join(
            [
                *(_weight("IW", at, weight) for at, weight in structure.inputs_of(i)),
                *(_weight("LW", at, weight) for at, weight in structure.layers_of(i)),
            ]
        )
        functions = (
            layer.transfer
            if layer.net_input == "netsum"
            else (f"{layer.net_input}, {layer.transfer}")
        )
        rows.append([f"layers{{{i}}}", str(layer.size), functions, reads])
    for output in structure.outputs:
        inner = structure.layers[output.layer - 1].size
        steps = _functions(tuple(reversed(output.steps)), " reversed")
        mode = "" if output.feedback_mode == "none" else f", {output.feedback_mode} loop"
        size = _changed(inner, output.size)
        rows.append([f"outputs{{{output.layer}}}", size, steps, f"a{{{output.layer}}}{mode}"])
    return rows


def _weight(word: str, at: Place, weight: WeightPart) -> str:
    """IW{1,1}, with its delays and its function where they are not the usual ones."""
    about = [] if weight.function == "dotprod" else [weight.function]
    about += [f"delays {_delays(weight)}"] if weight.delays != (0,) else []
    return names.weight(word, at) + (f" ({', '.join(about)})" if about else "")


def _delays(weight: WeightPart) -> str:
    """1:20, or one by one where they do not follow each other."""
    first, last = weight.delays[0], weight.delays[-1]
    if weight.delays == tuple(range(first, last + 1)) and len(weight.delays) > 1:
        return f"{first}:{last}"
    return " ".join(map(str, weight.delays))


def _changed(before: int, after: int) -> str:
    return str(before) if before == after else f"{before} -> {after}"


def _functions(steps: Sequence[ProcessStep], word: str = "") -> str:
    return ", ".join(step.function + word for step in steps)


# -- in one sentence ----------------------------------------------------------------------------


def _sentence(
    structure: ShallowStructure, training: Mapping[str, str], records: Mapping[str, About]
) -> str:
    rows = "+".join(str(part.size) for part in structure.inputs)
    layers = [f"{layer.size} {layer.transfer}" for layer in structure.layers]
    sizes = " -> ".join([*([f"{rows} rows"] if rows else []), *layers])
    facts = [f"made by {creating_function(structure)}: {sizes or 'no layers'}"]
    depths = {"input": structure.num_input_delays, "layer": structure.num_layer_delays}
    facts += [f"{word} delays up to {depth}" for word, depth in depths.items() if depth]
    if "trainFcn" in training:
        measure = f" for {training['performFcn']}" if "performFcn" in training else ""
        facts.append(f"trained by {training['trainFcn']}{measure}")
    for name, record in records.items():
        told = [f"{what} {value}" for what, value in record.items() if what.startswith("best_")]
        facts.append(f"its record {name} says {listed(told)}" if told else f"its record is {name}")
    sentence = "; ".join(facts) + "."
    return sentence[0].upper() + sentence[1:]


def _record(value: object) -> About:
    """What a training record says in numbers and words."""
    assert isinstance(value, dict)
    told: About = {}
    for name in RECORDED:
        field = value.get(name)
        if isinstance(field, str) and field:
            told[name] = field
        elif isinstance(field, np.ndarray) and field.size == 1 and np.isfinite(field).all():
            number = float(field.item())
            told[name] = int(number) if number.is_integer() else float(f"{number:.6g}")
    return told
