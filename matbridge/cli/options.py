"""Options that several commands share."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import click

from matbridge.core.card import Layer
from matbridge.core.contents import Reading
from matbridge.core.registry import Registry
from matbridge.errors import MismatchError
from matbridge.matlab.file import DEFAULT_LIMIT

__all__ = [
    "cards_of",
    "cards_option",
    "json_option",
    "max_size_option",
    "network_option",
    "path_argument",
    "reading_options",
]

F = TypeVar("F", bound=Callable[..., object])

path_argument = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
network_option = click.option(
    "--network", metavar="ADDRESS", help="Which network, such as agent.Actor.Model."
)


def _bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int:
    """A size such as 500M or 8G."""
    if value is None:
        return DEFAULT_LIMIT
    units = {"K": 10, "M": 20, "G": 30}
    number, unit = (value[:-1], value[-1].upper()) if value[-1:].upper() in units else (value, "")
    if not number.isdigit() or not int(number):
        raise click.BadParameter("give a size such as 500M or 8G")
    return int(number) << units.get(unit, 0)


max_size_option = click.option(
    "--max-size",
    metavar="SIZE",
    callback=_bytes,
    help="The most that one variable may hold, such as 500M. [default: 4G]",
)


def _registry(ctx: click.Context, param: click.Parameter, value: Path | None) -> Registry:
    """The cards and functions of a Python file of the user's."""
    registry = Registry.builtin()
    if value is None:
        return registry
    cards, functions = cards_of(value)
    return registry.with_(cards).with_(functions)


def cards_of(path: Path) -> tuple[list[type[Layer]], dict[str, Callable[..., object]]]:
    """The cards of a Python file, which is run, and its FUNCTIONS."""
    module = _module(path)
    cards = [
        card
        for card in vars(module).values()
        if isinstance(card, type) and issubclass(card, Layer) and card.__module__ == module.__name__
    ]
    return cards, dict(getattr(module, "FUNCTIONS", {}))


def _module(path: Path) -> ModuleType:
    """The Python file, run; MismatchError with its line where it cannot be."""
    name = f"cards_{path.stem}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except FileNotFoundError:
        raise MismatchError("there is no such file", where=str(path)) from None
    except (Exception, SystemExit) as error:
        raise _refused(error, path) from error
    return module


def _refused(error: BaseException, path: Path) -> MismatchError:
    """What went wrong while the file ran, and in which of its lines."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else next(reversed(lines), None)
    reason = str(error).partition("\n")[0]
    return MismatchError(
        f"this Python file does not load: {type(error).__name__}: {reason}",
        where=f"{path}, line {line}" if line else str(path),
        mend="A file of cards is Python; 'matbridge scaffold' writes one to begin with.",
    )


cards_option = click.option(
    "--cards",
    "registry",
    type=click.Path(path_type=Path),
    callback=_registry,
    metavar="PY",
    help="A Python file with cards for layers that matbridge does not know. It is run.",
)

external_data_option = click.option(
    "--allow-external-data",
    "external_data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder in which the data of an ONNX file may stand in files of their own.",
)


def _activations(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",")) if value else ()


activations_option = click.option(
    "--activations",
    callback=_activations,
    metavar="NAMES",
    help="The functions of plain weights that do not name theirs, such as relu,relu,softmax.",
)


def reading_options(function: Callable[..., object]) -> Callable[..., object]:
    """Options of every command that reads a network: what they say is one ``reading``."""

    @functools.wraps(function)
    def wrapped(
        *args: object,
        registry: Registry,
        max_size: int,
        external_data: Path | None,
        activations: tuple[str, ...],
        **given: object,
    ) -> object:
        how = Reading(registry, max_size, external_data=external_data, activations=activations)
        return function(*args, reading=how, **given)

    for option in (activations_option, external_data_option, max_size_option, cards_option):
        option(wrapped)
    return wrapped
