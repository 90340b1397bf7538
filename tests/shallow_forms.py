"""Structures of shallow networks in two forms: matbridge's, and the plain dicts of
reference.shallow_network."""

from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)


def plain(structure):
    """A ShallowStructure as the reference has it."""

    def weights(parts):
        return {
            place: {"array": part.array, "delays": part.delays, "function": part.function}
            for place, part in parts.items()
        }

    def steps(part):
        return [(step.function, dict(step.settings)) for step in part.steps]

    def layer(part):
        names = ("size", "transfer", "net_input", "bias")
        return {name: getattr(part, name) for name in names}

    return {
        "inputs": [{"size": part.size, "steps": steps(part)} for part in structure.inputs],
        "layers": [layer(part) for part in structure.layers],
        "input_weights": weights(structure.input_weights),
        "layer_weights": weights(structure.layer_weights),
        "outputs": [{"layer": part.layer, "steps": steps(part)} for part in structure.outputs],
    }


def structure_of(example, **more):
    """A ShallowStructure of a plain dict; inputs and outputs may tell of feedback."""

    def steps(part):
        return tuple(ProcessStep(name, settings) for name, settings in part.get("steps", ()))

    def weights(parts):
        return {
            place: WeightPart(w["array"], w.get("delays", (0,)), w.get("function", "dotprod"))
            for place, w in parts.items()
        }

    def processed(number, part):
        for (_, j), weight in example["input_weights"].items():
            if j == number:
                return weight["array"].shape[1] // len(weight.get("delays", (0,)))
        return part["size"]

    def raw(part):
        size = example["layers"][part["layer"] - 1]["size"]
        for _, settings in part.get("steps", ()):
            size = int(settings["xrows"].item()) if "xrows" in settings else size
        return size

    def feedback(part):
        return {key: part[key] for key in part if key.startswith("feedback")}

    return ShallowStructure(
        tuple(
            InputPart(part["size"], processed(j, part), steps(part), **feedback(part))
            for j, part in enumerate(example["inputs"], 1)
        ),
        tuple(
            LayerPart(
                part["size"],
                part.get("transfer", "purelin"),
                part.get("net_input", "netsum"),
                part.get("bias"),
            )
            for part in example["layers"]
        ),
        tuple(
            OutputPart(part["layer"], raw(part), steps(part), **feedback(part))
            for part in example["outputs"]
        ),
        weights(example["input_weights"]),
        weights(example["layer_weights"]),
        **more,
    )
