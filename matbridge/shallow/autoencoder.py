"""encode and decode of MATLAB's Autoencoder: from its network to the parts of it.

An Autoencoder holds a network of two layers in a chain, the encoder and the decoder; predict is
the whole of it. Source: MATLAB's recorded codes, which are the outputs of the first layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matbridge.errors import MismatchError
from matbridge.shallow.structure import InputPart, OutputPart, ShallowStructure

__all__ = ["PARTS", "decoder", "encoder", "part_of"]


def encoder(structure: ShallowStructure) -> ShallowStructure:
    """The input with its processing, and the first layer: what encode computes."""
    _check(structure)
    layer = structure.layers[0]
    return ShallowStructure(
        inputs=structure.inputs,
        layers=(layer,),
        outputs=(OutputPart(layer=1, size=layer.size, name="Code"),),
        input_weights={(1, 1): structure.input_weights[1, 1]},
        name=f"{structure.name} encode".strip(),
        version=structure.version,
    )


def decoder(structure: ShallowStructure) -> ShallowStructure:
    """The second layer, and the output with its processing reversed: what decode computes."""
    _check(structure)
    size, output = structure.layers[0].size, structure.outputs[0]
    return ShallowStructure(
        inputs=(InputPart(size=size, processed_size=size, name="Code"),),
        layers=structure.layers[1:],
        outputs=(OutputPart(layer=1, size=output.size, steps=output.steps, name=output.name),),
        input_weights={(1, 1): structure.layer_weights[2, 1]},
        name=f"{structure.name} decode".strip(),
        version=structure.version,
    )


# By the names of MATLAB's functions.
PARTS: Mapping[str, Callable[[ShallowStructure], ShallowStructure]] = {
    "encode": encoder,
    "decode": decoder,
}


def part_of(structure: ShallowStructure, name: str) -> ShallowStructure:
    """The part of an autoencoder's network of this name; MismatchError for any other."""
    if name not in PARTS:
        raise MismatchError(
            f"an autoencoder has no part {name!r}", mend=f"It has {' and '.join(PARTS)}."
        )
    return PARTS[name](structure)


def _check(structure: ShallowStructure) -> None:
    """Refuse all but two layers in a chain, each column of which is a sample of its own."""
    chain = (
        len(structure.inputs) == 1
        and len(structure.layers) == 2
        and [output.layer for output in structure.outputs] == [2]
        and structure.input_weights.keys() == {(1, 1)}
        and structure.layer_weights.keys() == {(2, 1)}
        and structure.is_static
    )
    if not chain:
        raise MismatchError(
            "this network is no autoencoder: that is two layers in a chain, without delays",
            mend="Of a stack of autoencoders, take the network of each.",
        )
