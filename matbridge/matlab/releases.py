"""Which MATLAB release wrote a network, as far as the file tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matbridge.core.network import Network

__all__ = ["Written", "products", "when_written"]

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# What classes come from by their package, where no card tells.
PACKAGES = (
    ("nnet.keras.layer.", "Deep Learning Toolbox Converter for TensorFlow Models"),
    ("nnet.tensorflow.layer.", "Deep Learning Toolbox Converter for TensorFlow Models"),
    ("nnet.onnx.layer.", "Deep Learning Toolbox Converter for ONNX Model Format"),
    ("nnet.pytorch.layer.", "Deep Learning Toolbox Converter for PyTorch Models"),
    ("rl.", "Reinforcement Learning Toolbox"),
    ("nnet.", "Deep Learning Toolbox"),
)
USER = "the user's own class"
# The exporter of ONNX files has versions YY.half.patch: 18.2.5 is of R2018b.
EXPORTER = re.compile(
    r"MATLAB Deep Learning Toolbox Converter .* (?P<version>(?P<year>\d\d)\.(?P<half>[12])\.\d+)"
)


@dataclass(frozen=True)
class Written:
    """The release: ``exact`` where the file names it, else between two, "" for unknown."""

    exact: str = ""
    earliest: str = ""
    latest: str = ""
    because: str = ""

    def __str__(self) -> str:
        if self.exact:
            return f"{self.exact} ({self.because})"
        if self.earliest and self.latest and self.earliest <= self.latest:
            if self.earliest == self.latest:
                return f"{self.earliest} ({self.because}, and the date)"
            return f"{self.earliest} to {self.latest} ({self.because}, and the date)"
        return f"{self.earliest} or later ({self.because})" if self.earliest else "unknown"


def when_written(network: Network) -> Written:
    """The release that wrote the network, from its classes, its handles and the header's date.

    The clock of the machine that wrote it may have been wrong.
    """
    exported = EXPORTER.fullmatch(str(network.provenance.details.get("producer", "")))
    if exported:
        year, half, version = exported["year"], exported["half"], exported["version"]
        return Written(f"R20{year}{'ab'[int(half) - 1]}", because=f"its ONNX exporter, {version}")
    exact = next(_named_releases(_values(network)), "")
    if exact:
        return Written(exact, because="named in a function handle")
    since = [(layer.SINCE, layer.type_name) for layer in network.layers]
    since.append((network.kind.since, network.class_name))
    # Names of releases sort as text: R2019b before R2020a. What is older than all tells nothing.
    named = [pair for pair in since if pair[0].startswith("R")]
    earliest, reason = max(named, default=("", ""))
    return Written(
        "",
        earliest,
        _release_at(str(network.provenance.details.get("created", ""))),
        f"{reason} exists since then" if reason else "",
    )


def _release_at(created: str) -> str:
    """The newest release on a date like "Thu Mar 27 05:53:32 2025": a in March, b in September."""
    date = re.match(r"\w+\s+(\w{3})\s+\d+\s+[\d:]+\s+(\d{4})", created)
    if not date or date.group(1) not in MONTHS:
        return ""
    month, year = MONTHS.index(date.group(1)) + 1, int(date.group(2))
    if month < 3:
        return f"R{year - 1}b"
    return f"R{year}{'a' if month < 9 else 'b'}"


def _values(network: Network) -> Iterator[object]:
    for layer in network.layers:
        yield from layer.extra.values()
        yield from layer.training.values()
        yield from vars(layer).values()


def _named_releases(values: Iterable[object]) -> Iterator[str]:
    """Function handles name the folder of the MATLAB that made them."""
    for value in values:
        raw = getattr(value, "raw", None)
        for part in raw if isinstance(raw, list) else [raw]:
            root = str(part.get("matlabroot", "")) if isinstance(part, dict) else ""
            release = re.search(r"R20\d\d[ab]", root)
            if release:
                yield release.group()


def products(network: Network) -> dict[str, str]:
    """For each class of layer, what MATLAB needs to open it; "" for an operator of ONNX."""
    by_class = {}
    for layer in network.layers:
        name = layer.class_name or layer.MATLAB[0]
        if layer.known:
            by_class[name] = network.kind.product or layer.PRODUCT
        else:
            matches = (product for prefix, product in PACKAGES if name.startswith(prefix))
            by_class[name] = next(matches, "" if "::" in name else USER)
    return by_class
