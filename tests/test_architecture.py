"""The laws of the house, each as a test."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import matbridge
from matbridge.core.card import DOCUMENTATION, EQUATION, EXPORTED, RECORDED
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
    "matlab",
    "torch",
    "safetensors",
    "onnx",
    "predict",
    "verify",
    "languages",
    "inspect",
    "cli",
]


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    relative = path.relative_to(PACKAGE.parent).with_suffix("")
    return ".".join(p for p in relative.parts if p != "__init__")


def imports(node, top_only):
    """Modules that a module imports; only at its top level, or anywhere."""
    found = set()
    bodies = [n for n in node.body if not _is_type_checking(n)] if top_only else ast.walk(node)
    for statement in bodies:
        if isinstance(statement, ast.Import):
            found.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            found.add(statement.module)
    return found


def _is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def room(module):
    return module.split(".")[1] if "." in module else module


def test_rooms_import_from_below():
    for path in MODULES:
        own = room(name_of(path))
        if own not in ROOMS:
            assert own in ("matbridge", "__main__")
            continue
        for module in imports(tree(path), top_only=True):
            if module.startswith("matbridge."):
                other = room(module)
                assert ROOMS.index(other) <= ROOMS.index(own), f"{name_of(path)} imports {module}"


OWNERS = {
    "torch": ("matbridge.torch", "matbridge.predict"),
    "onnx": ("matbridge.onnx",),
    "onnxruntime": ("matbridge.onnx.engine",),
    "matio": ("matbridge.matlab.file",),
    "h5py": ("matbridge.matlab.file",),
    "click": ("matbridge.cli",),
    "rich": ("matbridge.cli",),
    "safetensors": ("matbridge.safetensors",),
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
            heavy = {m.partition(".")[0] for m in imports(tree(path), top_only=True)}
            assert not heavy & {"torch", "onnx"}


def test_order_changes_in_one_place():
    """A value's dimensions are permuted by align; backends only say how."""
    allowed = {
        "dims.py",  # reorder, for NumPy
        "layout.py",  # align
        "arithmetic.py",  # transpose, which is mathematics
        "backend.py",
    }
    for path in MODULES:
        if path.name in allowed:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("permute", "moveaxis", "swapaxes"):
                pytest.fail(f"{path}:{node.lineno} turns dimensions round")


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


def test_no_wildcards_and_no_pickle():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^from \S+ import \*", text, re.MULTILINE), path
        assert not re.search(r"^\s*(import pickle|from pickle)", text, re.MULTILINE), path
        for call in re.findall(r"np\.load\([^)]*\)", text):
            assert "allow_pickle=False" in call, path
        assert "torch.load(" not in text, path


def test_no_chain_over_layer_types():
    """Nobody asks what kind of layer it is, but who reads and writes what is peculiar."""
    for path in MODULES:
        if room(name_of(path)) in ("core", "passes", "torch", "predict", "inspect", "verify"):
            asked = re.findall(r"isinstance\(layer, (\w+)", path.read_text(encoding="utf-8"))
            assert not set(asked) - {"InputLayer", "OutputLayer", "HoldsNetwork"}, path


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


def test_class_names_are_unique():
    names = [name for card in CARDS for name in card.MATLAB]
    assert len(names) == len(set(names))
    assert len(CONSTRUCTORS) == sum(bool(card.BUILDER) for card in CARDS)


def test_the_public_face():
    for name in matbridge.__all__:
        assert getattr(matbridge, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        matbridge.nothing  # noqa: B018


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
