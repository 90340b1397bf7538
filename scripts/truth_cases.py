"""The cases of truth.json as cases to verify, each as its own words say.

What MATLAB recorded must verify; of what is decided by the data that a network was trained on
only the figure is known that it reaches on them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import matbridge
from matbridge.core.network import Network
from matbridge.layers.input import ImageInput
from matbridge.matlab.file import read_mat
from matbridge.predict.data import read_data
from matbridge.predict.images import resized
from matbridge.verify.case import AS_IT_IS, Case
from matbridge.verify.expression import transform_of

__all__ = ["BUILDERS", "RECORDED", "STEPPED", "TRAINED", "UNSAID", "Told", "told", "truth_of"]

RECORDED, TRAINED, STEPPED = "recorded", "trained", "stepped"
# Cases without anything that a network was given and gave, and why.
UNSAID = {
    "bilstm-last-weights": "decided by trained weights alone: no inputs, no outputs",
    "bilstm-last-emg": "the features that were fed are made by a program that is not there",
    "same-recorded": "128 stored paddings, no values",
}


@dataclass(frozen=True)
class Told:
    """A case, the file of its network, and what is known of it.

    "recorded" is what MATLAB gave; "stepped" that in steps, of which a few values may be one off;
    "trained" the figure that is reached on training data, to within ``atol``, the digits known.
    """

    id: str
    path: Path
    case: Case
    kind: str = RECORDED
    atol: float = 0.0


Builder = Callable[["Truth"], Iterator[Told]]


@dataclass(frozen=True)
class Truth:
    """A case of truth.json, with what it names in reach."""

    corpus: Path
    about: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.about["id"])

    def path(self, name: str) -> Path:
        """A file in the folder of the case."""
        return self.corpus / "truth" / self.id / name

    def value(self, text: str) -> Any:
        """What ``files/x.mat:name (a remark)`` names."""
        return read_data(str(self.corpus / text.split(" ")[0]))

    def network(self, text: str = "") -> tuple[Path, Network]:
        path, _, address = (text or self.about["network"]).split(" ")[0].partition(":")
        return self.corpus / path, matbridge.load(self.corpus / path, address or None)

    def recorded(self, inputs: Any, expected: Any, network: str = "", **more: Any) -> Told:
        """The case of a network with one output."""
        path, loaded = self.network(network)
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        return Told(self.id, path, Case(loaded, inputs, (expected,), **more))

    def trained(
        self,
        x: Any,
        words: str,
        names: dict[str, Any],
        figure: float | list[float],
        digits: int,
        network: str = "",
        **options: Any,
    ) -> Told:
        """The figure that ``words`` make of the output, as known to so many digits."""
        expected = np.atleast_2d(np.array(figure, float))
        transform = transform_of(words, names)
        one = self.recorded(x, expected, network, transform=transform, options=options)
        return replace(one, kind=TRAINED, atol=0.5001 * 10**-digits)


def truth_of(corpus: Path) -> list[Truth]:
    """Every case."""
    found = json.loads((corpus / "truth.json").read_text(encoding="utf-8"))
    return [Truth(corpus, about) for about in found["cases"] + found["trained_data"]]


def told(truth: Truth) -> Iterator[Told]:
    """The fixtures that a case makes, none where it says nothing that is run."""
    if truth.id not in UNSAID:
        yield from BUILDERS.get(truth.id, plain)(truth)


# -- recorded ------------------------------------------------------------------------------------


def plain(truth: Truth) -> Iterator[Told]:
    """One input, one output, perhaps scaled back."""
    about = truth.about
    file = about["network"].partition(":")[0]
    transform = AS_IT_IS
    if about.get("after", "").startswith("y * sig + mu"):
        scale = {name: truth.value(f"{file}:{name}") for name in ("sig", "mu")}
        transform = transform_of("y * sig + mu", scale)
    start = "zero" if "zero state" in about.get("note", "") else "saved"
    x, y = truth.value(about["input"]), truth.value(about["expected"])
    options = {}
    if "initial_delays" in about:
        options["initial_input_delays"] = truth.value(about["initial_delays"])
    yield truth.recorded(x, y, transform=transform, start=start, options=options)


def closed_loop(truth: Truth) -> Iterator[Told]:
    """Over the whole series, from the states that preparets gives; and the steps beyond its end,
    from the states that stand in the file since then."""
    file = truth.about["network"].partition(":")[0]
    series, y, beyond, ai = (truth.value(f"{file}:{name}") for name in ("T", "yc", "y2", "aic"))
    _, network = truth.network()
    states = network.prepare(series).initial_layer_delays
    yield truth.recorded(len(y), y, options={"initial_layer_delays": states})
    yield truth.recorded(len(beyond), beyond, options={"initial_layer_delays": ai})


def rescale(truth: Truth) -> Iterator[Told]:
    """Each network of the folder; some take a part of the channels."""
    rows = {"HR_only": slice(4, 5), "4_motions": slice(0, 4), "speed_only": slice(0, 1)}
    for path in sorted(truth.path("").glob("LSTM_results_*.mat")):
        _, _, length, kind = path.stem.split("_", 3)
        name = f"inputFeatures{length}_sorted.mat"
        if not truth.path(name).is_file():
            continue
        x = read_data(f"{truth.path(name)}:XTest")
        x = [sequence[rows.get(kind, slice(None))] for sequence in x]
        relative = path.relative_to(truth.corpus)
        yield truth.recorded(x, read_data(f"{path}:Ypred"), f"{relative}:net")


def saved_state(truth: Truth) -> Iterator[Told]:
    """From zero; the states after the run are those that the network was saved with."""
    one = next(plain(truth))
    network = one.case.network
    names = ("HiddenState", "CellState")
    states = {
        layer.name: {name: layer.arrays[name] for name in names}
        for layer in network.layers
        if set(names) <= set(layer.arrays)
    }
    yield replace(one, case=one.case.replace(start="zero", final_states=states))


def padded(truth: Truth) -> Iterator[Told]:
    x, y = truth.value(truth.about["input"]), truth.value(truth.about["expected"])
    yield truth.recorded(x, y, options={"mini_batch_size": 27, "sequence_length": "longest"})


def daffodils(truth: Truth) -> Iterator[Told]:
    with np.load(truth.path("cases.npz")) as cases:
        images, labels = cases["images"][..., :3], cases["labels"][..., :3]
    transform = transform_of("argmax(y, 3)")
    yield truth.recorded(images, labels[:, :, None].astype(float), transform=transform)


def pictures(truth: Truth) -> Iterator[Told]:
    """What imwrite was given, in whole steps of 255. One in 600 values is a step off, and no tie:
    they lie up to 0.09 of a step from one, where single precision moves them 0.0002. MATLAB
    computed them in less, about as TensorFloat-32 does: operands of 10 bits move them 0.15."""
    words = "round(255*max(y, 0)/max(max(y, 0), [], 'all'))"
    with np.load(truth.path("cases.npz")) as cases:
        for number, network in ((1, "net"), (5, "net_unet")):
            x, y = cases[f"x{number}"].astype(np.float32) / 255, cases[f"r{number}"]
            text = f"truth/{truth.id}/{network}.mat:{network}"
            one = truth.recorded(x, y.astype(float), text, transform=transform_of(words))
            yield replace(one, kind=STEPPED, atol=1.0)


def counted_pixels(truth: Truth) -> Iterator[Told]:
    """The right pixels of each class, of the image that the row is of."""
    with np.load(truth.path("cases.npz")) as cases:
        images, labels, rows = cases["images"], cases["labels"], cases["cand"]
        card, right = cases["card"], cases["right"]
    _, network = truth.network()
    for row in range(2):
        fitting = [
            (n, classes)
            for n in rows[row][rows[row] >= 0]
            if [((classes := labels[n]) == k).sum() for k in (1, 2, 3)] == list(card[row])
        ]
        words = "sum(sum((argmax(y, 3) == k) .* (labels == k), 1), 2)"
        names = {"k": np.arange(1.0, 4).reshape(1, 1, 3)}
        made = [
            truth.recorded(
                images[n].astype(np.float32),
                right[row].reshape(1, 1, 3).astype(float),
                transform=transform_of(words, {**names, "labels": classes.astype(float)}),
            )
            for n, classes in fitting
        ]
        # Copies of an image have the same classes: the row is of one of them.
        yield next((one for one in made if _is_met(one.case)), made[0])


def _is_met(case: Case) -> bool:
    return bool(np.array_equal(np.ravel(case.run()[0]), np.ravel(case.expected[0])))


def by_onnxruntime(size: tuple[int, ...], model: str) -> Builder:
    """What the model in ONNX gives for a random image."""

    def build(truth: Truth) -> Iterator[Told]:
        import onnxruntime

        session = onnxruntime.InferenceSession(truth.corpus / model)
        draw = np.random.default_rng(0)
        images = draw.standard_normal((*size, 2)).astype(np.float32)
        images = images * 60 + 128 if size[0] == size[1] else images
        entry = session.get_inputs()[0]
        fed = [np.moveaxis(images[..., n], 2, 0).reshape(_shape(entry, size)) for n in range(2)]
        results = [session.run(None, {entry.name: x})[0] for x in fed]
        yield truth.recorded(images, np.concatenate(results).reshape(2, -1))

    return build


def _shape(entry: Any, size: tuple[int, ...]) -> list[int]:
    """That of one image; what the model leaves open is 1."""
    return [n if isinstance(n, int) else 1 for n in entry.shape]


def imresized(truth: Truth) -> Iterator[Told]:
    """The image as it enters a network that leaves it as it is."""
    path = truth.path("trainedNetwork_2.mat")
    red, green, blue = (read_data(f"{path}:I")[..., n].astype(float) for n in range(3))
    grey = np.round(0.298936 * red + 0.587043 * green + 0.114021 * blue).astype(np.uint8)
    y = read_data(f"{path}:Ig")
    network = Network.of([ImageInput(name="image", input_size=(*y.shape, 1), normalization="none")])
    x = resized(grey[..., None], network, "image")
    yield Told(truth.id, path, Case(network, (x,), (y.astype(np.float32),)))


# -- decided by training data --------------------------------------------------------------------

RMSE, MEAN = "sqrt(mean((y - t).^2, 'all'))", "mean(abs(y - t), 'all')"
SHARE = "sum((argmax(y, 3) == t) .* counted, 'all') / sum(counted, 'all')"


def reduced(truth: Truth) -> Iterator[Told]:
    path = truth.corpus / truth.about["network"].partition(":")[0]
    for name, figure in (("train_dataset", 0.271), ("test_dataset", 0.491)):
        data = read_mat(path, [name])[name].saved["Data"]
        u = data["u"]["signals"]["values"][:-1]
        t = data["x"]["signals"][2]["values"][1:]
        yield truth.trained(u.T, RMSE, {"t": t.T}, figure, 3)


def battery(truth: Truth) -> Iterator[Told]:
    file = "data/workshop--battery-test-25degc.mat"
    x, y = truth.value(f"{file}:X"), truth.value(f"{file}:Y")
    yield truth.trained(x[:3, :12000], RMSE, {"t": y[:, :12000]}, 0.0074, 4)


def autoencoder(truth: Truth) -> Iterator[Told]:
    path = truth.corpus / "data/industrial-machinery--features.mat"
    labels, *columns = read_mat(path)["featureAll"].columns.values()
    every = np.concatenate(columns, axis=1)
    for label, figure, digits in (("After", 0.050, 3), ("Before", 0.20, 2)):
        rows = every[np.array(list(labels)) == label][:1500]
        x = rows[None]
        yield truth.trained(x, MEAN, {"t": x}, figure, digits, format="CBT")


def attention(truth: Truth) -> Iterator[Told]:
    file = "data/transformer--experiment-data.mat"
    x, y = truth.value(f"{file}:xTrain"), truth.value(f"{file}:yTrain")
    words, figure = "sqrt(mean((y - t).^2, 1))", [0.046, 0.093, 0.035]
    yield truth.trained(x[:3000], words, {"t": y[:3000]}, figure, 3)


def curves(truth: Truth) -> Iterator[Told]:
    with np.load(truth.path("inputs.npz")) as inputs:
        x, t = list(inputs["X"]), inputs["target"].reshape(-1, 1)
    yield truth.trained(x, MEAN, {"t": t}, 0.00383, 5)


def reaching(truth: Truth) -> Iterator[Told]:
    files = {"LQGxyBase": 0.0035, "LQGxy15CW": 0.0038, "LQGxy15CCWadapt": 0.0044}
    for name, figure in files.items():
        data = read_mat(truth.path(f"{name}.mat"), ["Traj"])["Traj"]["Out"]
        x, t = data[240:360, :, None], data[120:240, :, None]
        yield truth.trained(x, RMSE, {"t": t}, figure, 4, format="CBT")


def hands(truth: Truth) -> Iterator[Told]:
    """The names of the folders are the labels."""
    path, network = truth.network()
    files = [f for name in network.classes for f in sorted(truth.path("images").glob(f"{name}/*"))]
    files = files[::5]
    x = np.stack([read_data(str(file)) for file in files], -1)
    labels = np.array([file.parent.name for file in files], object)
    yield Told(truth.id, path, Case(network, (x,), (labels,), classes=network.classes), TRAINED)


def digits(truth: Truth) -> Iterator[Told]:
    with np.load(truth.path("labels.npz")) as held:
        images, labels = held["images"][:, :, None], held["labels"][:, :, None].astype(float)
    names = {"t": labels + 1, "counted": (labels < 10).astype(float)}
    for network, figure in (("M2NIST_dilatedCNN_avgpool", 0.3283), ("net", 0.5145)):
        text = f"truth/{truth.id}/{network}.mat:net"
        yield truth.trained(images, SHARE, names, figure, 4, text)


def flowers(truth: Truth) -> Iterator[Told]:
    with np.load(truth.path("data.npz")) as held:
        images, labels = held["images"], held["labels"][:, :, None]
    counted = np.isin(labels, (1, 3)).astype(float)
    names = {"t": np.where(labels == 1, 1.0, 2.0), "counted": counted}
    figures = {"yash": 0.9949, "aiswarya": 0.9674, "uniform": 0.9414, "zeyad": 0.8220}
    for network, figure in figures.items():
        text = f"truth/{truth.id}/{network}.mat:net"
        yield truth.trained(images, SHARE, names, figure, 4, text)


def metamaterials(truth: Truth) -> Iterator[Told]:
    x, t = (
        _mapped(read_data(f"{truth.path('dataset_HOMs.mat')}:{n}")) for n in ("input", "output")
    )
    words, figure = "sqrt(mean((y - t).^2, 1))", [0.0181, 0.0162, 0.0360, 0.0116]
    yield truth.trained(x, words, {"t": t}, figure, 4)


def _mapped(x: np.ndarray) -> np.ndarray:
    low, high = x.min(0), x.max(0)
    return np.asarray((x - low) / (high - low))


def cifar(truth: Truth) -> Iterator[Told]:
    with open(truth.path("cifar10_test.csv"), newline="", encoding="utf-8") as file:
        rows = np.array([[int(n) for n in row] for row in csv.reader(file)])
    # The classes stand in the order of their Portuguese names.
    order = [1, 0, 5, 9, 7, 3, 8, 2, 6, 4]
    t = np.array([[order.index(label) + 1.0] for label in rows[:, 0]])
    images = np.moveaxis(rows[:, 1:].reshape(-1, 32, 32, 3), 0, -1).astype(np.float32)
    yield truth.trained(images, "mean(argmax(y, 2) == t)", {"t": t}, 0.82, 2)


BUILDERS: dict[str, Builder] = {
    "fenn-lm-closed-loop": closed_loop,
    "openkintest-rescale": rescale,
    "lstm-saved-state": saved_state,
    "jv-minibatch-padding": padded,
    "daffodil-seg": daffodils,
    "radar-images": pictures,
    "segnet-nano": counted_pixels,
    "object-recognition-onnx": by_onnxruntime((150, 150, 3), "files/object-recognition--net.onnx"),
    "speech-onnx-import": by_onnxruntime(
        (98, 50, 1), "truth/speech-onnx-import/cmdRecognitionPyTorch.onnx"
    ),
    "imresize-gray": imresized,
    "gru-ph": reduced,
    "lstm-projected-battery": battery,
    "bilstm-autoencoder": autoencoder,
    "self-attention": attention,
    "afm-conv1d-bilstm-gap": curves,
    "bilstm-reach": reaching,
    "squeezenet-hands": hands,
    "m2nist-segmentation": digits,
    "unet-flower": flowers,
    "leaky-metamaterials": metamaterials,
    "cifar-avgpool": cifar,
}
