"""The laws of the house, each as a test."""

import ast
import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import matbridge
from matbridge.core.card import (
    DOCUMENTATION,
    EQUATION,
    EXPORTED,
    RECORDED,
    InputLayer,
    Layer,
    OutputLayer,
)
from matbridge.layers import CARDS
from matbridge.matlab import CONSTRUCTORS

PACKAGE = Path(matbridge.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# The rooms from the ground floor up: each imports only from those before it. What stands
# in a function is a door, opened only when used.
ROOMS = [
    "version",
    "text",
    "errors",
    "files",
    "core",
    "ops",
    "layers",
    "passes",
    "shallow",
    "matlab",
    "torch",
    "safetensors",
    "onnx",
    "predict",
    "verify",
    "languages",
    "inspect",
    "report",
    "cli",
]


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    relative = path.relative_to(PACKAGE.parent).with_suffix("")
    return ".".join(p for p in relative.parts if p != "__init__")


def imports(node):
    """Modules that a module imports when it is loaded: not in functions, nor for types."""
    waiting = [node]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, ast.FunctionDef | ast.Lambda) or _is_type_checking(child):
                continue
            waiting.append(child)
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield child.module


def _is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def room(module):
    return module.split(".")[1] if "." in module else module


def test_what_is_imported_is_seen():
    source = (
        "if x:\n    import a\ntry:\n    from b import c\nfinally:\n    pass\ndef f():\n    import d"
    )
    assert set(imports(ast.parse(source))) == {"a", "b"}


def test_rooms_import_from_below():
    for path in MODULES:
        own = room(name_of(path))
        if own not in ROOMS:
            assert own in ("matbridge", "__main__")
            continue
        for module in imports(tree(path)):
            if module.startswith("matbridge."):
                other = room(module)
                assert ROOMS.index(other) <= ROOMS.index(own), f"{name_of(path)} imports {module}"


OWNERS = {
    "torch": ("matbridge.torch", "matbridge.predict"),
    "onnx": ("matbridge.onnx",),
    "onnxruntime": ("matbridge.onnx.engine", "matbridge.onnx.runtime", "matbridge.onnx.reduced"),
    "matio": ("matbridge.matlab.file",),
    "h5py": ("matbridge.matlab.file",),
    "click": ("matbridge.cli",),
    "rich": ("matbridge.cli",),
    "safetensors": ("matbridge.safetensors",),
    "jinja2": ("matbridge.report",),
    "plotly": ("matbridge.report",),
    "pygraphviz": ("matbridge.report",),
}


def test_each_library_has_its_room():
    for path in MODULES:
        node = tree(path)
        checked = [n for n in ast.walk(node) if _is_type_checking(n)]
        skipped = {id(inner) for n in checked for inner in ast.walk(n)}
        for statement in ast.walk(node):
            if id(statement) in skipped or not isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            names = (
                [alias.name for alias in statement.names]
                if isinstance(statement, ast.Import)
                else [statement.module or ""]
            )
            for library in {name.partition(".")[0] for name in names} & set(OWNERS):
                owner = name_of(path)
                assert owner.startswith(OWNERS[library]), f"{owner} imports {library}"


def loaded_after(code):
    """Which heavy modules a fresh interpreter has after some code."""
    program = f"import sys\n{code}\nprint([m for m in ('torch', 'onnx') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_import_and_inspect_load_neither_torch_nor_onnx(fixtures):
    assert loaded_after("import matbridge; matbridge.load") == "[]"
    inspect = f"from matbridge.cli import run\nrun(['inspect', {str(fixtures / 'cnn.mat')!r}])"
    assert loaded_after(inspect) == "[]"
    reading = f"import matbridge; matbridge.load({str(fixtures / 'dag.mat')!r})"
    assert loaded_after(reading) == "[]"


def test_cards_and_ops_import_neither_torch_nor_onnx():
    for path in MODULES:
        if room(name_of(path)) in ("core", "ops", "layers", "passes"):
            heavy = {m.partition(".")[0] for m in imports(tree(path))}
            assert not heavy & {"torch", "onnx"}


# Whatever turns dimensions round, in NumPy and in torch.
TURNS = {
    *("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "rollaxis"),
    *("einsum", "T", "mT", "H", "mH", "t", "adjoint"),
}
# Where that may be, and why. Each entry must still be needed.
TURNING = {
    ("core.dims", "reorder"): "NumPy arrays by label",
    ("ops.layout", "align"): "values by label",
    ("ops.arithmetic", "transpose"): "the word for a matrix of weights, which is mathematics",
    ("ops.words", "ArrayOps"): "names that word",
    ("layers.recurrent", "weights"): "speaks that word",
    ("torch.backend", "permute"): "a backend's primitive",
    ("onnx.backend", "permute"): "a backend's primitive",
    ("ops.constants", "permute"): "a backend's primitive",
    ("ops.arrays", "permute"): "a backend's primitive",
    ("ops.arrays", "linear"): "W' of data·W'",
    ("ops.arrays", "_samples_by"): "p'·W' as W·p",
    ("onnx.backend", "linear"): "W' of data·W'",
    ("onnx.backend", "attend"): "K' of Q·K'",
    ("onnx.backend", "recur"): "ONNX's own order of recurrent results",
    ("onnx.patterns.layout", ""): "a node of a file, which becomes other labels",
    ("onnx.entering", "_moved"): "a node of a file, which becomes other labels",
    ("torch.backend", "_attention"): "K' of Q·K'",
    ("torch.recurrence", "_in_place_weights"): "R' of h·R'",
    ("torch.recurrence", "_lstm_step"): "R' of h·R'",
    ("torch.recurrence", "_gru_step_before"): "R' of h·R'",
    ("torch.operators.shape", "transpose"): "an operator of ONNX as it stands",
    ("torch.operators.shape", "depth_to_space"): "an operator of ONNX as it stands",
    ("torch.operators.shape", "space_to_depth"): "an operator of ONNX as it stands",
    ("torch.operators.shape", ""): "an operator of ONNX as it stands",
    ("torch.operators.matrix", "gemm"): "an operator of ONNX as it stands",
    ("torch.operators.matrix", "einsum"): "an operator of ONNX as it stands",
    ("torch.operators.matrix", ""): "an operator of ONNX as it stands",
    ("torch.operators.attention", "_heads"): "an operator of ONNX as it stands",
    ("torch.operators.attention", "attention"): "an operator of ONNX as it stands",
    ("torch.operators.attention", "rotary_embedding"): "an operator of ONNX as it stands",
    ("torch.operators.recurrent", "recur"): "an operator of ONNX as it stands",
    ("torch.operators.recurrent", "_state"): "an operator of ONNX as it stands",
    ("torch.operators.resize", "_along"): "an operator of ONNX as it stands",
    ("layers.dense", "upgrade"): "a matrix that MATLAB saved transposed",
    ("layers.dense", "shaped"): "and back",
    ("core.kinds", "write"): "a matrix that MATLAB saved transposed",
    ("matlab.file.matio", "read_struct"): "the order in which the file lists elements",
    ("matlab.file.matio", "read_cell"): "the order in which the file lists elements",
}


def places(path):
    """Each node of a file and the function or class that it stands in."""

    def walk(node, owner):
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.ClassDef)
            yield child, owner
            yield from walk(child, child.name if named else owner)

    yield from walk(tree(path), "")


def turns(node):
    if isinstance(node, ast.Constant):
        return node.value in ("Transpose", "Einsum")
    return isinstance(node, ast.Attribute) and node.attr in TURNS


def test_order_changes_in_one_place():
    """A value's dimensions are permuted by align; backends only say how."""
    found = {}
    for path in MODULES:
        for node, owner in places(path):
            if turns(node):
                place = (name_of(path).partition(".")[2], owner)
                found.setdefault(place, f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert not {where: found[where] for where in found.keys() - TURNING.keys()}
    assert not TURNING.keys() - found.keys(), "no longer needed"


def test_the_order_of_labels_is_said_once():
    """Nobody sorts labels by an order of its own: core/dims.py has those that there are."""
    for path in MODULES:
        if name_of(path) == "matbridge.core.dims":
            continue
        for node, _ in places(path):
            sorts = isinstance(node, ast.keyword) and node.arg == "key"
            assert not (sorts and ".index" in ast.unparse(node.value)), f"{path}:{node.lineno}"
            literal = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Constant)
            assert not (literal and node.attr in ("index", "find")), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    "line",
    [
        *("y = x.T", "y = x.mT", "y = x.t()", "y = x.movedim(0, 1)", "y = np.swapaxes(x, 0, 1)"),
        *("y = torch.einsum('ij->ji', x)", "y = x.transpose(1, 0)", "y = np.rollaxis(x, 1)"),
    ],
)
def test_every_spelling_of_a_turn_is_seen(line):
    assert any(map(turns, ast.walk(ast.parse(line))))


def test_files_and_functions_are_small():
    for path in MODULES:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, f"{path.name} has {len(lines)} lines"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                body = (
                    node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                )
                length = node.end_lineno - body[0].lineno + 1
                assert length <= 40, f"{path.name}:{node.name} has {length} lines"


# What runs what it reads.
EXECUTING = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}


def test_types_and_names_say_what_they_are():
    """``Any`` at most 1.5 in 100 lines; names that say nothing at most one in a hundred."""
    vague = {"found", "one", "made", "given", "each"}
    texts = [path.read_text(encoding="utf-8") for path in MODULES]
    lines = sum(text.count("\n") for text in texts)
    assert sum(len(re.findall(r"\bAny\b", text)) for text in texts) <= 0.015 * lines
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    names = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    names += [n.arg for n in nodes if isinstance(n, ast.arg)]
    assert sum(name in vague for name in names) <= 0.01 * len(names)


def test_no_wildcards_and_no_pickle():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert not EXECUTING & {a.name.partition(".")[0] for a in node.names}, path
            if isinstance(node, ast.ImportFrom):
                assert [a.name for a in node.names] != ["*"], path
                assert (node.module or "").partition(".")[0] not in EXECUTING, path
        for call in re.findall(r"np\.load\([^)]*\)", text):
            assert "allow_pickle=False" in call, path
        assert "torch.load(" not in text, path


# What a module keeps beyond a call, and why that is bounded. Each entry must still be needed.
KEPT = {
    ("files", "_workplaces"): "the folders being written, for a handler of signals",
    ("core.card", "EXAMPLE"): "a default: nobody writes it",
    ("core.card", "ONLY"): "a default: nobody writes it",
    ("core.card", "properties"): "what a class declares, once for each card",
    ("matlab.constructors", "_constructor"): "a function for each card",
}


def keeps(node):
    """The name that outlives a call: an empty container of a module, a cache, a global."""
    value = getattr(node, "value", None)
    empty = isinstance(value, ast.Dict | ast.List) and not ast.unparse(value)[1:-1]
    called = isinstance(value, ast.Call) and not value.args and not value.keywords
    made = called and ast.unparse(value.func).rpartition(".")[2] in (
        *("dict", "list", "set", "defaultdict", "OrderedDict", "WeakKeyDictionary"),
        *("WeakValueDictionary", "deque", "Counter"),
    )
    if isinstance(node, ast.Assign | ast.AnnAssign) and (empty or made):
        return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    if isinstance(node, ast.Global):
        return node.names[0]
    for decorator in getattr(node, "decorator_list", ()):
        if re.search(r"\b(lru_)?cache\b", ast.unparse(decorator)):
            return node.name
    return None


def kept(module):
    """Whatever :func:`keeps` sees at the top of a module, in its classes, or by ``global``."""
    waiting = [(module, True)]
    while waiting:
        parent, top = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            waiting.append((node, top and not isinstance(node, ast.FunctionDef | ast.Lambda)))
            if (top or not isinstance(node, ast.Assign | ast.AnnAssign)) and keeps(node):
                yield keeps(node)


def test_modules_keep_nothing():
    """What is prepared from a network belongs to a session."""
    found = {(name_of(p).partition(".")[2], name) for p in MODULES for name in kept(tree(p))}
    assert not found - KEPT.keys()
    assert not KEPT.keys() - found, "no longer needed"


@pytest.mark.parametrize(
    "source",
    [
        *("CACHE = {}", "CACHE: dict = dict()", "CACHE = weakref.WeakKeyDictionary()"),
        *("@lru_cache(8)\ndef f(x): ...", "def f():\n    global CACHE\n    CACHE = 1"),
        "class A:\n    CACHE = []",
    ],
)
def test_whatever_is_kept_is_seen(source):
    assert list(kept(ast.parse(source))) in (["CACHE"], ["f"])
    assert not list(kept(ast.parse("TABLE = {1: 2}\ndef f():\n    found = {}")))


# Rooms that know particular cards: they are the cards, or read and write what is peculiar.
PECULIAR = ("layers", "matlab", "safetensors")
# What goes wrong with a kind of layer is peculiar to it.
SUSPICIOUS = "matbridge.verify.suspects"


def peculiar_names():
    """Attributes that only some cards have, and the texts by which MATLAB names cards."""
    every = {f.name for f in dataclasses.fields(Layer)} | set(dir(Layer))
    own = {n for card in CARDS for n in (*dir(card), *(f.name for f in dataclasses.fields(card)))}
    words = (text for card in CARDS for text in (*card.MATLAB, card.BUILDER))
    # The functions of shallow networks have plain words for names, such as softmax.
    texts = {text for text in words if text != text.lower()}
    return {name for name in own - every if not name.startswith("_")}, texts


def names_a_card(node, module):
    """Whether a card, or a family of them, is named in there."""
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    kinds = (getattr(module, name, None) for name in names)
    return any(
        isinstance(kind, type) and issubclass(kind, Layer) and room(kind.__module__) == "layers"
        for kind in kinds
    )


# By what a card could be told by its name.
NAMING = {"__name__", "__qualname__", "type_name", "class_name", "BUILDER", "NICKNAME", "MATLAB"}


def compares_a_name(node):
    """Whether the name of a kind of layer is compared with a text."""
    inner = list(ast.walk(node))
    texts = any(isinstance(n, ast.Constant) and n.value and type(n.value) is str for n in inner)
    return texts and any(isinstance(n, ast.Attribute) and n.attr in NAMING for n in inner)


def asks_for_kind(node, module, attributes, texts):
    """Whether this asks what kind of layer something is, however it asks."""
    if isinstance(node, ast.Constant):
        return node.value in texts
    if isinstance(node, ast.Compare | ast.MatchClass):
        return names_a_card(node, module) or compares_a_name(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("startswith", "endswith", "find") and compares_a_name(node)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    if node.func.id in ("hasattr", "getattr"):
        name = node.args[1]
        return isinstance(name, ast.Constant) and name.value in attributes
    return node.func.id in ("isinstance", "issubclass") and names_a_card(node.args[1], module)


def test_no_chain_over_layer_types():
    """Nobody asks what kind of layer it is: not by class, by what it has, nor by its text."""
    attributes, texts = peculiar_names()
    for path in MODULES:
        name = name_of(path)
        if room(name) in PECULIAR or path.name == "__main__.py" or name.startswith(SUSPICIOUS):
            continue
        module = importlib.import_module(name)
        for node, owner in places(path):
            if (name, owner) == ("matbridge.core.declare", "settle_ranks"):
                continue  # makes the cards
            assert not asks_for_kind(node, module, attributes, texts), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    "line",
    [
        "hasattr(layer, 'keeps_spatial')",
        "getattr(layer, 'function', None)",
        "layer.class_name == 'nnet.cnn.layer.LSTMLayer'",
        "BUILDERS['lstmLayer']",
        "isinstance(x, (int, LSTM))",
        "issubclass(type(layer), LSTM)",
        "type(layer) is LSTM",
        "type(layer) in (LSTM, GRU)",
        "layer.type_name == 'LSTMLayer'",
        "type(layer).__name__ in ('LSTM', 'GRU')",
        "layer.MATLAB[0].endswith('LSTMLayer')",
        "match layer:\n    case LSTM():\n        pass",
    ],
)
def test_every_way_to_ask_is_seen(line):
    module = importlib.import_module("matbridge.layers")
    asked = peculiar_names()
    assert any(asks_for_kind(node, module, *asked) for node in ast.walk(ast.parse(line)))


# Files that still import each other in a circle; shrinks to nothing.
CIRCLES: set[frozenset[str]] = set()


def circles(arrows):
    """The sets of files that reach each other."""

    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            for other in arrows[waiting.pop()] - seen:
                seen.add(other)
                waiting.append(other)
        return seen

    beyond = {name: reached(name) for name in arrows}
    return {
        frozenset(o for o in beyond[name] if name in beyond[o])
        for name in arrows
        if name in beyond[name]
    }


def import_graph():
    """The files that each file imports at its top or for types; doors in functions are not
    counted."""
    names = {name_of(path): path for path in MODULES}
    arrows = {}
    for name, path in names.items():
        arrows[name] = set(imported(path, names)) - {name}
    return arrows


def imported(path, names):
    """The project's files that a file imports outside functions; a package's name counts as
    the file of the name imported from it, where there is one."""
    waiting = [tree(path)]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                continue
            waiting.append(node)
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in names)
            elif isinstance(node, ast.ImportFrom) and node.module in names:
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (name if name in names else node.module for name in whole)


def test_no_circle_of_files():
    """Not even by imports for types alone."""
    assert circles(import_graph()) == CIRCLES


def test_a_circle_is_seen():
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert circles(arrows) == {frozenset("abc")}


def test_public_names_are_listed_and_documented():
    for path in MODULES:
        if path.name == "__main__.py":
            continue
        node = tree(path)
        assert ast.get_docstring(node), f"{path} has no docstring"
        listed = next(
            (
                ast.literal_eval(s.value)
                for s in node.body
                if isinstance(s, ast.Assign) and getattr(s.targets[0], "id", "") == "__all__"
            ),
            None,
        )
        definitions = {
            s.name: s for s in node.body if isinstance(s, ast.FunctionDef | ast.ClassDef)
        }
        public = [name for name in definitions if not name.startswith("_")]
        assert listed is not None or not public, f"{path} has no __all__"
        for name in listed or ():
            if name in definitions:
                assert ast.get_docstring(definitions[name]), f"{path.name}: {name}"


def test_every_card_is_complete():
    for card in CARDS:
        assert card.MATLAB, card
        assert card.__doc__, card
        assert card.EVIDENCE in (RECORDED, EXPORTED, DOCUMENTATION, EQUATION)
        assert (
            "forward" in vars(card)
            or card.IS_OUTPUT
            or any("forward" in vars(base) for base in card.__mro__[1:-2])
        ), card
        dims = {a.name: a for a in card.ARRAYS}
        assert len(dims) == len(card.ARRAYS)


def depth(card):
    """How many cards stand between this one and Layer."""
    above = [depth(base) + 1 for base in card.__bases__ if issubclass(base, Layer)]
    return max(above, default=-1)


def test_cards_inherit_at_most_two_deep():
    own = (InputLayer, OutputLayer)
    deep = [c for c in CARDS if depth(c) - issubclass(c, own) > 2]
    assert not deep


def test_class_names_are_unique():
    names = [name for card in CARDS for name in card.MATLAB]
    assert len(names) == len(set(names))
    assert len(CONSTRUCTORS) == sum(bool(card.BUILDER) for card in CARDS)


def test_the_public_face():
    for name in matbridge.__all__:
        assert getattr(matbridge, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        matbridge.nothing  # noqa: B018


def test_every_file_is_told_in_the_plan_of_the_house():
    """Each file by name; those of the families of cards and of the commands by their kind."""
    from matbridge.cli import COMMANDS

    told = (PACKAGE.parent / "docs/architecture.md").read_text(encoding="utf-8")
    commands = {command.replace("-", "_") for command in COMMANDS}
    for path in MODULES:
        own = path.stem in commands or path.stem.startswith("__")
        if not own and room(name_of(path)) != "layers":
            assert re.search(rf"\b{path.stem}\b", told), path


def test_what_the_plan_of_the_house_names_is_there():
    """Every path that its table of places gives."""
    told = (PACKAGE.parent / "docs/architecture.md").read_text(encoding="utf-8")
    places = told.partition("### Where does it live?")[2].partition("Not there yet")[0]
    paths = {path for path in re.findall(r"`([\w/]+\.py|[\w/]+/)`", places) if "FAMILY" not in path}
    assert len(paths) > 20
    absent = [p for p in paths if not any((r / p).exists() for r in (PACKAGE, PACKAGE.parent))]
    assert not absent


def test_every_command_is_in_the_readme():
    from matbridge.cli import COMMANDS

    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"matbridge {command}" in readme, command


@pytest.mark.parametrize(
    "path", sorted((PACKAGE.parent / "docs").glob("*.md")), ids=lambda p: p.name
)
def test_links_in_the_docs_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name}: {target}"
