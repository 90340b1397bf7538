"""Constructors have real signatures: in an editor, in help() and at run time."""

import ast
import inspect
import pydoc

import make_docs
import pytest
from examples import EXAMPLES

from matbridge import matlab
from matbridge.core.card import Layer
from matbridge.matlab import CONSTRUCTORS
from matbridge.matlab.signatures import signature, stub
from matbridge.ops import WORDS
from matbridge.ops.elementwise import BINARY, UNARY

each = pytest.mark.parametrize("name", sorted(CONSTRUCTORS))


@each
def test_a_constructor_shows_its_arguments(name):
    constructor = getattr(matlab, name)
    assert constructor is getattr(matlab, name)
    assert constructor.__name__ == name
    found = inspect.signature(constructor)
    assert found == signature(CONSTRUCTORS[name])
    shown = pydoc.render_doc(constructor, renderer=pydoc.plaintext)
    for parameter in found.parameters.values():
        assert parameter.name in shown


@each
def test_defaults_in_a_signature_are_what_the_constructor_takes(name):
    card = CONSTRUCTORS[name]
    for known in card.properties().values():
        if not known.required and known.default is not None:
            known.kind(known.default)


def test_an_editor_completes_lstm_layer():
    text = str(inspect.signature(matlab.lstmLayer))
    assert text.startswith("(numHiddenUnits: int, /, *, OutputMode: Literal['sequence', 'last'] =")
    assert "InputWeights: ArrayLike | None = None" in text
    assert "Name: str = ''" in text


def test_every_call_of_the_examples_fits_its_signature():
    for example in EXAMPLES:
        found = inspect.signature(getattr(matlab, example.builder))
        named = dict(example.named)
        # MATLAB takes positional arguments by position alone; here their names do as well.
        for known in CONSTRUCTORS[example.builder].properties().values():
            if known.arg is not None and known.name in named:
                del named[known.name]
        found.bind_partial(*example.positional, **named)


def test_the_stub_is_current():
    """python scripts/make_docs.py writes it."""
    assert make_docs.STUB.read_text(encoding="utf-8") == stub(CONSTRUCTORS.items())


def test_the_stub_is_python_and_names_every_constructor():
    tree = ast.parse(make_docs.STUB.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    plain = {name for name in CONSTRUCTORS if name.isidentifier()}
    assert set(functions) == {"construct", *plain}
    for name in plain:
        card = CONSTRUCTORS[name]
        arguments = functions[name].args
        listed = [arguments.vararg] if arguments.vararg else []
        names = [a.arg for a in (*arguments.posonlyargs, *listed, *arguments.kwonlyargs)]
        assert names == list(signature(card).parameters)
        assert issubclass(card, Layer)


def test_the_page_of_words_is_current_and_whole():
    """python scripts/make_docs.py writes it."""
    page = make_docs.WORDS_PAGE.read_text(encoding="utf-8")
    assert page == make_docs.words()
    for name in WORDS:
        assert f"`ops.{name}(" in page
    for name in (*UNARY, *BINARY):
        assert f"`{name}`" in page
