"""Write what follows from declarations: docs/layers.md from the cards, docs/words.md from the
words of ops, the stub of MATLAB's constructors for editors: python scripts/make_docs.py"""

import collections
import inspect
from pathlib import Path

from matbridge.layers import CARDS
from matbridge.layers.catalogue import catalogue
from matbridge.matlab import CONSTRUCTORS
from matbridge.matlab.signatures import stub
from matbridge.ops import WORDS, Ops
from matbridge.ops import words as words_module
from matbridge.ops.elementwise import BINARY, UNARY

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "layers.md"
WORDS_PAGE = ROOT / "docs" / "words.md"
STUB = ROOT / "matbridge" / "matlab" / "__init__.pyi"

WORDS_HEAD = """# The words of a card

Generated from `matbridge/ops/` by `python scripts/make_docs.py`. In a card,
`forward(self, ops, p, x)` says what is computed by these, such as `ops.add(x, y)`. A value carries
the labels of its dimensions, `x.dims`; dimensions that a word does not name ride along.
"""

HEAD = """# Layers

Generated from the cards in `matbridge/layers/` by `python scripts/make_docs.py`; `matbridge
layers` prints the same table. A format names the dimensions of the data as MATLAB does: S
space, C channel, B batch, T time.

Evidence, the strongest first:

- **MATLAB's numbers**: outputs, labels or losses that MATLAB recorded are met, or a trained
  network and its data leave no other reading.
- **ONNX parity**: a model that MATLAB itself exported to ONNX computes the same.
- **documentation**: the equation is MATLAB's documentation's.
- **equation only**: the documentation leaves something open; what was assumed is said under
  the layer.

Every layer that runs is compared with a reference in NumPy (float64, to 1e-12), with ONNX
Runtime on the written model, with difference quotients of its gradient, and through an
object saved under MATLAB's property names: see `tests/examples.py`.
"""


def table():
    """The rows that matbridge layers prints."""
    lines = ["| layer | since | formats | evidence |", "| --- | --- | --- | --- |"]
    for row in catalogue():
        why = f"not {'run' if row['read'] else 'read'}: {row['reason']}"
        cells = row["since"], row["formats"], row["evidence"] or why
        lines.append(f"| `{row['constructor']}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def details():
    """What each family shares, and what each card says of itself."""
    families, parts = collections.defaultdict(list), []
    for card in CARDS:
        families[card.__module__].append(card)
    for module, cards in families.items():
        parts += [
            f"### {module.rpartition('.')[2].replace('_', ' ').capitalize()}\n",
            *family(module, cards),
        ]
        for card in cards:
            parts.append(f"#### {card.BUILDER or card.MATLAB[0]}\n")
            parts.append(" and ".join(f"`{name}`" for name in card.MATLAB) + f" ({card.PRODUCT})\n")
            parts.append(inspect.cleandoc(card.__doc__) + "\n")
            if card.ARRAYS:
                arrays = ", ".join(
                    f"{a.name} ({a.shown})" for a in card.ARRAYS if a.role != "state"
                )
                parts.append(f"Arrays: {arrays}.\n")
    return "\n".join(parts)


def family(module, cards):
    """The text of the file, then that of the classes that its cards are made from."""
    yield inspect.cleandoc(inspect.getmodule(cards[0]).__doc__) + "\n"
    shared = dict.fromkeys(base for card in cards for base in reversed(card.__mro__))
    for base in shared:
        if base.__module__ == module and base not in CARDS:
            heirs = [card.BUILDER for card in cards if issubclass(card, base)]
            whose = "" if len(heirs) == len(cards) else f"*{', '.join(heirs)}*: "
            yield whose + inspect.cleandoc(base.__doc__) + "\n"


def page():
    """The whole page."""
    return f"{HEAD}\n{table()}\n\n## What each computes\n\n{details()}"


def words():
    """The page of the words that cards speak, by the file that they stand in."""
    parts, last = [WORDS_HEAD], None
    for name in WORDS:
        word = getattr(Ops, name)
        module = inspect.getmodule(inspect.unwrap(word))
        if module is not last:
            kind = "Made of other words" if module is words_module else inspect.getdoc(module)
            parts.append(f"## {kind.splitlines()[0].rstrip('.')}\n")
            last = module
        parts.append(f"`ops.{name}{arguments_of(word)}`\n{inspect.getdoc(word)}\n")
    parts.append("## Element-wise functions\n")
    parts.append(f"`ops.map(name, x)`: {', '.join(map(shown, UNARY.values()))}.\n")
    parts.append(f"`ops.binary(name, x, y)`: {', '.join(f'`{name}`' for name in BINARY)}.\n")
    return "\n".join(parts)


def arguments_of(word):
    """What a card gives: everything but the backend or self, without types."""
    _, *parameters = inspect.signature(word).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return inspect.Signature(plain)


def shown(function):
    options = [*function.needs, *(f"{option}=..." for option in function.may)]
    return f"`{function.name}`" + (f" ({', '.join(options)})" if options else "")


def write():
    """Everything, each file where it belongs."""
    for path, text in (
        (PAGE, page()),
        (WORDS_PAGE, words()),
        (STUB, stub(CONSTRUCTORS.items())),
    ):
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    write()
