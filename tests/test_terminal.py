"""What reaches a terminal: nothing raw of a file, one message for each mistake, valid JSON."""

import errno
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import saved

import matbridge
from matbridge.cli import COMMANDS, failure, run
from matbridge.cli.terminal import print_json
from matbridge.errors import MatbridgeError
from matbridge.matlab.file.write import write_mat
from matbridge.text import nearest, visible

# An escape sequence, a C1 sequence, a bell, a mark that turns the direction of writing, a zero
# width character, rich's markup and an emoji's name; and a line of its own.
HOSTILE = "a\x1b[2Jb\x9b31mc\a\u202ed\u200be[/]f[bold]g:smile:\nerror: h"
RAW = [c for c in HOSTILE if not c.isprintable() and c != "\n"]


@pytest.fixture
def hostile(in_folder):
    """A network with hostile text wherever it may hold text, and data with the same."""
    layers = [
        saved.feature_input(HOSTILE, 2),
        saved.fully_connected(HOSTILE + "2", np.eye(2), np.zeros((2, 1))),
        saved.softmax(HOSTILE + "3"),
        saved.classification(HOSTILE + "4", HOSTILE, "other"),
    ]
    custom = saved.custom("my" + "Layer", Name=HOSTILE, Text=HOSTILE)
    write_mat(
        "net.mat",
        {
            "net": saved.series_network(*layers),
            "other": saved.series_network(saved.feature_input("in", 2), custom),
        },
    )
    np.save("x.npy", np.ones((3, 2)))
    return "net.mat"


CALLS = [
    ["inspect"],
    ["inspect", "--json"],
    ["convert", "--network", "net", "--force"],
    ["convert", "--network", "net", "--force", "--json"],
    ["convert", "--network", "net", "--force", "--to", "onnx"],
    ["convert", "--network", "other", "--force"],
    ["predict", "--network", "net", "--input", "x.npy"],
    ["predict", "--network", "net", "--input", "x.npy", "--json"],
    ["predict", "--network", "net", "--input", "x.npy", "--classify"],
    ["predict", "--network", "net", "--input", "x.npy", "--classify", "--json"],
    ["verify", "--network", "net", "--input", "x.npy", "--expected", "x.npy"],
    ["verify", "--network", "net", "--input", "x.npy", "--expected", "x.npy", "--json"],
    ["verify", "--network", HOSTILE, "--input", "x.npy", "--expected", "x.npy"],
    ["predict", "--network", "net", "--input", f"{HOSTILE}=x.npy", "--json"],
    ["predict", "--network", "other", "--input", "x.npy"],
]


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_nothing_raw_reaches_a_terminal(hostile, call, arguments):
    command, *options = arguments
    _, out, err = call(command, hostile, *options)
    assert not [c for c in out + err if c in RAW]
    assert "error: h" not in (out + err).splitlines()
    if "--json" in options:
        json.loads(out)


def test_a_scaffold_holds_nothing_raw(hostile, call):
    code, out, _ = call("scaffold", hostile, "myLayer")
    assert code == 0
    assert not [c for c in out if c in RAW]


def test_markup_in_names_is_only_text(hostile, call):
    code, out, _ = call("inspect", hostile)
    assert "[/]f[bold]g:smile:" in out


def test_errors_in_python_hold_nothing_raw(hostile):
    error = MatbridgeError(f"no {HOSTILE}", where=HOSTILE, mend=HOSTILE)
    assert not [c for c in str(error) if c in RAW]
    with pytest.raises(MatbridgeError) as caught:
        matbridge.load(hostile, network=HOSTILE)
    assert not [c for c in str(caught.value) if c in RAW]


def test_visible_and_nearest():
    assert visible("é × 日本 €") == "é × 日本 €"
    assert visible("a\x1b\x9b\u202e\U000e0001\ud800") == r"a\x1b\x9b\u202e\U000e0001\ud800"
    assert visible(visible(HOSTILE)) == visible(HOSTILE)
    assert nearest("xtrain", ["YTrain", "XTrain"]) == "Did you mean 'XTrain'? "
    assert nearest("nothing", ["XTrain"]) == ""


def test_json_holds_no_nan_and_nothing_that_does_not_print(capsys):
    numbers = {"a": np.array([1.0, np.nan]), "b": (np.float32("inf"), {"c": -np.inf})}
    print_json({**numbers, HOSTILE: HOSTILE + "\U000e0001\x7f"})
    out = capsys.readouterr().out

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(out, parse_constant=refuse)
    assert document.pop(HOSTILE) == HOSTILE + "\U000e0001\x7f"
    assert document == {"schema": 1, "a": [1, None], "b": [None, {"c": None}]}
    assert not [c for c in out if not c.isprintable() and c != "\n"]


def test_predict_of_nan_is_valid_json(fixtures, call):
    np.save("x.npy", np.full((4, 5), np.nan))
    code, out, _ = call("predict", fixtures / "lstm_classifier.mat", "--input", "x.npy", "--json")
    assert code == 0
    assert json.loads(out)["classoutput"] == [[None] * 3]


# -- what goes wrong -------------------------------------------------------------------------------

MISTAKES = [
    (["inspect", "missing.mat"], 3),
    (["inspect", "."], 3),
    (["convert", "."], 3),
    (["predict", "NET", "--input", "missing.npy"], 3),
    (["verify", "NET", "--input", "NET:X"], 5),
    (["inspect", "NET", "--cards", "notes.txt"], 2),
    (["inspect", "NET", "--cards", "raises.py"], 2),
    (["inspect", "NET", "--cards", "leaves.py"], 2),
    (["inspect", "NET", "--cards", "missing.py"], 2),
    (["inspect", "NET", "--cards", "."], 2),
    (["inspect", "NET", "--nonsense"], 2),
    (["inspect"], 2),
    (["nonsense"], 2),
]


@pytest.fixture
def mistakes(in_folder, fixtures):
    (in_folder / "notes.txt").write_text("to do: buy milk\n")
    (in_folder / "raises.py").write_text("x = 1\nraise KeyError('gone')\n")
    (in_folder / "leaves.py").write_text("raise SystemExit(1)\n")
    return str(fixtures / "lstm_classifier.mat")


@pytest.mark.parametrize(("arguments", "expected"), MISTAKES, ids=str)
def test_a_mistake_is_one_message(mistakes, call, arguments, expected):
    arguments = [a.replace("NET", mistakes) for a in arguments]
    code, out, err = call(*arguments)
    assert (code, out) == (expected, "")
    assert len(re.findall("^[Ee]rror: ", err, re.MULTILINE)) == 1
    assert "did not expect" not in err
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (expected, "")
    error = json.loads(out)["error"]
    assert set(error) == {"kind", "exit_code", "what", "where", "mend"}
    assert error["exit_code"] == expected
    assert error["what"]


def test_cards_that_do_not_load_name_the_line(mistakes, call):
    assert (
        "raises.py, line 2: this Python file does not load: KeyError"
        in (call("inspect", mistakes, "--cards", "raises.py")[2])
    )
    assert (
        "notes.txt, line 1: this Python file does not load: SyntaxError"
        in (call("inspect", mistakes, "--cards", "notes.txt")[2])
    )


NEEDED = {
    "predict": ["--input", "x"],
    "record": ["--input", "x", "-o", "x.mat"],
    "verify": ["--input", "x"],
    "scaffold": ["class"],
    "repair": ["-o", "x.onnx"],
}
UNEXPECTED = [
    TypeError("x"),
    RecursionError(),
    AssertionError(),
    MemoryError(),
    ValueError(HOSTILE),
]


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"layers"}))
@pytest.mark.parametrize("error", UNEXPECTED, ids=lambda e: type(e).__name__)
def test_the_last_line_of_defence(command, error, fixtures, call, monkeypatch):
    """Whatever a command raises is one message that names the file and never exit code 1."""
    net = str(fixtures / "lstm_classifier.mat")
    module = __import__(COMMANDS[command], fromlist=["command"])

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(module.command, "invoke", fail)
    code, out, err = call(command, net, *NEEDED.get(command, []))
    assert (code, out) == (3, "")
    assert err.startswith("error: ")
    assert not [c for c in err if c in RAW]
    if not isinstance(error, MemoryError):
        assert net in err
        assert "Please report it" in err
    if command != "scaffold":
        out = call(command, net, *NEEDED.get(command, []), "--json")[1]
        assert json.loads(out)["error"]["exit_code"] == 3


def test_a_traceback_on_request(call, monkeypatch, fixtures, capsys):
    monkeypatch.setenv("MATBRIDGE_TRACEBACK", "1")
    assert run(["inspect", "missing.mat"]) == 3
    assert "MissingFileError" in capsys.readouterr().err


def test_a_full_disk_behind_stdout():
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "matbridge", "layers"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert os.strerror(errno.ENOSPC) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(fixtures, in_folder):
    """The file is written all the same."""
    net = str(fixtures / "lstm_classifier.mat")
    arguments = ["convert", net, "-o", "net.safetensors"]
    with subprocess.Popen(
        [sys.executable, "-m", "matbridge", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 0
    assert err == "writing net.safetensors ...\n"
    assert (in_folder / "net.safetensors").stat().st_size


# -- the language of the caller ------------------------------------------------------------------


def test_messages_name_options_on_the_command_line():
    told = 'Say format="CB", network=, registry=[Card] or x=3 and Stride=2; max_size=10.'
    assert failure.in_options(told) == (
        "Say --format CB, --network, --cards FILE.py or x=3 and Stride=2; --max-size 10."
    )


def test_each_option_that_messages_name_is_there():
    options = {
        option
        for module in COMMANDS.values()
        for parameter in __import__(module, fromlist=["command"]).command.params
        for option in parameter.opts
    }
    assert {text.split()[0] for text in failure.OPTIONS.values()} <= options


def test_the_library_speaks_python():
    """No message of the library names an option of the command line."""
    from pathlib import Path

    root = Path(matbridge.__file__).parent
    for path in root.rglob("*.py"):
        if "cli" not in path.relative_to(root).parts:
            for line in path.read_text(encoding="utf-8").splitlines():
                assert not any(f"--{o}" in line for o in ("network", "force", "format", "cards")), (
                    f"{path}: {line}"
                )
