"""An operator written in Python: a model that uses it is made, run, and run once more with bad input.

    python examples/custom_op.py
"""
import numpy as np
import onnx
from onnx import TensorProto, helper

import anyrt as ort


def same_type_and_shape(x, *, limit=1.0):
    return x  # (dtype, shape) of the input


@ort.custom_op("SoftClip", domain="example", types={"x": "float32|float64", "y": "x"}, infer=same_type_and_shape)
def soft_clip(x, *, limit=1.0):
    """Limits values smoothly to [-limit, limit]."""
    if limit <= 0:
        raise ValueError(f"limit is {limit}, expected more than 0")
    return limit * np.tanh(x / limit)


def model(limit):
    node = helper.make_node("SoftClip", ["x"], ["clipped"], domain="example", limit=limit)
    graph = helper.make_graph([node, helper.make_node("Neg", ["clipped"], ["y"])], "example",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("example", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def main():
    session = ort.InferenceSession(model(2.0))
    x = np.float32([-10, 0.5, 10])
    print("x      ", x)
    print("output ", session.run(None, {"x": x})[0])
    try:
        ort.InferenceSession(model(-1.0)).run(None, {"x": x})
    except ort.Error as error:
        print("error  ", str(error).splitlines()[0], "...", str(error).splitlines()[-1])


if __name__ == "__main__":
    main()
