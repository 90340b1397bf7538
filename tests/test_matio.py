"""What matbridge reaches for inside mat-io: these tell when a release moves any of it."""

import inspect

import matio
import pytest
from matio.subsystem.subsys import MatSubsystem
from matio.v5.matreader5 import MatFile5Reader
from matio.v5.matwriter5 import MatFile5Writer, write_subsystem
from matio.v7.matreader7 import MatRead7
from matio.v7.matwriter7 import MatWrite7


def parameters(function):
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (MatSubsystem.__init__, ["self", "byte_order", "raw_data"]),
        (MatSubsystem.load_mcos_data, ["self", "fwrap_data"]),
        (MatSubsystem.load_opaque_object, ["self", "metadata", "type_system", "classname"]),
        (MatSubsystem.load_mcos_object, ["self", "metadata", "type_system"]),
        (MatSubsystem.load_mcos_enumeration, ["self", "metadata", "type_system"]),
        (MatSubsystem.get_object_metadata, ["self", "object_id"]),
        (MatSubsystem.get_saved_properties, ["self", "obj_type_id", "saveobj_ret_type"]),
        (MatSubsystem.get_properties, ["self", "object_id"]),
        (MatSubsystem.get_classname, ["self", "class_id"]),
        (MatSubsystem.set_mcos_object_metadata, ["self", "obj"]),
        (MatSubsystem.set_enumeration_metadata, ["self", "enum_array"]),
        (MatSubsystem.serialize_nested_props, ["self", "prop_value"]),
        (MatSubsystem.set_object_id, ["self", "obj", "saveobj_ret_type"]),
        (MatSubsystem.create_mcos_metadata, ["self", "dims", "arr_ids", "class_id"]),
        (MatFile5Reader.__init__, ["self", "mat_stream", "byte_order", "subsystem"]),
        (MatFile5Reader.read_var_array, ["self", "header", "process"]),
        (MatRead7.__init__, ["self", "file_stream", "subsystem"]),
        (MatRead7.read_h5_data, ["self", "obj"]),
        (MatFile5Writer.put_variables, ["self", "mdict", "global_vars", "do_compression"]),
        (MatWrite7.put_variables, ["self", "mdict", "global_vars"]),
        (write_subsystem, ["subsystem", "oned_as"]),
    ],
)
def test_signatures(function, expected):
    assert parameters(function)[: len(expected)] == expected


def test_state_of_the_object_store():
    store = MatSubsystem("<")
    for name in (
        "mcos_names",
        "class_id_metadata",
        "object_id_metadata",
        "saveobj_metadata",
        "nobj_metadata",
        "dynprop_metadata",
        "mcos_props_saved",
        "mcos_props_defaults",
        "mcos_object_cache",
    ):
        assert hasattr(store, name), name


def test_what_matio_still_lacks(fixtures):
    """When this fails, mat-io tells each element's own class, and our module can shrink."""
    found = matio.load_from_mat(str(fixtures / "cnn.mat"), variable_names=["net"], raw_data=True)
    layers = found["net"].properties["any"][0, 0]["Layers"]
    assert {layer.classname for layer in layers.reshape(-1)} == {"nnet.cnn.layer.Layer"}
