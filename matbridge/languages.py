"""The languages in which a network can be said: one table, and what follows from it.

A row's functions open their room only when they are called: the table loads neither torch nor
onnx. See docs/adding-a-language.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matbridge.core.card import Layer
from matbridge.core.check import Check
from matbridge.core.contents import Cards, Contents, Reading, as_registry
from matbridge.core.network import Network
from matbridge.core.writing import Writing
from matbridge.errors import MatbridgeError, MismatchError, UnsupportedError
from matbridge.files import DEFAULT_LIMIT, check_readable, written

if TYPE_CHECKING:
    from matbridge.verify.roundtrip import Arrays, Trace

__all__ = [
    "LANGUAGES",
    "Conversion",
    "Language",
    "convert",
    "language_of",
    "load",
    "named",
    "read",
    "save",
    "target_language",
]


@dataclass(frozen=True)
class Language:
    """A row of the table.

    ``read`` takes a path and how it is to be read (:class:`Reading`). ``write`` writes a network
    that may not run, in the manner that :class:`Writing` says, of which the language honours its
    ``choices``. ``run`` runs what was written on arrays, batch first, and returns the value at
    each port that can be seen, by its name; it raises UnsupportedError without what that needs.
    What is read but not run is run as a network.
    """

    name: str
    suffixes: tuple[str, ...]
    about: str
    read: Callable[[Path, Reading], Contents] | None = None
    write: Callable[[Network, Path, Writing], None] | None = None
    run: Callable[[Path, Arrays], Trace] | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversion:
    """What :func:`convert` did: the network, where it is now, and how far that agrees."""

    network: Network
    path: Path
    language: str
    check: Check


# -- the rows ------------------------------------------------------------------------------


def _read_mat(path: Path, how: Reading) -> Contents:
    from matbridge.matlab.contents import MatContents
    from matbridge.matlab.file import MatFile

    return MatContents(MatFile(path, how.max_size), how.registry, how.address, how.activations)


def _write_mat(network: Network, path: Path, how: Writing) -> None:
    from matbridge.matlab.plain import write_plain

    write_plain(network, path)


def _read_code(path: Path, how: Reading) -> Contents:
    from matbridge.matlab.generated import load_code

    return load_code(path, how)


def _write_program(network: Network, path: Path, how: Writing) -> None:
    from matbridge.torch.program import write_program

    write_program(network, path)


def _run_program(path: Path, inputs: Arrays) -> Trace:
    from matbridge.torch.program import run_program

    return run_program(path, inputs)


def _read_safetensors(path: Path, how: Reading) -> Contents:
    from matbridge.safetensors.read import load_safetensors

    network = load_safetensors(path, how.registry)
    networks = {network.provenance.address or "network": network}
    return Contents(path, networks, writer="matbridge")


def _write_safetensors(network: Network, path: Path, how: Writing) -> None:
    from matbridge.safetensors.write import save_safetensors

    save_safetensors(network, path)


def _read_onnx(path: Path, how: Reading) -> Contents:
    from matbridge.onnx.read import load_onnx

    return load_onnx(path, how)


def _write_onnx(network: Network, path: Path, how: Writing) -> None:
    from matbridge.onnx.save import save_onnx

    save_onnx(network, path, how)


def _run_onnx(path: Path, inputs: Arrays) -> Trace:
    from matbridge.onnx.engine import run_onnx

    return run_onnx(path, inputs)


LANGUAGES: tuple[Language, ...] = (
    Language(
        "mat",
        (".mat",),
        "a MAT-file, of which matbridgeImport makes layers in MATLAB",
        read=_read_mat,
        write=_write_mat,
    ),
    Language("m", (".m",), "code that MATLAB's genFunction wrote", read=_read_code),
    Language(
        "pt2",
        (".pt2",),
        "a torch.export program",
        write=_write_program,
        run=_run_program,
    ),
    Language(
        "safetensors",
        (".safetensors",),
        "weights in MATLAB's layout and the graph",
        read=_read_safetensors,
        write=_write_safetensors,
    ),
    Language(
        "onnx",
        (".onnx",),
        "an ONNX model",
        read=_read_onnx,
        write=_write_onnx,
        run=_run_onnx,
        choices=("opset", "stateful", "half", "quantize", "data"),
    ),
)


def named(name: str) -> Language:
    """The language of this name; MismatchError if there is none."""
    for language in LANGUAGES:
        if language.name == name:
            return language
    known = ", ".join(language.name for language in LANGUAGES if language.write)
    raise MismatchError(f"there is no language {name!r}", mend=f"Choose one of {known}.")


def language_of(path: Path) -> Language | None:
    """The language that a file's name tells, None if it does not."""
    suffix = path.suffix.lower()
    return next((language for language in LANGUAGES if suffix in language.suffixes), None)


def target_language(path: Path, to: str | None = None) -> Language:
    """The language to write: ``to``, or what the name tells.

    Raises MismatchError where they contradict each other or none is told, and
    UnsupportedError for a language that is only read.
    """
    told = language_of(path)
    language = told if to is None else named(to)
    if language is None:
        endings = [suffix for row in LANGUAGES if row.write for suffix in row.suffixes]
        raise MismatchError(
            f"{path.name} does not tell what to write",
            mend=f"Give to=, or one of the endings {', '.join(endings)}.",
        )
    if told is not None and told is not language:
        raise MismatchError(
            f"the name {path.name} says {told.name}, not {language.name}",
            mend="Change the name, or leave out to=.",
        )
    if language.write is None:
        raise UnsupportedError(f"matbridge reads {language.about}, it does not write one yet")
    return language


# -- what follows ----------------------------------------------------------------------------


def read(path: str | Path, how: Reading | None = None) -> Contents:
    """All networks of a file, and why others could not be read.

    A name that tells no language is taken for a MAT-file. With the address of a network
    only what it needs is decoded. Raises FormatError for a damaged file and UnsupportedError
    for a language that is only written.
    """
    path = Path(path)
    check_readable(path)
    language = language_of(path) or named("mat")
    if language.read is None:
        raise UnsupportedError(
            f"matbridge writes {language.about}, it does not read one yet",
            where=path.name,
            mend="Give the file that it was made from.",
        )
    return language.read(path, how or Reading())


def load(
    path: str | Path,
    network: str | None = None,
    registry: Cards | None = None,
    max_size: int = DEFAULT_LIMIT,
    *,
    allow_external_data: str | Path | None = None,
    activations: str | Sequence[str] = (),
    replace: Mapping[str, Layer] | None = None,
) -> Network:
    """The network in a file that MATLAB saved, that another tool exported, or matbridge wrote.

    ``network`` is the address of one where there are several (``agent.Actor.Model``);
    without it the only trained one is taken. ``registry`` gives cards for layers that
    matbridge does not know; ``max_size`` bounds the bytes that a variable may hold.
    ``allow_external_data`` is the folder in which the data of an ONNX file may stand in files
    of their own; ``activations`` are the functions of plain weights that do not name theirs,
    one for each layer, such as "relu,softmax"; ``replace`` gives layers for the placeholders
    of an ONNX file, by name, such as {"tanh1": tanhLayer()}.

    Raises FormatError (damaged), MismatchError (no or several such networks) and
    UnsupportedError (a kind of network that cannot be read).
    """
    folder = None if allow_external_data is None else Path(allow_external_data)
    how = Reading(
        as_registry(registry), max_size, network, folder, _names_in(activations), replace or {}
    )
    return read(path, how).choose(network)


def _names_in(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names in a text with commas, or one by one."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else (*names,)


def save(
    network: Network,
    path: str | Path,
    to: str | None = None,
    force: bool = False,
    reads: Iterable[Path] = (),
    how: Writing | None = None,
) -> Check:
    """Write the network, load that again and compare; only then is the file there.

    ``to`` names the language where the path does not tell it: "pt2", "onnx", "safetensors".
    ``how`` says what the language leaves open, such as ONNX's opset.
    Raises MismatchError if the file is there already and ``force`` is not given, or if it is
    one of those that the same call ``reads``, or for a choice that the language does not leave;
    UnsupportedError for what cannot be said in the language, and DifferenceError if what was
    written computes something else. Then nothing is left behind.
    """
    from matbridge.verify.loss import measure
    from matbridge.verify.roundtrip import check

    path = Path(path)
    language = target_language(path, to)
    assert language.write is not None
    how = how or Writing()
    _check_choices(language, how)
    with written(path, force, reads) as temporary:
        language.write(network, temporary, how)
        try:
            if not how.exact:
                return measure(network, temporary, language.run, how.data)
            return check(network, temporary, language.run, language.read)
        except MatbridgeError as error:
            raise error.at(path.name) from None


def _check_choices(language: Language, how: Writing) -> None:
    if how.data and how.exact:
        raise MismatchError(
            "data are only used where something is lost", mend="Give half or quantize, or no data."
        )
    for choice in how.chosen:
        if choice not in language.choices:
            others = [row.name for row in LANGUAGES if choice in row.choices]
            raise MismatchError(
                f"{language.about} leaves no choice of {choice}",
                mend=f"Leave it out, or write {' or '.join(others)}.",
            )


def convert(
    source: str | Path,
    target: str | Path,
    *,
    to: str | None = None,
    force: bool = False,
    network: str | None = None,
    registry: Cards | None = None,
    max_size: int = DEFAULT_LIMIT,
    allow_external_data: str | Path | None = None,
    activations: str | Sequence[str] = (),
    opset: int | None = None,
    stateful: bool = False,
    half: bool = False,
    quantize: str = "",
    data: Sequence[object] = (),
) -> Conversion:
    """Load the network of one file and save it as another, checked; see load and Network.save.

    Raises MismatchError if ``target`` is ``source``, whatever ``force`` says.
    """
    language = target_language(Path(target), to)
    source_network = load(
        source,
        network,
        registry,
        max_size,
        allow_external_data=allow_external_data,
        activations=activations,
    )
    how = Writing(opset, stateful, half, quantize, tuple(data))
    check = save(source_network, target, to, force, [Path(source)], how)
    return Conversion(source_network, Path(target), language.name, check)
