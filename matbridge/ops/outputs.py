"""The outputs of a network in the layout of modules and of what is written: batch first."""

from __future__ import annotations

from matbridge.core.classes import NetworkClass
from matbridge.core.dims import batch_first
from matbridge.ops.layout import Value
from matbridge.ops.words import Ops

__all__ = ["network_output"]


def network_output(ops: Ops, value: Value, kind: NetworkClass) -> Value:
    """An output batch first; one value per class is N×K in classes before dlnetwork.

    Those carry spatial dimensions of size 1 through their fully connected layers, and leave
    them out of what predict returns.
    """
    sizes = ops.spatial(value)
    # A size that only the data tell stays.
    single = all(isinstance(n, int) and n == 1 for n in sizes)
    if sizes and single and not kind.formatted and set(value.dims) <= set("SCB"):
        value = ops.drop(value, "S")
    return ops.align(value, batch_first(value.dims))
