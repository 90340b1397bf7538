"""Input layers: normalization, and the format in which data enter."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from matbridge.core.card import DOCUMENTATION, RECORDED, Array, InputLayer, constant, prop
from matbridge.core.dims import Size, canonical, check_labels
from matbridge.core.kinds import (
    Kind,
    integer,
    logical,
    number,
    one_of,
    positive,
    reals,
    sizes,
    text,
)
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.layers.function import HANDLE, Handle, size_after
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "NORMALIZATIONS",
    "AnyInput",
    "FeatureInput",
    "Image3dInput",
    "ImageInput",
    "PointCloudInput",
    "SequenceInput",
    "with_statistics",
]

NORMALIZATIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "zerocenter": ("Mean",),
    "zscore": ("Mean", "StandardDeviation"),
    "rescale-symmetric": ("Min", "Max"),
    "rescale-zero-one": ("Min", "Max"),
}
_names = one_of(*NORMALIZATIONS)
NORMALIZATION: Kind[str | Handle] = Kind(
    lambda value: HANDLE(value) if _is_handle(value) else _names(value),
    lambda value: value,
    _names.hint,
)
# Both are saved as 'rescale', to these targets.
TARGETS = {(0.0, 1.0): "rescale-zero-one", (-1.0, 1.0): "rescale-symmetric"}
# The names under which the statistics occur in the saved struct Normalization.
SAVED_STATISTICS = {
    "AverageImage": "Mean",
    "Mean": "Mean",
    "Std": "StandardDeviation",
    "StandardDeviation": "StandardDeviation",
    "Min": "Min",
    "Max": "Max",
}


def _is_handle(value: object) -> bool:
    """A function handle of a file, one that was read, or the text of an anonymous one."""
    return hasattr(value, "workspace") or (isinstance(value, str) and value.startswith("@"))


def with_statistics(saved: dict[str, object]) -> dict[str, object]:
    """The saved struct Normalization {Type, AverageImage, ...} as name and statistics.

    Objects, which have a Version, were saved without it for 'none'; a constructor that is not
    given it takes the default.
    """
    normalization = saved.pop("Normalization", None)
    normalization = getattr(normalization, "saved", normalization)
    if normalization is not None or "Version" in saved:
        saved["Normalization"] = "none"
    if not isinstance(normalization, dict):
        # [] stands for 'none'.
        if normalization is not None and np.asarray(normalization).size:
            saved["Normalization"] = normalization
        return saved
    saved["Normalization"] = _type_of(normalization)
    for name, statistic in SAVED_STATISTICS.items():
        if np.size(normalization.get(name, ())):
            saved[statistic] = normalization[name]
    return saved


class NormalizingInput(InputLayer):
    """What all input layers share.

    A statistic is one number, one per channel (1×1×C, or C×1 for vectors) or one per
    element (InputSize); its shape decides, not NormalizationDimension. A constant feature
    (StandardDeviation 0, Max equal to Min) follows IEEE arithmetic. Source: zerocenter
    and zscore as MATLAB documents its Simulink blocks; zerocenter and rescale are confirmed
    by MATLAB's recorded numbers. Where predict pads sequences, the padding is normalized as
    data are (assumed: the documentation does not say which comes first). Normalization may
    be a function handle on the array in MATLAB's order of dimensions, which keeps its size.
    """

    TRAINING = ("NormalizationDimension", "Augmentations", "IsAverageImageMeanPerChannel")
    STATISTICS = ("Mean", "StandardDeviation", "Min", "Max")
    # The labels that follow the spatial ones and C.
    LABELS: ClassVar[str] = "B"
    # How many sizes InputSize may have.
    RANKS: ClassVar[tuple[int, ...]] = (1,)

    input_size: tuple[int, ...] = prop("InputSize", sizes, arg=1)
    normalization: str | Handle = prop("Normalization", NORMALIZATION, default="none")
    split_complex_inputs: bool = prop("SplitComplexInputs", logical, default=False)

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        return cls.with_full_sizes(with_statistics(saved))

    @classmethod
    def downgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        name = saved.pop("Normalization")
        if not isinstance(name, str):
            return {**saved, "Normalization": name}
        statistics = {n: saved.pop(n) for n in NORMALIZATIONS[name] if n in saved}
        saved["Normalization"] = np.zeros((0, 0))
        if name != "none":
            saved["Normalization"] = {
                "Version": np.ones((1, 1)),
                "Type": name,
                "ImageSize": saved["InputSize"],
                **_saved_statistics(name, statistics),
            }
        return saved

    @classmethod
    def with_full_sizes(cls, saved: dict[str, object]) -> dict[str, object]:
        """Statistics with as many dimensions as the input: a grey image's mean is H×W."""
        count = np.asarray(saved.get("InputSize", ())).size
        for name in SAVED_STATISTICS.values():
            array = saved.get(name)
            if not isinstance(array, np.ndarray) or not array.size:
                continue
            if count == 1:
                saved[name] = array.reshape(-1, 1)
            elif array.ndim < count:
                saved[name] = array.reshape(array.shape + (1,) * (count - array.ndim))
        return saved

    @property
    def declared(self) -> tuple[Array, ...]:
        if isinstance(self.normalization, Handle):
            return ()
        names = NORMALIZATIONS[self.normalization]
        dims = "SC" if len(self.input_size) > 1 else "C"
        return tuple(constant(name, "Statistic", dims=dims, optional=False) for name in names)

    def obstacle(self) -> UnsupportedError | None:
        absent = ", ".join(self.uninitialised())
        if not absent:
            return None
        return UnsupportedError(
            f"{self.type_name} normalizes by {self.normalization!r}, but has no {absent}",
            where=self.name,
            mend="Save the trained network, or give the layer its statistics; "
            "Normalization 'none' takes data as they are.",
        )

    @property
    def format(self) -> str:
        return "S" * (len(self.input_size) - 1) + "C" + self.LABELS

    @property
    def passes_through(self) -> bool:
        return self.normalization == "none"

    @property
    def splits_complex(self) -> bool:
        return self.split_complex_inputs

    def infer(self) -> Size:
        if len(self.input_size) not in self.RANKS:
            counts = " or ".join(map(str, self.RANKS))
            self.refuse(f"needs an InputSize of {counts} numbers, not {len(self.input_size)}")
        *spatial, channels = self.input_size
        if self.split_complex_inputs:
            # The real and the imaginary part of each channel are channels of their own.
            channels *= 2
        each_channel = (*(1 for _ in spatial), channels) if spatial else (channels, 1)
        each_element = (*spatial, channels) if spatial else each_channel
        for name, array in self.arrays.items():
            if array.size != 1 and array.shape not in (each_channel, each_element):
                sizes = ["×".join(map(str, n)) for n in (array.shape, each_channel, each_element)]
                self.refuse(
                    f"has {name} of size {sizes[0]}, which is neither one number nor "
                    f"{' nor '.join(dict.fromkeys(sizes[1:]))}",
                )
        size = Size.of(self.format, *spatial, channels)
        if isinstance(self.normalization, Handle):
            self._check_function(self.normalization, size)
        return size

    def _check_function(self, function: Handle, x: Size) -> None:
        y = size_after(function.of, x)
        if y != x:
            self.refuse(f"has a function as Normalization that makes {y} of {x}")

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        if isinstance(self.normalization, Handle):
            return self.normalization.of(ops, [x])
        if self.normalization == "zerocenter":
            return ops.subtract(x, p["Mean"])
        if self.normalization == "zscore":
            return ops.divide(ops.subtract(x, p["Mean"]), p["StandardDeviation"])
        if self.normalization == "none":
            return x
        low = p["Min"]
        unit = ops.divide(ops.subtract(x, low), ops.subtract(p["Max"], low))
        if self.normalization == "rescale-zero-one":
            return unit
        return ops.subtract(ops.multiply(unit, 2.0), 1.0)


def _type_of(normalization: dict[str, object]) -> object:
    """The name for a saved struct, or its function; 'rescale' stands for two, which its target
    tells apart."""
    if _is_handle(normalization.get("Type")):
        return normalization["Type"]
    name = text(normalization.get("Type", "none"))
    if name != "rescale":
        return name
    target = number(normalization["TargetMin"]), number(normalization["TargetMax"])
    if target not in TARGETS:
        raise ValueError(f"Normalization rescales to {list(target)}, not to [0, 1] or [-1, 1]")
    return TARGETS[target]


def _saved_statistics(name: str, statistics: dict[str, object]) -> dict[str, object]:
    """The rest of the saved struct: a mean alone is called AverageImage."""
    if name == "zerocenter":
        return {"AverageImage": statistics["Mean"]} if statistics else {}
    for target, rescale in TARGETS.items():
        if rescale == name:
            low, high = (np.array([[n]]) for n in target)
            return {"Type": "rescale", **statistics, "TargetMin": low, "TargetMax": high}
    return {"Std" if n == "StandardDeviation" else n: a for n, a in statistics.items()}


class ImageInput(NormalizingInput):
    """imageInputLayer: H×W×C×N images, zerocenter by default."""

    MATLAB = ("nnet.cnn.layer.ImageInputLayer",)
    BUILDER = "imageInputLayer"
    FORMATS = "SSCB"
    NICKNAME = "imageinput"
    SINCE = "R2016a"
    EVIDENCE = RECORDED
    RANKS = (3,)

    normalization: str | Handle = prop("Normalization", NORMALIZATION, default="zerocenter")


class Image3dInput(ImageInput):
    """image3dInputLayer: H×W×D×C×N volumes, zerocenter by default."""

    MATLAB = ("nnet.cnn.layer.Image3DInputLayer",)
    BUILDER = "image3dInputLayer"
    FORMATS = "SSSCB"
    NICKNAME = "image3dinput"
    SINCE = "R2019a"
    EVIDENCE = DOCUMENTATION
    RANKS = (4,)


class FeatureInput(NormalizingInput):
    """featureInputLayer: N×C rows of features."""

    MATLAB = ("nnet.cnn.layer.FeatureInputLayer",)
    BUILDER = "featureInputLayer"
    FORMATS = "CB"
    NICKNAME = "featureinput"
    SINCE = "R2020b"


class PointCloudInput(NormalizingInput):
    """pointCloudInputLayer: M×C points, or M×N×C of an organized cloud."""

    MATLAB = ("nnet.cnn.layer.PointCloudInputLayer",)
    BUILDER = "pointCloudInputLayer"
    FORMATS = "SCB SSCB"
    NICKNAME = "pointcloudinput"
    PRODUCT = "Lidar Toolbox"
    SINCE = "R2022b"
    RANKS = (2, 3)


class SequenceInput(NormalizingInput):
    """sequenceInputLayer: C×T, or H×C×T, H×W×C×T, H×W×D×C×T image sequences."""

    MATLAB = ("nnet.cnn.layer.SequenceInputLayer",)
    BUILDER = "sequenceInputLayer"
    FORMATS = "CBT SCBT SSCBT SSSCBT"
    NICKNAME = "sequenceinput"
    SINCE = "R2017b"
    EVIDENCE = RECORDED
    LABELS = "BT"
    RANKS = (1, 2, 3, 4)

    min_length: int = prop("MinLength", positive, default=1)

    @property
    def shortest(self) -> int:
        return self.min_length


def format_of(value: object) -> str:
    """A data format such as "SSCB"."""
    try:
        return check_labels(text(value).upper())
    except MismatchError as error:
        raise ValueError(error.what) from None


def open_sizes(value: object) -> tuple[int | None, ...]:
    """Whole numbers; NaN for a dimension of any size."""
    flat = reals(value).reshape(-1, order="F")
    return tuple(None if np.isnan(n) else integer(n) for n in flat)


class AnyInput(InputLayer):
    """inputLayer: data of any InputFormat as they are, without normalization.

    InputSize has one size for each dimension of the format, NaN where it may vary; batch and
    time always may. MATLAB stores an array in the order S, C, B, T, U, whatever the order
    in InputFormat.
    """

    MATLAB = ("nnet.cnn.layer.InputLayer",)
    BUILDER = "inputLayer"
    NICKNAME = "input"
    SINCE = "R2023b"

    input_size: tuple[int | None, ...] = prop("InputSize", open_sizes, arg=1)
    input_format: str = prop("InputFormat", format_of, arg=2)

    @property
    def format(self) -> str:
        """In MATLAB's order, with B, which every input has here."""
        labels = self.input_format
        return canonical(labels if "B" in labels else labels + "B")

    def infer(self) -> Size:
        if len(self.input_size) != len(self.input_format):
            self.refuse(f"has {len(self.input_size)} sizes for the format {self.input_format}")
        # S may occur several times: its sizes in their order.
        by_label: dict[str, list[int | None]] = {}
        for label, n in zip(self.input_format, self.input_size, strict=True):
            by_label.setdefault(label, []).append(None if label in "BT" else n)
        return Size(self.format, tuple(by_label.get(a, [None]).pop(0) for a in self.format))

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        return x
