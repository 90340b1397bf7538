"""The report for the browser: whole, escaped, and honest."""

import numpy as np
import pytest

from matbridge.errors import MismatchError
from matbridge.report.page import write_page
from matbridge.verify.judgement import Judgement
from matbridge.verify.statistics import Statistics
from matbridge.verify.verification import Verification


def verification(verdict="rounding", name="scores"):
    y = np.linspace(-1, 1, 60).reshape(6, 10)
    judged = Judgement(name, verdict, "why", Statistics.of(y + 1e-8, y), 1e-7, 8.0, 1e-8)
    return Verification(verdict, (judged,), sentence=f"{name} agrees to 1e-8")


def test_a_page_is_written_whole(tmp_path):
    path = tmp_path / "out.html"
    write_page(verification(), path)
    write_page(verification("different"), path)
    assert "different" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]


def test_what_is_read_is_never_overwritten(tmp_path):
    path = tmp_path / "ref.html"
    path.write_bytes(b"read")
    with pytest.raises(MismatchError, match="read by the same call"):
        write_page(verification(), path, reads=[path])
    assert path.read_bytes() == b"read"
