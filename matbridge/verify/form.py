"""The names that a fixture's MAT-file goes by; docs/fixtures.md tells what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "ACTIVATION",
    "FIXTURE",
    "FORM",
    "INPUT",
    "NETWORK",
    "NETWORK_FIELDS",
    "OPTIONS",
    "OUTPUT",
    "STARTS",
    "STATES",
    "VERSION",
    "Identity",
]

FORM, VERSION = "matbridge fixture", 1
# The variables. Those that are numbered have a number behind.
FIXTURE, NETWORK = "fixture", "net"
INPUT, OUTPUT, ACTIVATION = "input", "output", "activation"
STATES = ("initialStates", "finalStates")
STARTS = ("saved", "zero")
# MATLAB's options of predict, and the arguments of Network.predict.
OPTIONS: Mapping[str, str] = {
    "MiniBatchSize": "mini_batch_size",
    "SequenceLength": "sequence_length",
    "SequencePaddingDirection": "padding_direction",
    "SequencePaddingValue": "padding_value",
}
# Variables that are arguments of Network.predict as they are.
DELAYS: Mapping[str, str] = {
    "inputDelays": "initial_input_delays",
    "layerDelays": "initial_layer_delays",
}


@dataclass(frozen=True)
class Identity:
    """The network that a fixture was recorded of, as far as it tells."""

    name: str = ""
    class_name: str = ""
    file: str = ""
    sha256: str = ""
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}:{self.name}" if self.file and self.name else self.file or self.name
        return " ".join(filter(None, (f"a {self.class_name or 'network'}", place)))


# The fields of the struct from which an Identity is read.
NETWORK_FIELDS: Mapping[str, str] = {
    "name": "networkName",
    "class_name": "networkClass",
    "file": "networkFile",
    "sha256": "networkHash",
}
