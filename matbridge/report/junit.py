"""What was verified as JUnit's XML, which continuous integration reads: a test case for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.report.entry import Entry
from matbridge.report.sentences import diagnosis, divergence
from matbridge.text import visible
from matbridge.verify.verification import Verification
from matbridge.version import VERSION

__all__ = ["check_junit", "write_junit"]

# What the suite and the class of its cases are called; a dot makes a package of what precedes it.
SUITE, CLASS = "matbridge verify", "matbridge.verify"
# The exit codes of what differs, and of what had nothing to be verified against.
DIFFERS, NOTHING = 1, 5
# How a case ends, by the element that says so; of those that pass none does.
FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"


def check_junit(path: Path, reads: Iterable[Path] = ()) -> None:
    """Raise what write_junit raises for this path."""
    if path.suffix.lower() != ".xml":
        raise MismatchError("JUnit is an XML file", where=str(path), mend="End it in .xml.")
    check_target(path, force=True, reads=reads)


def write_junit(entries: Sequence[Entry], path: Path, reads: Iterable[Path] = ()) -> None:
    """Write a test case for each entry: failed where it differs, an error where it could not be
    verified, skipped where there was nothing to verify against.

    An older file is overwritten; ``reads``, the files that the same call reads, never are.
    Raises MismatchError where ``path`` does not end in .xml or cannot be written.
    """
    path, reads = Path(path), list(reads)
    check_junit(path, reads)
    root = _suites(entries)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    with written(path, force=True, reads=reads) as temporary:
        temporary.write_bytes(text)


def _suites(entries: Sequence[Entry]) -> Element:
    """The only suite, with what is counted at both levels."""
    ends = [_end(entry) for entry in entries]
    counts = {
        "tests": str(len(entries)),
        "failures": str(ends.count(FAILURE)),
        "errors": str(ends.count(ERROR)),
        "skipped": str(ends.count(SKIPPED)),
        "time": _seconds(sum(entry.seconds for entry in entries)),
    }
    root = Element("testsuites", {"name": SUITE, **counts})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = SubElement(
        root, "testsuite", {"name": SUITE, "timestamp": now, "hostname": "localhost", **counts}
    )
    properties = SubElement(suite, "properties")
    SubElement(properties, "property", {"name": "matbridge", "value": VERSION})
    for entry, end in zip(entries, ends, strict=True):
        _add_case(suite, entry, end)
    return root


def _end(entry: Entry) -> str:
    """How the case ends, "" where it passes."""
    if entry.code == 0:
        return ""
    if entry.code == DIFFERS:
        return FAILURE
    return SKIPPED if entry.code == NOTHING else ERROR


def _add_case(suite: Element, entry: Entry, end: str) -> None:
    name = _plain(entry.name) or SUITE
    case = SubElement(
        suite,
        "testcase",
        {"classname": CLASS, "name": name, "time": _seconds(entry.seconds)},
    )
    text = "\n".join([_plain(entry.sentence), *_details(entry.verification)])
    if not end:
        SubElement(case, "system-out").text = text
    elif end == SKIPPED:
        SubElement(case, end, {"message": _plain(entry.sentence)})
    else:
        about = {"message": _plain(entry.sentence), "type": entry.verdict}
        SubElement(case, end, about).text = text


def _details(verification: Verification | None) -> Iterator[str]:
    """A line for each output, and what was found about a difference."""
    if verification is None:
        return
    for judgement in verification.outputs:
        yield _plain(f"{judgement.name}: {judgement.verdict}, {judgement.why}")
    yield from map(_plain, verification.notes)
    for finding in (*divergence(verification), *diagnosis(verification)):
        yield _plain(f"{finding.title}: {finding.lead}")
        yield from (f"  {_plain(line)}" for line in finding.lines)


def _plain(text: str) -> str:
    """In one line, without characters that XML does not have."""
    return visible(text)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
