"""Files: what is written is whole or not there, what is read is never written over."""

import os
import signal
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

import matbridge
from matbridge.cli import run
from matbridge.errors import MismatchError
from matbridge.files import written

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
PYTHON = (sys.executable, "-m", "matbridge")


@pytest.fixture
def net(fixtures, in_folder):
    path = in_folder / "net.mat"
    path.write_bytes((fixtures / "lstm_classifier.mat").read_bytes())
    return path


def started(*arguments, **options):
    return subprocess.Popen(
        [*PYTHON, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# -- what is read is not written over ------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["net.mat", "./net.mat", "soft", "hard"])
@pytest.mark.parametrize("command", ["convert", "predict", "scaffold"])
def test_a_source_is_never_written_over(command, spelling, net, call, in_folder):
    if spelling == "soft":
        os.symlink(net, "soft")
    if spelling == "hard":
        os.link(net, "hard")
    before = net.read_bytes()
    target = {"soft": "soft", "hard": "hard"}.get(spelling, spelling)
    more = {
        "convert": ["--to", "safetensors", "-o", target],
        "predict": ["--input", f"{net}:X", "-o", target + ":Y" * target.endswith(".mat")],
        "scaffold": ["nnet.cnn.layer.LSTMLayer", "-o", target],
    }[command]
    code, *_ = call(command, net, *more, "--force")
    assert code == 2
    assert net.read_bytes() == before


def test_predict_does_not_write_over_its_data(net, call, in_folder):
    np.save("x.npy", np.zeros((4, 5)))
    before = (in_folder / "x.npy").read_bytes()
    for data in ("x.npy", "sequenceinput=x.npy"):
        code, _, err = call("predict", net, "--input", data, "-o", "x.npy", "--force")
        assert code == 2
        assert "read by the same call" in err or "does not fit" in err
    assert (in_folder / "x.npy").read_bytes() == before


def test_a_name_that_contradicts_the_language(net, call, in_folder):
    code, _, err = call("convert", net, "-o", "x.pt2", "--to", "onnx")
    assert code == 2
    assert "says pt2, not onnx" in err
    assert not (in_folder / "x.pt2").exists()


# -- what is there is not written over without force ----------------------------------------------


def test_a_target_that_appears_meanwhile_is_kept(in_folder):
    target = in_folder / "a.txt"
    with pytest.raises(MismatchError, match="meanwhile"), written(target) as temporary:
        temporary.write_text("ours")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    with written(target, force=True) as temporary:
        temporary.write_text("ours")
    assert target.read_text() == "ours"
    assert [p.name for p in in_folder.iterdir()] == ["a.txt"]


def test_a_file_system_without_links(in_folder, monkeypatch):
    def refuse(*paths):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    target = in_folder / "a.txt"
    with written(target) as temporary:
        temporary.write_text("ours")
    assert target.read_text() == "ours"
    target.unlink()
    with pytest.raises(MismatchError, match="meanwhile"), written(target) as temporary:
        temporary.write_text("ours")
        target.write_text("theirs")
    assert target.read_text() == "theirs"


def test_of_two_writers_to_one_name_one_is_told(in_folder):
    target, outcomes = in_folder / "a.txt", []
    both = threading.Barrier(2)

    def write(text):
        try:
            with written(target) as temporary:
                temporary.write_text(text)
                both.wait()
            outcomes.append(text)
        except MismatchError as error:
            outcomes.append(error.what)

    threads = [threading.Thread(target=write, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([target.read_text(), "the file is meanwhile there"])


# -- what is left over ---------------------------------------------------------------------------

WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from matbridge.cli.process import end_on_signals
from matbridge.files import written
end_on_signals()
with written(Path("out.txt")) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def writer():
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_WAIT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing(name, in_folder):
    number = getattr(signal, name)
    process = writer()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert err == "error: interrupted\n"
    assert list(in_folder.iterdir()) == []


@posix
def test_the_next_run_clears_what_a_killed_one_left(in_folder):
    dead, alive = writer(), writer()
    try:
        dead.kill()
        dead.communicate(timeout=30)
        assert len(list(in_folder.iterdir())) == 2
        with written(in_folder / "a.txt") as temporary:
            temporary.write_text("a")
        # That of the other run, which is alive, stays.
        assert sorted(p.name[:11] for p in in_folder.iterdir()) == [".matbridge-", "a.txt"]
        assert len(list(in_folder.glob(".matbridge-*/out.txt"))) == 1
    finally:
        alive.kill()
        alive.communicate(timeout=30)


def test_only_folders_of_our_own_are_cleared(in_folder):
    (in_folder / "kept").mkdir()
    (in_folder / "kept" / "lock").write_text("")
    (in_folder / ".matbridge-notes").write_text("a file")
    if sys.platform != "win32":
        os.symlink(in_folder / "kept", in_folder / ".matbridge-link")
    (in_folder / ".matbridge-fresh").mkdir()
    with written(in_folder / "a.txt") as temporary:
        temporary.write_text("a")
    for name in ("kept/lock", ".matbridge-notes", ".matbridge-fresh"):
        assert (in_folder / name).exists(), name


INTERRUPTED_IMPORT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *rest):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from matbridge.cli import main
main(["convert", sys.argv[2], "--to", "onnx"])
"""


@posix
@pytest.mark.parametrize("module", ["numpy", "matio", "filelock", "torch", "onnxruntime"])
def test_an_interrupt_while_modules_are_imported_is_one_line(module, net):
    command = [sys.executable, "-c", INTERRUPTED_IMPORT, module, str(net)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in done.stderr
    assert [path.name for path in net.parent.iterdir()] == ["net.mat"]


# -- where it cannot be written --------------------------------------------------------------------


@posix
@pytest.mark.parametrize("kind", ["pt2", "onnx", "safetensors"])
def test_a_full_disk(kind, net, in_folder):
    limit = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from matbridge.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-B", "-c", limit, "convert", str(net), "--to", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "error: net." in done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in in_folder.iterdir()] == ["net.mat"]


@posix
@pytest.mark.parametrize("where", ["folder", "pipe", "device", "long", "no/such", "locked"])
@pytest.mark.parametrize("command", ["convert", "predict"])
def test_no_place_for_a_file(command, where, net, call, in_folder):
    if where == "locked" and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    suffix = {"convert": ".onnx", "predict": ".npy"}[command]
    name = {
        "device": "/dev/null",
        "long": "x" * 300 + suffix,
        "no/such": f"no/such{suffix}",
        "locked": f"locked/a{suffix}",
    }.get(where, f"a{suffix}")
    if where == "folder":
        os.mkdir(name)
    elif where == "pipe":
        os.mkfifo(name)
    elif where == "locked":
        os.mkdir("locked", 0o500)
    elif where == "device":
        os.symlink(name, f"a{suffix}")
        name = f"a{suffix}"
    more = ["--input", f"{net}:X"] * (command == "predict")
    code, _, err = call(command, net, *more, "-o", name, "--force")
    assert code == 2, err
    assert "error: " in err or "Error: " in err
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_names_that_no_system_takes(in_folder):
    with pytest.raises(MismatchError, match="no name of a file"), written(in_folder / "a\0b"):
        pass
    with pytest.raises(matbridge.FormatError, match="no name of a file"):
        matbridge.load("a\0b.mat")


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mask_is_honoured(mask, in_folder):
    before = os.umask(mask)
    try:
        for place, target in enumerate(("a.txt", "b.txt")):
            with written(in_folder / target) as temporary:
                temporary.write_text(str(place))
            assert stat.S_IMODE((in_folder / target).stat().st_mode) == 0o666 & ~mask
    finally:
        os.umask(before)


def test_a_link_is_followed(in_folder):
    (in_folder / "there").mkdir()
    try:
        os.symlink(in_folder / "there" / "a.txt", "link")
    except OSError:
        pytest.skip("no links here")
    with written(in_folder / "link") as temporary:
        temporary.write_text("a")
    assert (in_folder / "there" / "a.txt").read_text() == "a"
    assert (in_folder / "link").is_symlink()


# -- what is no file -------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("suffix", [".mat", ".safetensors", ".npy", ".npz", ".csv"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "none"])
def test_what_is_no_file_is_not_waited_for(kind, suffix, net, call, in_folder):
    name = f"x{suffix}"
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "device":
        os.symlink("/dev/zero", name)
    elif kind == "folder":
        os.mkdir(name)
    if suffix in (".mat", ".safetensors"):
        for command in ("inspect", "convert"):
            assert call(command, name)[0] == 3
        with pytest.raises(matbridge.FormatError):
            matbridge.load(name)
    if suffix != ".safetensors":
        assert call("predict", net, "--input", name)[0] == 3


CUT = """
import sys, mmap, matbridge
maps = []
sys.addaudithook(lambda event, _: maps.append(event) if event == "mmap.__new__" else None)
network = matbridge.load(sys.argv[1])
open(sys.argv[1], "r+b").truncate(100)
print(sum(float(a.sum()) for layer in network.layers for a in layer.arrays.values()), maps)
"""


@posix
@pytest.mark.parametrize("name", ["cnn_bilstm.mat", "net.safetensors"])
def test_a_file_that_is_cut_while_it_is_read(name, fixtures, in_folder):
    """Nothing maps a file: the process would end with SIGBUS."""
    source = in_folder / name
    if name.endswith("mat"):
        source.write_bytes((fixtures / name).read_bytes())
    else:
        assert run(["convert", str(fixtures / "cnn.mat"), "-o", name]) == 0
    command = [sys.executable, "-c", CUT, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("[]\n")


# -- where the output goes ---------------------------------------------------------------------


@posix
@pytest.mark.parametrize("command", ["convert", "inspect", "layers", "--help"])
def test_a_reader_that_goes_away(command, net, in_folder):
    more = {"convert": [net], "inspect": [net]}.get(command, [])
    process = started(command, *more)
    process.stdout.close()
    with process.stderr:
        err = process.stderr.read()
    assert process.wait(timeout=120) == 0
    assert not [line for line in err.splitlines() if "rror" in line or "ignored" in line]
    if command == "convert":
        assert (in_folder / "net.pt2").stat().st_size > 1000


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("command", ["inspect", "layers", "--help", "--version"])
def test_an_output_that_is_full(command, net):
    more = [str(net)] * (command == "inspect")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PYTHON, command, *more], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the output cannot be written: No space left")
    assert len(done.stderr.splitlines()) == 1
