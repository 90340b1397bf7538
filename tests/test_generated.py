"""The reader of genFunction's code: every form, edits of its users, and hostile text."""

import generated_code
import numpy as np
import pytest
from reference.shallow_network import simulate
from shallow_forms import plain

import matbridge
from matbridge.errors import FormatError, MatbridgeError, UnsupportedError
from matbridge.matlab.generated import read_code

RNG = np.random.default_rng(7)


def mapping(rows):
    return (
        "mapminmax",
        {
            "xoffset": RNG.normal(size=(rows, 1)),
            "gain": RNG.uniform(0.1, 3, (rows, 1)),
            "ymin": np.array([[-1.0]]),
        },
    )


def keeping(rows, removed):
    """removeconstantrows of an output: so many rows, without these (from 1)."""
    return (
        "removeconstantrows",
        {
            "xrows": np.array([[rows]]),
            "keep": np.array([[r for r in range(1, rows + 1) if r not in removed]]),
            "remove": np.array([removed]),
            "constants": RNG.normal(size=(len(removed), 1)),
        },
    )


def weight(rows, columns, delays=(0,), **more):
    array = RNG.normal(size=(rows, columns * len(delays)))
    return {"array": array, "delays": delays, **more}


def bias(rows):
    return RNG.normal(size=(rows, 1))


def layer(size, transfer="purelin", **more):
    return {"size": size, "transfer": transfer, "bias": bias(size), **more}


def fitnet():
    return {
        "inputs": [{"size": 3, "steps": [mapping(3)]}],
        "layers": [layer(4, "tansig"), layer(2)],
        "input_weights": {(1, 1): weight(4, 3)},
        "layer_weights": {(2, 1): weight(2, 4)},
        "outputs": [{"layer": 2, "steps": [mapping(2)]}],
    }


def patternnet():
    keep = ("removeconstantrows", {"keep": np.array([[1, 3]])})
    return fitnet() | {
        "inputs": [{"size": 4, "steps": [keep, mapping(2)]}],
        "layers": [layer(4, "logsig"), layer(3, "softmax")],
        "input_weights": {(1, 1): weight(4, 2)},
        "layer_weights": {(2, 1): weight(3, 4)},
        "outputs": [{"layer": 2, "steps": [keeping(5, [2, 5]), mapping(3)]}],
    }


def cascade():
    """Two inputs, each to every layer, each layer to all later ones; two outputs."""
    return {
        "inputs": [{"size": 2, "steps": [mapping(2)]}, {"size": 1, "steps": []}],
        "layers": [layer(3, "tansig"), layer(2, "poslin"), layer(1)],
        "input_weights": {(i, j): weight(n, r) for i, n in ((1, 3), (2, 2), (3, 1)) for j, r in
                          ((1, 2), (2, 1))},
        "layer_weights": {(2, 1): weight(2, 3), (3, 1): weight(1, 3), (3, 2): weight(1, 2)},
        "outputs": [{"layer": 2, "steps": []}, {"layer": 3, "steps": [mapping(1)]}],
    }  # fmt: skip


def radial():
    return {
        "inputs": [{"size": 3, "steps": []}],
        "layers": [layer(4, "radbas", net_input="netprod"), layer(2)],
        "input_weights": {(1, 1): weight(4, 3, function="dist")},
        "layer_weights": {(2, 1): weight(2, 4)},
        "outputs": [{"layer": 2, "steps": []}],
    }


def competitive():
    return {
        "inputs": [{"size": 3, "steps": []}],
        "layers": [{"size": 4, "transfer": "compet", "bias": None}],
        "input_weights": {(1, 1): weight(4, 3, function="negdist")},
        "layer_weights": {},
        "outputs": [{"layer": 1, "steps": []}],
    }


def nar():
    return {
        "inputs": [{"size": 1, "steps": [mapping(1)]}],
        "layers": [layer(3, "tansig"), layer(1)],
        "input_weights": {(1, 1): weight(3, 1, (1, 2, 4))},
        "layer_weights": {(2, 1): weight(1, 3)},
        "outputs": [{"layer": 2, "steps": [mapping(1)]}],
    }


def narx():
    step = mapping(1)
    return nar() | {
        "inputs": [{"size": 1, "steps": [mapping(1)]}, {"size": 1, "steps": [step]}],
        "input_weights": {(1, 1): weight(3, 1, (0, 1)), (1, 2): weight(3, 1, (1, 2))},
        "outputs": [{"layer": 2, "steps": [step]}],
    }


def closed():
    return nar() | {
        "inputs": [{"size": 2, "steps": [mapping(2)]}],
        "input_weights": {(1, 1): weight(3, 2, (1, 2))},
        "layer_weights": {(1, 2): weight(3, 1, (1, 2, 3)), (2, 1): weight(1, 3)},
    }


def layer_recurrent():
    return fitnet() | {
        "layer_weights": {(1, 1): weight(4, 4, (1, 2)), (2, 1): weight(2, 4)},
    }


def removed_delay():
    return nar() | {"input_weights": {(1, 1): weight(3, 1, (0, 1))}}


NETWORKS = (
    *(fitnet, patternnet, cascade, radial, competitive),
    *(nar, narx, closed, layer_recurrent, removed_delay),
)


def written(tmp_path, text):
    path = tmp_path / "net.m"
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, text):
    """The only network of a text."""
    code = read_code(written(tmp_path, text))
    for error in code.failures.values():
        raise error
    (structure,) = code.structures.values()
    return structure


def same(first, second):
    """Whether two structures compute the same from arbitrary inputs and states."""
    X = [[RNG.normal(size=(part["size"], 3)) for _ in range(6)] for part in first["inputs"]]
    return all(
        np.array_equal(y, z)
        for a, b in zip(simulate(first, X)[0], simulate(second, X)[0], strict=True)
        for y, z in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("flat", [False, True], ids=["struct", "flat"])
@pytest.mark.parametrize("cells", [False, True], ids=["matrix", "cells"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_form_is_read(tmp_path, network, cells, flat):
    structure = network()
    text = generated_code.write(structure, cells, flat)
    read_back = read(tmp_path, text)
    assert same(structure, plain(read_back))
    assert [part.size for part in read_back.inputs] == [p["size"] for p in structure["inputs"]]


def test_an_input_with_the_settings_of_an_output_is_its_feedback(tmp_path):
    structure = read(tmp_path, generated_code.write(narx()))
    assert [part.feedback_output for part in structure.inputs] == [None, 2]
    assert (structure.outputs[0].feedback_input, structure.outputs[0].feedback_mode) == (2, "open")
    structure = read(tmp_path, generated_code.write(nar()))
    assert [part.feedback_output for part in structure.inputs] == [None]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("function [y1]", "function y1"),
        ("x1", "speed"),
        ("y1 = map", "result = map"),
        ("Q = size(x1,2); % samples", "Q = size(x1,1);\nx1 = x1';"),
        ("% Layer 1\n", "%{\nb1 = 5;\n%}\n"),
        ("b1 = [", "b1 = [ ... a bias\n  "),
        ("a1 = tansig_apply(repmat(b1,1,Q) + IW1_1*xp1);",
         "n1 = repmat(b1,1,Q) + IW1_1*xp1; disp('hidden'), a1 = tansig_apply(n1)"),
        ("repmat(b1,1,Q) + IW1_1*xp1", "bsxfun(@plus,IW1_1*xp1,b1)"),
        ("tansig_apply(repmat", "tansig(repmat"),
        ("end\n\n% ===== MODULE", "\n\n% ===== MODULE"),
    ],
)  # fmt: skip
def test_what_users_change(tmp_path, old, new):
    """Renamed arguments, samples in rows, comments, continued lines: still the same network."""
    structure = fitnet()
    text = generated_code.write(structure, cells=False)
    assert old in text
    if "speed" in new:
        text = text.replace("x1(", "speed(").replace("(x1)", "(speed)").replace("(x1,", "(speed,")
    else:
        text = text.replace(old, new)
    if "result" in new:
        text = text.replace("function [y1]", "function [result]")
    other = plain(read(tmp_path, text))
    X = [[RNG.normal(size=(3, 5))]]
    for y, z in zip(simulate(structure, X)[0], simulate(other, X)[0], strict=True):
        np.testing.assert_allclose(y, z, rtol=1e-13)


def test_samples_in_rows_are_told(tmp_path):
    text = generated_code.write(fitnet(), cells=False).replace("Q = size(x1,2)", "x1 = x1';Q=1")
    code = read_code(written(tmp_path, text))
    assert "samples in rows" in str(next(iter(code.reports["myNeuralNetworkFunction"])))


def test_several_networks_in_one_file(tmp_path):
    texts = [generated_code.write(fitnet(), cells=False, name=name) for name in ("left", "right")]
    code = read_code(written(tmp_path, "\n".join(["x = 3; plot(x)", *texts])))
    assert sorted(code.structures) == ["left", "right"]


REFUSED = [
    ("a1 = tansig_apply(", "a1 = 0.5*tansig_apply(", "line"),
    ("y1 = mapminmax_reverse(a2,y1_step1);", "y1 = round(mapminmax_reverse(a2,y1_step1));", "y1"),
    ("xp1 = map", "x1 = x1(:,[1 2 3]);\nxp1 = map", "part of x1"),
    ("IW1_1*xp1", "IW1_1*xp1.^2", "line"),
    ("b1 = [", "load weights.mat; b2x = [", "load weights.mat"),
    ("b1 = [", "eval('b1 = 3'); c1 = [", "eval"),
    ("b1 = [", "global b1; c1 = [", "global"),
    ("b1 = [", "b1 = rand(4,1); c1 = [", "rand"),
    ("b1 = [", "if Q > 3, b1 = 7; end\nb1x = [", "b1"),
    ("a = 2 ./ (1 + exp(-2*n)) - 1;", "a = 3 ./ (1 + exp(-2*n)) - 1;", "tansig_apply computes"),
    ("x = bsxfun(@minus,y,settings.ymin);", "x = y;", "mapminmax_reverse computes"),
    ("xp1 = mapminmax_apply(x1,x1_step1)", "xp1 = mapminmax_apply(x1,x2_step1)", "x2_step1"),
    ("function [y1]", "function [z1]", "none of its results"),
    ("LW2_1 = [", "LW2_1 = [1 2 3;", "rows of a matrix"),
    ("IW1_1 = [", "IW1_1 = [1 2 3;", "the parts that it connects"),
]


@pytest.mark.parametrize(("old", "new", "why"), REFUSED)
def test_edits_beyond_recognition_are_refused(tmp_path, old, new, why):
    text = generated_code.write(fitnet(), cells=False)
    assert old in text
    with pytest.raises(MatbridgeError) as refused:
        read(tmp_path, text.replace(old, new, 1))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("mod(xdts-[1 2 4]-1,5)", "mod(xdts-[1 2 5]-1,5)", "delays do not fit"),
        ("mod(xdts-[1 2 4]-1,5)", "mod(xdts-[1 2 4]-1,6)", "another size"),
        ("mod(ts+3,5)", "mod(ts+2,5)", "turns otherwise"),
        ("Xd1{xdts} = map", "Xd1{7} = map", "line"),
    ],
)
def test_delays_that_were_changed_are_refused(tmp_path, old, new, why):
    text = generated_code.write(nar())
    assert old in text
    with pytest.raises(UnsupportedError, match=why):
        read(tmp_path, text.replace(old, new))


@pytest.mark.parametrize("number", ["Inf", "-Inf", "NaN", "1e300", "-5", "1.5", "[]", "[1e9 2]"])
@pytest.mark.parametrize("setting", ["x1_step1.keep", "y1_step1.xrows", "x1_step2.gain"])
def test_numbers_that_count_nothing(tmp_path, setting, number):
    """Whatever a setting is, the file is loaded or refused in our words."""
    lines = generated_code.write(patternnet(), cells=False).split("\n")
    lines = [f"{setting} = {number};" if line.startswith(setting) else line for line in lines]
    path = written(tmp_path, "\n".join(lines))
    try:
        matbridge.load(path).check_runnable()
    except MatbridgeError as error:
        assert error.what


SETTINGS = ("x1_step1.xoffset", "x1_step1.gain", "y1_step1.gain", "y1_step1.ymin")
# What a line of settings is changed to.
UNTOLD = {
    "gone": lambda line: "",
    "computed": lambda line: line.replace("= ", "= 2*"),
    "partly set": lambda line: f"{line}\n{line.partition(' ')[0]}(1) = 7;",
    "named": lambda line: f"{line}\n{line.partition('.')[0]}.('gain') = 7;",
    "conditional": lambda line: f"{line}\nif rand > 0.5, {line.replace('= ', '= 2*')} end",
}


@pytest.mark.parametrize("change", UNTOLD.values(), ids=UNTOLD)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("form", [(True, False), (False, False), (False, True)])
def test_settings_that_are_not_told_are_refused(tmp_path, form, setting, change):
    setting = setting.replace(".", "_") if form[1] else setting
    text = generated_code.write(fitnet(), *form)
    (line,) = [line for line in text.split("\n") if line.startswith(f"{setting} =")]
    changed = text.replace(line, change(line))
    if form[1] and ".('gain')" in changed:
        return
    with pytest.raises(UnsupportedError):
        read(tmp_path, changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TS = size", "X{1} = X{1}*2;\nTS = size"),
        ("Y = cell2mat(Y);", "Y = cell2mat(Y)*2;"),
        ("if ~isCellX, Y =", "Y{1}(1,:) = 0;\nif ~isCellX, Y ="),
        ("if ~isCellX, Y =", "Y{1} = 0;\nif ~isCellX, Y ="),
    ],
)
def test_cells_that_are_changed_are_refused(tmp_path, old, new):
    text = generated_code.write(fitnet())
    assert old in text
    with pytest.raises(UnsupportedError, match="the result Y"):
        read(tmp_path, text.replace(old, new))


def test_a_byte_order_mark_is_no_text(tmp_path):
    structure = fitnet()
    text = "\ufeff" + generated_code.write(structure)
    assert same(structure, plain(read(tmp_path, text)))


def test_a_start_that_is_not_read_is_told(tmp_path):
    text = generated_code.write(nar()).replace("mapminmax_apply(Xi{1,ts},x1_step1)", "0")
    code = read_code(written(tmp_path, text))
    (told,) = code.reports["myNeuralNetworkFunction"]
    assert "what Xd1 begins with is not read" in str(told)


def test_functions_that_cannot_be_compared_are_told(tmp_path):
    text = generated_code.write(competitive(), cells=False)
    text += "\nfunction z = negdist_apply(w,p,~)\nfor q=1:3\n z = w;\nend\nend\n"
    (told,) = read_code(written(tmp_path, text)).reports["myNeuralNetworkFunction"]
    assert "negdist_apply is taken for MATLAB's" in str(told)


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("", UnsupportedError, "none of its functions"),
        ("function y = f(x)\ny = x;\nend", UnsupportedError, "none of its functions"),
        ("function y = f(x)\nb1 = [1 2;", FormatError, "within brackets"),
        ("\0function", FormatError, "no text"),
        ("function = 3", FormatError, "no head"),
        ("function y = f(x)\n" + "if x\n" * 100 + "b1 = 1;", FormatError, "nested too deep"),
        ("function y = f(x)\nb1 = 1;\ny = " + "(" * 5000 + "x" + ")" * 5000, MatbridgeError, "y"),
        ("function y = f(x)\nb1 = 1;\ny = " + "-" * 50000 + "x", MatbridgeError, "y"),
        ("function y = f(x)\nb1 = zeros(999999999,999999999);\ny = b1*x;", MatbridgeError, "y"),
        ("function y = f(x)\nb1 = 1;\ny = tansig_apply(b1 + 1:1e300)", MatbridgeError, "y"),
        ("function y = f(x)\nb1 = 1;\n\x1b{31}hello", UnsupportedError, r"\\x1b"),
    ],
)
def test_other_text_is_refused(tmp_path, text, error, why):
    with pytest.raises(error) as refused:
        read(tmp_path, text)
    assert why.replace("\\\\", "\\") in str(refused.value)


@pytest.mark.parametrize("cells", [False, True])
def test_any_cut_or_changed_text_is_read_or_refused(tmp_path, cells):
    """No text gives anything but a structure or one of our errors."""
    text = generated_code.write(closed(), cells)
    for cut in range(0, len(text), 97):
        for changed in (text[:cut], text[:cut] + "}" + text[cut + 1 :], text[cut:]):
            try:
                read_code(written(tmp_path, changed))
            except MatbridgeError as error:
                assert error.what


def test_a_large_file_is_read_in_time(tmp_path):
    structure = fitnet()
    structure["inputs"][0] = {"size": 900, "steps": [mapping(900)]}
    structure["input_weights"] = {(1, 1): weight(4, 900)}
    structure["input_weights"][1, 1]["array"] = RNG.normal(size=(200, 900))
    structure["layers"][0] = layer(200, "tansig")
    structure["layer_weights"] = {(2, 1): weight(2, 200)}
    assert same(structure, plain(read(tmp_path, generated_code.write(structure))))
