"""Training records: masks and indices, records of every age, and what is no record."""

import numpy as np
import pytest
from shallow_forms import structure_of

from matbridge.errors import MismatchError
from matbridge.matlab.file.values import Cell
from matbridge.verify.training import is_record, performances

RNG = np.random.default_rng(3)
T, Y = RNG.normal(size=(2, 10)), RNG.normal(size=(2, 10))
PARTS = {"train": [1, 2, 5, 6, 9, 10], "val": [3, 7], "test": [4, 8]}
NETWORK = structure_of(
    {
        "inputs": [{"size": 2}],
        "layers": [{"size": 2}],
        "input_weights": {(1, 1): {"array": np.eye(2)}},
        "layer_weights": {},
        "outputs": [{"layer": 1}],
    }
)


def errors(columns):
    return np.mean((T - Y)[:, np.array(columns) - 1] ** 2)


BEST = {
    "best_perf": np.array([[errors(PARTS["train"])]]),
    "best_vperf": np.array([[errors(PARTS["val"])]]),
    "best_tperf": np.array([[errors(PARTS["test"])]]),
}
INDICES = {f"{name}Ind": np.array([columns], float) for name, columns in PARTS.items()}


def masks(steps):
    """trainMask and so on for the columns as samples of one step, or as steps."""
    named = {}
    for name, columns in PARTS.items():
        mask = np.full(T.shape, np.nan)
        mask[:, np.array(columns) - 1] = 1
        cells = [mask[:, k : k + 1] for k in range(10)] if steps else [mask]
        named[f"{name}Mask"] = Cell(cells, (1, len(cells)))
    return named


OLD = {
    "best_epoch": np.array([[1.0]]),
    "perf": np.array([[9.0, errors(PARTS["train"]), 7.0]]),
    "vperf": np.array([[9.0, errors(PARTS["val"]), 7.0]]),
    "tperf": np.array([[9.0, errors(PARTS["test"]), 7.0]]),
}
BY_VALUE = {
    "divideMode": "value",
    **{
        f"{name}Ind": np.array([[2 * c + r - 1 for c in columns for r in (0, 1)]], float)
        for name, columns in PARTS.items()
    },
}


@pytest.mark.parametrize(
    "record",
    [
        BEST | INDICES,
        BEST | INDICES | masks(False),
        BEST | masks(True),
        OLD | INDICES,
        BEST | BY_VALUE,
    ],
    ids=["indices", "masks", "steps", "old", "values"],
)
def test_each_part_is_measured(record):
    measured = performances(NETWORK, record, [T], [Y])
    assert [each.part for each in measured] == ["training", "validation", "test"]
    for each in measured:
        assert each.difference < 1e-14
    other = performances(NETWORK, record, [T], [Y + 1])
    assert all(each.difference > 1e-3 for each in other)


def test_what_was_not_recorded_is_left_out():
    record = BEST | INDICES | {"best_vperf": np.array([[np.nan]]), "testInd": np.zeros((1, 0))}
    (measured,) = performances(NETWORK, record, [T], [Y])
    assert measured.part == "training"


def test_the_records_own_function_counts():
    record = BEST | INDICES | {"performFcn": "sae"}
    measured = performances(NETWORK, record, [T], [Y])
    expected = abs((T - Y)[:, np.array(PARTS["train"]) - 1]).sum()
    assert measured[0].computed == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("record", [BEST | INDICES, BEST | masks(False)])
def test_other_data_are_refused(record):
    with pytest.raises(MismatchError, match="the record divides 10 samples, the targets have 9"):
        performances(NETWORK, record, [T[:, :9]], [Y[:, :9]])


def test_what_is_a_record():
    assert is_record(BEST | INDICES)
    assert not is_record({"perf": 1.0})
    assert not is_record(T)
