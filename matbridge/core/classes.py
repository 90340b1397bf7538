"""MATLAB's classes of network, and what is particular to each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLASSES", "LAYER_ARRAY", "SHALLOW", "STATISTICS", "NetworkClass"]

LAYER_ARRAY = "nnet.cnn.layer.Layer"
SHALLOW = "network"
STATISTICS = "Statistics and Machine Learning Toolbox"


@dataclass(frozen=True)
class NetworkClass:
    """A class of network, as MATLAB saves it.

    ``since`` is the release that brought it. ``classic``: fully connected layers keep
    spatial dimensions of size 1. ``formatted``: predict gives formatted data back as they
    are, where the others return N×K for one value per class. ``trained``: it is a network
    to run, not layers to be trained. ``double``: MATLAB computes it in double precision.
    ``product``: what MATLAB needs for it, where its layers do not tell.
    ``columns``: predict takes and returns a column for each observation, not a row.
    """

    name: str
    words: str
    since: str = ""
    classic: bool = False
    formatted: bool = False
    trained: bool = True
    double: bool = False
    product: str = ""
    columns: bool = False

    def __str__(self) -> str:
        return self.name


CLASSES: dict[str, NetworkClass] = {
    kind.name: kind
    for kind in (
        NetworkClass("SeriesNetwork", "series network", "R2016a", classic=True),
        NetworkClass("DAGNetwork", "DAG network", "R2017b", classic=True),
        NetworkClass("dlnetwork", "dlnetwork", "R2019b", formatted=True),
        NetworkClass("nnet.cnn.LayerGraph", "layer graph", "R2017b", trained=False),
        NetworkClass(SHALLOW, "shallow network", "before R2006a", double=True, columns=True),
        NetworkClass(LAYER_ARRAY, "array of layers", "R2016a", trained=False),
        NetworkClass(
            "ClassificationNeuralNetwork",
            "fitcnet model",
            "R2021a",
            double=True,
            product=STATISTICS,
        ),
        NetworkClass(
            "classreg.learning.classif.CompactClassificationNeuralNetwork",
            "compact fitcnet model",
            "R2021a",
            double=True,
            product=STATISTICS,
        ),
        NetworkClass(
            "RegressionNeuralNetwork", "fitrnet model", "R2021a", double=True, product=STATISTICS
        ),
        NetworkClass(
            "classreg.learning.regr.CompactRegressionNeuralNetwork",
            "compact fitrnet model",
            "R2021a",
            double=True,
            product=STATISTICS,
        ),
    )
}
