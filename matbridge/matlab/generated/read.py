"""A .m file that genFunction wrote, to the networks of its functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from matbridge.core.contents import Contents, Reading
from matbridge.core.diagnostics import Report
from matbridge.core.network import Provenance
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.files import DEFAULT_LIMIT
from matbridge.matlab.generated.modules import agrees
from matbridge.matlab.generated.simulation import RESTORE, Simulation
from matbridge.matlab.generated.structure import read_structure
from matbridge.matlab.generated.text import Code, assignment, fields_read, read_functions
from matbridge.matlab.shallow_cards import to_network
from matbridge.shallow.structure import ShallowStructure
from matbridge.text import listed

__all__ = ["GeneratedCode", "load_code", "read_code"]

# The constants of a network: b1, IW1_1, LW2_1.
CONSTANT = re.compile(r"(?:b\d+|[IL]W\d+_\d+)", re.ASCII)


@dataclass
class GeneratedCode:
    """What a file holds: structures by the names of their functions, and what was refused."""

    structures: dict[str, ShallowStructure] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    failures: dict[str, MatbridgeError] = field(default_factory=dict)


def load_code(path: Path, how: Reading) -> Contents:
    """The networks of a file by the names of their functions; see :func:`read_code`."""
    try:
        code = read_code(path, how.max_size)
    except MatbridgeError as error:
        raise error.at(path.name) from None
    contents = Contents(path, {}, code.failures)
    for name, structure in code.structures.items():
        provenance = Provenance(path.name, name)
        try:
            network = to_network(structure, how.registry, provenance, code.reports[name])
        except MatbridgeError as error:
            contents.failures[name] = error
        else:
            contents.networks[name] = network
    return contents


def read_code(path: Path, max_size: int = DEFAULT_LIMIT) -> GeneratedCode:
    """The networks of a file's functions. Nothing is executed.

    Raises FormatError for what is no text or ends within brackets, and UnsupportedError where
    no function holds the constants of a network.
    """
    data = path.read_bytes()
    if len(data) > max_size:
        raise FormatError(f"the file has {len(data)} bytes, more than {max_size}")
    if b"\0" in data:
        raise FormatError("this is no text of a .m file")
    functions = {code.name: code for code in read_functions(data.decode("utf-8-sig", "replace"))}
    holding = GeneratedCode()
    for name, code in functions.items():
        if _holds_constants(code):
            _take(holding, name or path.stem, code, functions)
    if not holding.structures and not holding.failures:
        raise UnsupportedError(
            "none of its functions holds the constants of a network (b1, IW1_1, LW2_1, ...)",
            mend="matbridge reads what genFunction wrote, no other code.",
        )
    return holding


def _holds_constants(code: Code) -> bool:
    sides = (assignment(statement.text) for statement in code.statements)
    return any(side is not None and CONSTANT.fullmatch(side[0]) for side in sides)


def _take(holding: GeneratedCode, name: str, code: Code, functions: dict[str, Code]) -> None:
    report = Report()
    try:
        parameters = {other: known.parameters for other, known in functions.items()}
        structure = read_structure(Simulation(code, parameters), report)
        _check_settings(structure, functions)
        _compare_modules(structure, functions, report)
    except MatbridgeError as error:
        holding.failures[name] = error
    else:
        holding.structures[name] = structure
        holding.reports[name] = report


def _check_settings(structure: ShallowStructure, functions: dict[str, Code]) -> None:
    """Refuse a step whose function reads settings that are not there, or are no numbers."""
    steps = [(step, "apply") for part in structure.inputs for step in part.steps]
    steps += [(step, "reverse") for part in structure.outputs for step in part.steps]
    for step, way in steps:
        code = functions.get(f"{step.function}_{way}")
        missing = sorted(fields_read(code) - step.settings.keys()) if code else []
        if missing:
            raise UnsupportedError(
                f"{step.function} is not given {listed(missing)} as numbers", mend=RESTORE
            )


def _compare_modules(
    structure: ShallowStructure, functions: dict[str, Code], report: Report
) -> None:
    """Refuse a function of the file that computes something else than its name says."""
    for name in sorted(_modules(structure) & functions.keys()):
        code = functions[name]
        verdict = agrees(code, functions)
        if verdict is False:
            raise UnsupportedError(
                f"{name} computes something else than MATLAB's",
                where=f"line {code.line}",
                mend=RESTORE,
            )
        if verdict is None:
            report.note(f"{name} is taken for MATLAB's: its lines are not compared", structure.name)


def _modules(structure: ShallowStructure) -> set[str]:
    """The names that the functions of a network have in generated code."""
    steps = {f"{step.function}_apply" for part in structure.inputs for step in part.steps}
    back = {f"{step.function}_reverse" for part in structure.outputs for step in part.steps}
    weights = (*structure.input_weights.values(), *structure.layer_weights.values())
    used = {layer.transfer for layer in structure.layers} | {part.function for part in weights}
    return steps | back | {f"{function}_apply" for function in used}
