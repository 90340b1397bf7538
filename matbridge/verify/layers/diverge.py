"""Where two computations part: the layers that are wrong although what enters them is right.

Each recorded layer is run on what MATLAB recorded before it: what is wrong then is its own doing.
Where layers between were not recorded, they are judged together.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.text import listed
from matbridge.verify.case import Case
from matbridge.verify.judgement import NOT_VERIFIED, PASSES, Judgement
from matbridge.verify.layers.judging import Record, judged
from matbridge.verify.layers.walk import sources_of
from matbridge.verify.verification import Divergence

__all__ = ["diverge"]

# In so many parts the network is divided by the layers to begin with.
PARTS = 4
# So many layers are named in a line.
NAMED = 5
KIT = "'matbridge matlab-kit DIR' writes the function"


def diverge(case: Case) -> Divergence:
    """The layers that fail on what was recorded before them, and what to record to know more.

    Raises what Network.predict raises.
    """
    record = Record.of(case)
    network = case.network
    if not record.keys:
        return Divergence(advice=_what_to_record(network))
    known: set[Port] = set()
    failing: dict[tuple[str, ...], Judgement] = {}
    for port, judgement in judged(case, record, fed=True):
        if judgement.verdict == NOT_VERIFIED:
            continue
        if judgement.verdict not in PASSES:
            group = _behind(network, port, known)
            failing[group] = _worse(failing.get(group), judgement)
        known.add(port)
    layers = tuple(_told(judgement, group) for group, judgement in failing.items())
    return Divergence(layers, _what_more(failing), tuple(failing), _sentence(layers, failing))


def _sentence(layers: Sequence[Judgement], groups: Iterable[Sequence[str]]) -> str:
    """Where the two part, in a line."""
    if not layers:
        return "each layer gives what was recorded when it is fed with what was recorded before it"
    which = listed([_named(group) for group in groups], NAMED)
    return f"the difference begins in {which}: what enters is right, what leaves is not"


def _named(group: Sequence[str]) -> str:
    """A layer, or the first and the last of several that are judged together."""
    return group[0] if len(group) == 1 else f"{group[0]} to {group[-1]}"


def _behind(network: Network, port: Port, known: Collection[Port]) -> tuple[str, ...]:
    """The layer of a port, after those before it up to the nearest that are known."""
    group, open_ends = {port.layer}, [port.layer]
    while open_ends:
        sources = sources_of(network, network[open_ends.pop()]).values()
        fresh = {p.layer for p in sources if p is not None and p not in known} - group
        group |= fresh
        open_ends += fresh
    return tuple(layer.name for layer in network.order() if layer.name in group)


def _worse(first: Judgement | None, other: Judgement) -> Judgement:
    """Of several outputs of a layer the one that is further off."""
    return first if first is not None and first.used >= other.used else other


def _told(judgement: Judgement, group: Sequence[str]) -> Judgement:
    """With a word on the layers that are judged together with it."""
    if len(group) == 1:
        return judgement
    said = f"together with {listed(group[:-1])}, of which nothing was recorded"
    return dataclasses.replace(judgement, note="; ".join(filter(None, (judgement.note, said))))


# -- what to record ----------------------------------------------------------------------------


def _what_to_record(network: Network) -> str:
    """How to record all layers, and which to begin with where they are many."""
    few = _first_few(network, [layer.name for layer in network.order()])
    begin = f", or to begin with {_command(few)}" if few else ""
    return f"To know the layer, record what each gives: in MATLAB {_command()}{begin} ({KIT})."


def _what_more(groups: Iterable[Sequence[str]]) -> str:
    """Which layers to record to know which of several judged together it is."""
    inner = list(dict.fromkeys(name for group in groups for name in group[:-1]))
    if not inner:
        return ""
    return f"To know which of them it is, record them too: in MATLAB {_command(inner)}."


def _command(layers: Sequence[str] = ()) -> str:
    """The call that records these layers, or all."""
    which = f", 'Activations', {_cell(layers)}" if layers else ""
    return f"matbridgeRecord(net, X, 'ref.mat'{which})"


def _cell(names: Iterable[str]) -> str:
    return "{" + ", ".join("'" + name.replace("'", "''") + "'" for name in names) + "}"


def _first_few(network: Network, order: Sequence[str]) -> list[str]:
    """Layers that divide the network in parts of about as many, if possible where all data pass
    through one; none where the layers are few."""
    if len(order) <= 2 * PARTS:
        return []
    narrow = _narrow(network) or list(order)
    place = {name: i for i, name in enumerate(order)}
    wanted = [len(order) * part // PARTS for part in range(1, PARTS)]
    return list(dict.fromkeys(min(narrow, key=lambda n: abs(place[n] - at)) for at in wanted))


def _narrow(network: Network) -> list[str]:
    """The layers behind which nothing else flows: what follows depends on what they give alone."""
    readers = Counter(
        port for layer in network.layers for port in sources_of(network, layer).values()
    )
    narrow, flowing = [], Counter[Port | None]({None: readers[None]})
    for layer in network.order():
        flowing -= Counter(sources_of(network, layer).values())
        ports = {Port(layer.name, name) for name in layer.outputs}
        flowing += Counter({port: readers[port] for port in ports})
        if flowing and set(flowing) <= ports:
            narrow.append(layer.name)
    return narrow
