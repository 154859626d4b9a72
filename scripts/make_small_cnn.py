#!/usr/bin/env python3
"""usage: make_small_cnn.py OUT.onnx: writes a small convolution net with fixed pseudo-random weights: 28 x 28 pictures
to ten probabilities by Conv, Relu, MaxPool (twice), Flatten, Gemm, Softmax. Needs Python only."""
import struct
import sys


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def integer(number, value):
    return varint(number << 3) + varint(value)


def text(number, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, scale):
    count = 1
    for d in dims:
        count *= d
    state, values = len(name) * 7919 + count, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        values.append((state / 0x7FFFFFFF - 0.5) * scale)
    return b"".join(integer(1, d) for d in dims) + integer(2, 1) + text(8, name) + text(9, struct.pack(f"<{count}f", *values))


def ints(name, values):
    return text(1, name) + b"".join(integer(8, v) for v in values) + integer(20, 7)


def node(op, inputs, output, *attrs):
    return b"".join(text(1, i) for i in inputs) + text(2, output) + text(4, op) + b"".join(text(5, a) for a in attrs)


def value(name, dims):
    shape = b"".join(text(1, text(2, d) if isinstance(d, str) else integer(1, d)) for d in dims)
    return text(1, name) + text(2, text(1, integer(1, 1) + text(2, shape)))


def small_cnn():
    weights = [("w1", [8, 1, 3, 3], 1), ("b1", [8], 0.1), ("w2", [16, 8, 3, 3], 0.4), ("b2", [16], 0.1),
               ("w3", [784, 10], 0.1), ("b3", [10], 0.1)]
    pads, pool = ints("pads", [1, 1, 1, 1]), [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])]
    nodes = [node("Conv", ["x", "w1", "b1"], "c1", pads), node("Relu", ["c1"], "r1"), node("MaxPool", ["r1"], "p1", *pool),
             node("Conv", ["p1", "w2", "b2"], "c2", pads), node("Relu", ["c2"], "r2"), node("MaxPool", ["r2"], "p2", *pool),
             node("Flatten", ["p2"], "f"), node("Gemm", ["f", "w3", "b3"], "g"), node("Softmax", ["g"], "y")]
    graph = b"".join(text(1, n) for n in nodes) + text(2, "small_cnn") + b"".join(text(5, tensor(*w)) for w in weights)
    graph += text(11, value("x", ["n", 1, 28, 28])) + text(12, value("y", ["n", 10]))
    return integer(1, 8) + text(2, "anyrt") + text(7, graph) + text(8, text(1, "") + integer(2, 17))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "wb") as file:
        file.write(small_cnn())
