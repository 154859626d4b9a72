#!/usr/bin/env python3
"""usage: scripts/make_fuzz_seeds.py: writes the seeds of fuzz/onnx_reader_fuzz.cc to fuzz/corpus/onnx_reader/.

Needs the Python package onnx. The seeds are committed, so this runs only when one is added."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

out = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "onnx_reader"
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING


def save(name, message):
    data = message.SerializeToString()
    assert len(data) < 4096, f"{name}: {len(data)} bytes, expected a small seed"
    (out / name).write_bytes(data)


def value(name, dtype=FLOAT, shape=("N", 2)):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, **more):
    functions = more.pop("functions", [])
    ir_version = more.pop("ir_version", 10)
    graph = helper.make_graph(nodes, "g", inputs, outputs, **more)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("f", 1), helper.make_opsetid("ai.onnx.ml", 4)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=ir_version)


def models():
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    save("matmul.onnx", model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x")], [value("y")], initializer=[weight]))
    old = model([helper.make_node("Transpose", ["w"], ["y"], perm=[1, 0])], [value("w", shape=[2, 2])], [value("y")],
                initializer=[weight], ir_version=3)
    for attribute in old.graph.node[0].attribute:
        attribute.ClearField("type")
    save("old.onnx", old)

    inner = helper.make_graph([helper.make_node("Add", ["x", "h"], ["i"])], "inner", [], [value("i")])
    then = helper.make_graph([helper.make_node("Abs", ["x"], ["h"]),
                              helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner)],
                             "then", [], [value("t")])
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["e"])], "else", [], [value("e")])
    save("if.onnx", model([helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                          [value("c", BOOL, []), value("x")], [value("y")]))
    body = helper.make_graph([helper.make_node("Add", ["a", "x"], ["b"]), helper.make_node("Identity", ["k"], ["k2"])], "body",
                             [value("n", INT64, []), value("k", BOOL, []), value("a")],
                             [value("k2", BOOL, []), value("b")])
    save("loop.onnx", model([helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)],
                            [value("m", INT64, []), value("x")], [value("y")]))
    save("unsorted.onnx", model([helper.make_node("Neg", ["a"], ["y"]), helper.make_node("Abs", ["x"], ["a"])],
                                [value("x")], [value("y")]))

    leaky = helper.make_node("LeakyRelu", ["a"], ["t"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    branch = helper.make_graph([helper.make_node("Neg", ["t"], ["r"])], "branch", [], [value("r")])
    choose = helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)
    leaf = helper.make_function("f", "Leaf", ["a", "c"], ["b"], [leaky, choose], [helper.make_opsetid("", 15)],
                                attribute_protos=[helper.make_attribute("slope", 0.5)])
    call = helper.make_node("Leaf", ["a", "c"], ["m"], domain="f")
    call.attribute.add(name="slope", ref_attr_name="s", type=onnx.AttributeProto.FLOAT)
    outer = helper.make_function("f", "Outer", ["a", "c"], ["b"], [call, helper.make_node("Leaf", ["m", "c"], ["b"], domain="f")],
                                 [helper.make_opsetid("", 20), helper.make_opsetid("f", 1)], attributes=["s"])
    save("function.onnx", model([helper.make_node("Outer", ["x", "c"], ["y"], domain="f", s=0.25)],
                                [value("x"), value("c", BOOL, [])], [value("y")], functions=[leaf, outer]))

    constants = []
    for dtype in range(1, 27):
        if dtype == STRING:
            constants.append(helper.make_tensor("s", STRING, [2], [b"a", b"bc"]))
            continue
        scalars = np.array([0, 1, 1], helper.tensor_dtype_to_np_dtype(dtype))
        raw = numpy_helper.from_array(scalars, f"r{dtype}")
        constants.append(raw)
        constants.append(helper.make_tensor(f"t{dtype}", dtype, [3], scalars.tolist()))
    save("types.onnx", model([helper.make_node("Neg", ["x"], ["y"])], [value("x")], [value("y")], initializer=constants,
                             ir_version=13))

    sparse = helper.make_sparse_tensor(numpy_helper.from_array(np.array([1, 2], np.float32), "sp"),
                                       numpy_helper.from_array(np.array([[0, 1], [1, 0]], np.int64)), [2, 2])
    attrs = helper.make_node("Any", ["sp"], ["y"], domain="f", i=1, f=1.5, s="t", ints=[1, -1], floats=[1.0], strings=["a", "b"],
                             t=weight, ts=[weight], sparse=sparse, tp=helper.make_tensor_type_proto(FLOAT, [1, None, "n"]))
    save("attributes.onnx", model([attrs], [], [value("y")], sparse_initializer=[sparse]))

    outside = TensorProto(name="w", data_type=FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "w.bin"), ("offset", "16"), ("length", "16")):
        outside.external_data.add(key=key, value=text)
    save("external.onnx", model([helper.make_node("Neg", ["w"], ["y"])], [], [value("y")], initializer=[outside]))

    tensor_type = helper.make_tensor_type_proto(FLOAT, ["N"])
    types = [helper.make_sequence_type_proto(tensor_type), helper.make_optional_type_proto(tensor_type),
             helper.make_map_type_proto(INT64, tensor_type), helper.make_sparse_tensor_type_proto(FLOAT, [2])]
    infos = [helper.make_value_info(f"x{k}", t) for k, t in enumerate(types)]
    kinds = model([helper.make_node("Any", ["x0", "", "x1"], ["y", ""], domain="f")], infos, [value("y")])
    kinds.metadata_props.add(key="k", value="v")
    kinds.graph.quantization_annotation.add(tensor_name="y").quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="x0")
    kinds.training_info.add()
    save("kinds.onnx", kinds)


def values():
    small = np.ones((2,), np.float32)
    save("tensor.pb", numpy_helper.from_array(small))
    save("sequence.pb", numpy_helper.from_list([small, small]))
    save("nested.pb", numpy_helper.from_list([[small], []]))
    save("map_int.pb", numpy_helper.from_dict({1: small, 2: small}))
    save("optional.pb", numpy_helper.from_optional(small))
    save("optional_sequence.pb", numpy_helper.from_optional([small]))
    strings = onnx.MapProto(key_type=STRING, string_keys=[b"a"])
    strings.values.CopyFrom(numpy_helper.from_list([small]))
    save("map_string.pb", strings)


out.mkdir(parents=True, exist_ok=True)
models()
values()
