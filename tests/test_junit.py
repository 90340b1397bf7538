"""--junit: what continuous integration reads."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from test_many import folder  # noqa: F401

from matbridge import MismatchError
from matbridge.matlab.file.write import write_mat
from matbridge.report.entry import Entry
from matbridge.report.junit import write_junit
from matbridge.verify.judgement import Judgement
from matbridge.verify.measures.statistics import Statistics
from matbridge.verify.verification import Cause, Diagnosis, Divergence, Verification

# What stands in what, with the attributes that must be there, as JUnit's schemas have it.
TESTS = {"name", "tests", "failures", "errors", "skipped", "time"}
SCHEMA = {
    "testsuites": (("testsuite",), TESTS),
    "testsuite": (("properties", "testcase"), TESTS | {"timestamp", "hostname"}),
    "properties": (("property",), set()),
    "property": ((), {"name", "value"}),
    "testcase": (("failure", "error", "skipped", "system-out"), {"classname", "name", "time"}),
    "failure": ((), {"message", "type"}),
    "error": ((), {"message", "type"}),
    "skipped": ((), {"message"}),
    "system-out": ((), set()),
}


def check(element):
    """The element and all in it are as the schema says."""
    children, attributes = SCHEMA[element.tag]
    assert set(element.attrib) == attributes
    for name in {"tests", "failures", "errors", "skipped"} & attributes:
        assert element.get(name).isdecimal()
    if "time" in attributes:
        assert re.fullmatch(r"\d+\.\d{3}", element.get("time"))
    if "timestamp" in attributes:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp"))
    assert [child.tag for child in element] == sorted(
        (child.tag for child in element), key=children.index
    )
    for child in element:
        check(child)


def parsed(path):
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    check(root)
    (suite,) = root
    cases = suite.findall("testcase")
    ends = [[child.tag for child in case] for case in cases]
    assert int(suite.get("tests")) == len(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name)) == sum(tag in end for end in ends)
        assert root.get(name) == suite.get(name)
    return {case.get("name"): case for case in cases}


def judgement(verdict="different"):
    statistics = Statistics.of(np.ones((2, 1)), np.zeros((2, 1)) + 0.5)
    return Judgement("fc", verdict, "more than rounding explains", statistics, 1e-7, 8, 1.0)


def differing():
    cause = Cause(
        "gates", ("lstm",), "the gates of lstm are read as i,f,o,g", "Keras", "rounding", 0
    )
    return Verification(
        "different",
        (judgement(),),
        sentence="different: more than rounding explains, 2 values",
        divergence=Divergence((judgement(),)),
        diagnosis=Diagnosis((cause,), 3, 1.0, known=5),
    )


def test_each_way_to_end(tmp_path):
    entries = [
        Entry("good.mat", None, "identical", 0, 1.5),
        Entry("bad.mat: net", differing(), "", 1, 0.25),
        Entry("cut.mat", None, "this file is damaged", 3),
        Entry("alone.mat", None, "nothing is expected", 5),
    ]
    write_junit(entries, tmp_path / "out.xml")
    cases = parsed(tmp_path / "out.xml")
    assert cases["good.mat"].get("time") == "1.500"
    assert cases["good.mat"].find("system-out").text == "identical"
    failure = cases["bad.mat: net"].find("failure")
    assert failure.get("type") == "different"
    assert failure.get("message") == "different: more than rounding explains, 2 values"
    for words in (
        "fc: different",
        "The difference begins in fc",
        "the gates of lstm are read as i,f,o,g",
    ):
        assert words in failure.text
    assert cases["cut.mat"].find("error").get("message") == "this file is damaged"
    assert cases["alone.mat"].find("skipped").get("message") == "nothing is expected"


@pytest.mark.parametrize(
    "text",
    ["\x00\x1b[31m", "\ud800", "\ufffe\uffff", "]]><x a='\"&", "\u202e\n\r\t", "\U0001f600é"],
)
def test_any_text_is_data(text, tmp_path):
    """Characters that XML lacks become escapes; markup stays text."""
    entries = [Entry(text, None, text, code) for code in (0, 1, 3, 5)]
    write_junit(entries, tmp_path / "out.xml")
    (name,) = parsed(tmp_path / "out.xml")
    assert name
    assert "\x1b" not in name
    if text.isprintable():
        assert name == text


def test_an_older_file_is_written_over_but_none_that_is_read(tmp_path):
    path = tmp_path / "out.xml"
    path.write_text("old")
    write_junit([], path)
    assert parsed(path) == {}
    with pytest.raises(MismatchError, match="read by the same call"):
        write_junit([], path, reads=[path])
    with pytest.raises(MismatchError, match=r"JUnit is an XML file[\s\S]*End it in .xml"):
        write_junit([], tmp_path / "out.html")


def test_a_folder(folder, call, in_folder):  # noqa: F811
    arguments = ("--input", ":X", "--expected", ":Y", "--junit", "out.xml")
    code, _, err = call("verify", folder, *arguments)
    assert code in (2, 3, 4)
    assert "JUnit written to out.xml" in err
    cases = parsed("out.xml")
    ends = {name.replace("\\", "/").rpartition("/")[2]: case[0].tag for name, case in cases.items()}
    assert ends == {
        "lstm_classifier.mat: net": "system-out",
        "gru_regressor.mat: net": "system-out",
        "cut.mat": "error",
        "custom.mat: net": "error",
    }
    assert sum(float(case.get("time")) for case in cases.values()) > 0


def test_one_file_that_differs(call, fixtures, in_folder):
    np.save("y.npy", np.zeros((4, 3)))
    net = fixtures / "lstm_classifier.mat"
    arguments = ("--input", ":X", "--expected", "y.npy", "--no-diagnosis", "--junit", "out.xml")
    code, _, _ = call("verify", net, *arguments)
    assert code == 1
    ((case),) = parsed("out.xml").values()
    assert case.find("failure").get("message").startswith("different: ")
    assert float(case.get("time")) > 0


def test_what_cannot_be_run_is_an_error_of_its_own(call, in_folder):
    write_mat("x.mat", {"x": np.ones((2, 2))})
    (in_folder / "out.xml").write_text("older")
    code, _, _ = call("verify", "x.mat", "--input", ":x", "--expected", ":x", "--junit", "out.xml")
    assert code == 4
    ((case),) = parsed("out.xml").values()
    assert case.find("error").get("message").endswith("the file holds no network")
