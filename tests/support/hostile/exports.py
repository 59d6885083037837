"""Exported models that reach out of their file, bring operators of their own, or never end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from hostile.case import hostile

_OUTPUTS = {"output0": (1, 37, 84), "output1": (1, 32, 16, 16)}


def onnx_file(
    path: Path, nodes: Sequence[Any] = (), tensors: Sequence[Any] = (), domains: Sequence[str] = ("",), **more: Any
) -> Path:
    """Write an ONNX file that answers like a segmentation network, with nodes and tensors more."""
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in _OUTPUTS.items()}
    constants = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(np.zeros(shape, np.float32)))
        for name, shape in _OUTPUTS.items()
    ]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 64, 64))
    graph = helper.make_graph([*constants, *nodes], "g", [image], list(values.values()), initializer=list(tensors))
    imports = [helper.make_opsetid(domain, 17 if domain == "" else 1) for domain in domains]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8, **more)
    path.write_bytes(model.SerializeToString())
    return path


def external(location: str, name: str = "w") -> Any:
    """A tensor whose numbers lie in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.UINT8, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _bait(folder: Path) -> Path:
    (folder / "bait").write_bytes(b"secret bytes")
    return folder / "bait"


@hostile("model", refused="keeps weights in another file")
def _an_onnx_with_weights_in_a_folder_above(folder: Path) -> Path:
    _bait(folder)
    (folder / "in").mkdir()
    return onnx_file(folder / "in" / "model.onnx", tensors=[external("../bait")])


@hostile("model", refused="keeps weights in another file")
def _an_onnx_with_weights_at_an_absolute_path(folder: Path) -> Path:
    return onnx_file(folder / "model.onnx", tensors=[external(str(_bait(folder)))])


@hostile("model", refused="keeps weights in another file")
def _an_onnx_with_weights_through_a_link(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "weights").symlink_to(_bait(folder))
    return onnx_file(folder / "in" / "model.onnx", tensors=[external("weights")])


@hostile("model", refused="keeps weights in another file")
def _an_onnx_with_weights_elsewhere_in_an_attribute(folder: Path) -> Path:
    node = helper.make_node("Constant", [], ["w"], value=external(str(_bait(folder))))
    return onnx_file(folder / "model.onnx", [node])


@hostile("model", refused="keeps weights in another file")
def _an_onnx_with_weights_elsewhere_in_a_function(folder: Path) -> Path:
    node = helper.make_node("Constant", [], ["w"], value=external(str(_bait(folder))))
    function = helper.make_function("own", "F", [], ["w"], [node], [helper.make_opsetid("", 17)])
    call = helper.make_node("F", [], ["v"], domain="own")
    return onnx_file(folder / "model.onnx", [call], domains=("", "own"), functions=[function])


@hostile("model", refused=r"'Evil' of 'com\.example\.evil'")
def _an_onnx_with_an_operator_of_its_own(folder: Path) -> Path:
    node = helper.make_node("Evil", ["images"], ["w"], domain="com.example.evil")
    return onnx_file(folder / "model.onnx", [node], domains=("", "com.example.evil"))


@hostile("model", refused=r"'EPContext' of 'com\.microsoft'")
def _an_onnx_that_brings_a_compiled_program(folder: Path) -> Path:
    node = helper.make_node(
        "EPContext", ["images"], ["w"], domain="com.microsoft", embed_mode=0, ep_cache_context=str(_bait(folder))
    )
    return onnx_file(folder / "model.onnx", [node], domains=("", "com.microsoft"))


@hostile("model", refused="'Loop', with which a network may run for ever")
def _an_onnx_that_never_ends(folder: Path) -> Path:
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Identity", ["v"], ["v2"])], "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, ()),
            helper.make_tensor_value_info("c", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, (1,)),
        ],
        [
            helper.make_tensor_value_info("c2", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("v2", TensorProto.FLOAT, (1,)),
        ],
    )  # fmt: skip
    tensors = [
        onnx.numpy_helper.from_array(np.array(2**62), "count"),
        onnx.numpy_helper.from_array(np.array(True), "go"),
        onnx.numpy_helper.from_array(np.zeros(1, np.float32), "start"),
    ]
    return onnx_file(
        folder / "model.onnx", [helper.make_node("Loop", ["count", "go", "start"], ["w"], body=body)], tensors
    )


@hostile("model", refused=r"has 1,000,000,000,000 numbers")
def _an_onnx_that_asks_for_terabytes(folder: Path) -> Path:
    shape = onnx.numpy_helper.from_array(np.array([10**6, 10**6]), "shape")
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["w"])]
    return onnx_file(folder / "model.onnx", nodes, [shape])


@hostile("model", refused="claims to have")
def _an_onnx_that_claims_weights_it_does_not_hold(folder: Path) -> Path:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[10**6, 10**6], raw_data=b"1234")
    return onnx_file(folder / "model.onnx", tensors=[tensor])


@hostile("model", refused="damaged")
def _an_onnx_that_is_nested_without_end(folder: Path) -> Path:
    content = b""
    for _ in range(3_000):  # a graph in an attribute of a node of a graph …
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            content = tag + _varint(len(content)) + content
    (folder / "model.onnx").write_bytes(b"\x3a" + _varint(len(content)) + content)
    return folder / "model.onnx"


@hostile("model", refused="damaged|not opened")
def _a_runtimes_own_format_by_the_name_of_onnx(folder: Path) -> Path:
    (folder / "model.onnx").write_bytes(b"\x18\x00\x00\x00ORTM" + bytes(200))
    return folder / "model.onnx"


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


_PARAMETER = """<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,3,64,64" element_type="f32"/>
<output><port id="0" precision="FP32"><dim>1</dim><dim>3</dim><dim>64</dim><dim>64</dim></port></output></layer>"""
_RESULT = """<layer id="9" name="r" type="Result" version="opset1"><input><port id="0" precision="FP32"><dim>1</dim>
<dim>3</dim><dim>64</dim><dim>64</dim></port></input></layer>"""


def openvino_folder(
    folder: Path, layers: str = "", head: str = '<?xml version="1.0"?>', weights: bytes = b"1234", inner: str = ""
) -> Path:
    """Write an OpenVINO folder of one input, one output and some layers between."""
    there = folder / "model_openvino_model"
    there.mkdir(parents=True)
    edge = '<edge from-layer="0" from-port="0" to-layer="9" to-port="0"/>'
    net = f'<net name="n" version="11"><layers>{_PARAMETER}{layers}{_RESULT}</layers><edges>{edge}</edges>{inner}</net>'
    (there / "model.xml").write_text(f"{head}{net}")
    (there / "model.bin").write_bytes(weights)
    return there


def layer(kind: str, version: str, data: str = "") -> str:
    port = '<port id="1" precision="FP32"><dim>1</dim></port>'
    return f'<layer id="1" name="l" type="{kind}" version="{version}">{data}<output>{port}</output></layer>'


@hostile("model", refused="declares a document type")
def _an_openvino_with_an_external_entity(folder: Path) -> Path:
    head = f'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM "file://{_bait(folder)}">]>'
    return openvino_folder(folder, head=head, inner="<meta>&x;</meta>")


@hostile("model", refused="declares a document type")
def _an_openvino_with_entities_that_multiply(folder: Path) -> Path:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha" * 100}">' for i in range(12))
    return openvino_folder(folder, head=f'<?xml version="1.0"?><!DOCTYPE net [{entities}]>', inner="<m>&e11;</m>")


@hostile("model", refused="declares a document type|no whole XML")
def _an_openvino_with_an_entity_in_another_encoding(folder: Path) -> Path:
    there = openvino_folder(folder)
    text = f'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM "file://{_bait(folder)}">]><net>&x;</net>'
    (there / "model.xml").write_bytes(text.encode("utf-16"))
    return there


@hostile("model", refused=r"'Evil' is of 'extension'")
def _an_openvino_with_a_layer_of_an_extension(folder: Path) -> Path:
    return openvino_folder(folder, layer("Evil", "extension", '<data library="./bait.so"/>'))


@hostile("model", refused="damaged|does not answer like")
def _an_openvino_with_an_unknown_layer(folder: Path) -> Path:
    return openvino_folder(folder, layer("Evil", "opset1"))


@hostile("model", refused="'TensorIterator', with which")
def _an_openvino_that_never_ends(folder: Path) -> Path:
    return openvino_folder(folder, layer("TensorIterator", "opset1"))


@hostile("model", refused=r"lie outside of its \.bin")
def _an_openvino_with_weights_beyond_their_end(folder: Path) -> Path:
    data = '<data element_type="f32" shape="1" offset="18446744073709551612" size="8"/>'
    return openvino_folder(folder, layer("Const", "opset1", data))


@hostile("model", refused=r"has [\d,]+ numbers")
def _an_openvino_that_claims_terabytes(folder: Path) -> Path:
    port = '<port id="1" precision="FP32"><dim>1000000</dim><dim>1000000</dim></port>'
    return openvino_folder(folder, f'<layer id="1" type="Relu" version="opset1"><output>{port}</output></layer>')


@hostile("model", refused="was not opened")
def _an_openvino_that_is_something_else(folder: Path) -> Path:
    there = openvino_folder(folder)
    onnx_file(there / "model.onnx", tensors=[external(str(_bait(folder)))]).replace(there / "model.xml")
    return there


@hostile("model", refused="was not opened")
def _an_openvino_whose_weights_are_a_pipe(folder: Path) -> Path:
    there = openvino_folder(folder)
    (there / "model.bin").unlink()
    os.mkfifo(there / "model.bin")
    return there


def _noted(folder: Path, note: str) -> Path:
    there = openvino_folder(folder)
    (there / "metadata.yaml").write_text(note)
    return there


@hostile("model", refused="does not answer like")
def _a_note_in_yaml_with_a_call(folder: Path) -> Path:
    return _noted(folder, "imgsz: !!python/object/apply:os.system ['touch ran']\n")


@hostile("model", refused="does not answer like")
def _a_note_in_yaml_that_multiplies(folder: Path) -> Path:
    lines = ["a0: &a0 {x: 1}"] + [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 20)}]}}" for i in range(1, 12)]
    return _noted(folder, "\n".join(lines))


@hostile("model", refused="does not answer like")
def _a_note_in_yaml_that_is_nested_without_end(folder: Path) -> Path:
    return _noted(folder, "[" * 500_000)


@hostile("model", refused="does not answer like")
def _a_note_with_an_expression(folder: Path) -> Path:
    return _noted(folder, json.dumps({"imgsz": "[__import__('os').system('touch ran')]", "names": "(" * 90_000}))


@hostile("calibration")
def _calibration_images_that_come_by_a_script(folder: Path) -> Path:
    (folder / "data.yaml").write_text(
        "train: nowhere\nval: nowhere\nnames: [a]\ndownload: |\n  open('ran', 'w').close()\n"
    )
    return folder / "data.yaml"


@hostile("calibration", "dataset")
def _calibration_images_that_come_by_a_shell(folder: Path) -> Path:
    (folder / "data.yaml").write_text("train: nowhere\nval: nowhere\nnames: [a]\ndownload: bash touch ran\n")
    return folder / "data.yaml"


@hostile("calibration", refused="expected folders on this computer")
def _calibration_images_at_an_address(folder: Path) -> Path:
    (folder / "data.yaml").write_text("train: http://127.0.0.1:9/a.zip\nval: http://127.0.0.1:9/a.zip\nnames: [a]\n")
    return folder / "data.yaml"
