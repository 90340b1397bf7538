"""The families of layers, as a picture colours them."""

from __future__ import annotations

from matbridge.core.card import Layer

__all__ = ["FAMILIES", "family"]

# For each file of cards in layers/ the family that its layers are shown as.
FAMILIES = {
    "input": "ends",
    "output": "ends",
    "convolution": "windows",
    "transposed": "windows",
    "dense": "dense",
    "weighting": "dense",
    "embedding": "dense",
    "learner": "dense",
    "recurrent": "recurrent",
    "delays": "recurrent",
    "feedback": "recurrent",
    "attention": "attention",
    "normalization": "normalization",
    "regularization": "normalization",
    "processing": "normalization",
    "activation": "activation",
    "transfer": "activation",
    "pooling": "pooling",
    "global_pooling": "pooling",
    "resize": "pooling",
    "combination": "combination",
    "shape": "combination",
    "folding": "combination",
    "inverse": "combination",
    "complex": "other",
    "detection": "other",
    "function": "other",
    "imported": "other",
    "nested": "other",
    "operator": "other",
    "reinforcement": "other",
    "signal": "other",
}


def family(layer: Layer) -> str:
    """The family of a layer; cards of the user's and layers nobody knows are of "other"."""
    module = type(layer).__module__
    known = module.startswith("matbridge.layers.")
    return FAMILIES.get(module.rpartition(".")[2], "other") if known else "other"
