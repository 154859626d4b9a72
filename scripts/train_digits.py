#!/usr/bin/env python3
"""Trains the small in-tree digit classifier that the demo runs where PyPI cannot be reached.

Digits are drawn from a 5x7 font with shifts, noise and contrast changes; a 12x12 picture goes through one hidden layer.
usage: train_digits.py OUTPUT_FOLDER   (needs numpy and onnx; the same seed gives the same model)
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FONT = [
    "01110100011001110101110011000101110", "00100011000010000100001000010001110", "01110100010000100010001000100011111",
    "11111000100010000010000011000101110", "00010001100101010010111110001000010", "11111100001111000001000011000101110",
    "00110010001000011110100011000101110", "11111000010001000100010000100001000", "01110100011000101110100011000101110",
    "01110100011000101111000010001001100"]


def draw(rng, digit):
    glyph = np.array([int(c) for c in FONT[digit]], np.float32).reshape(7, 5)
    picture = np.zeros((12, 12), np.float32)
    top, left = rng.integers(0, 6), rng.integers(0, 8)
    picture[top:top + 7, left:left + 5] = glyph * rng.uniform(0.6, 1.0)
    return np.clip(picture + rng.normal(0, 0.15, picture.shape), 0, 1).astype(np.float32)


def batch(rng, n):
    labels = rng.integers(0, 10, n)
    return np.stack([draw(rng, d) for d in labels]).reshape(n, 144), labels


def main():
    out = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(7)
    w1 = rng.normal(0, 0.1, (144, 64)).astype(np.float32)
    b1 = np.zeros(64, np.float32)
    w2 = rng.normal(0, 0.1, (64, 10)).astype(np.float32)
    b2 = np.zeros(10, np.float32)
    params = [w1, b1, w2, b2]
    mean = [np.zeros_like(p) for p in params]
    square = [np.zeros_like(p) for p in params]
    for step in range(1, 6001):
        x, labels = batch(rng, 128)
        hidden = np.maximum(x @ w1 + b1, 0)
        logits = hidden @ w2 + b2
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(labels)), labels] -= 1
        p /= len(labels)
        back = (p @ w2.T) * (hidden > 0)
        for i, g in enumerate([x.T @ back, back.sum(0), hidden.T @ p, p.sum(0)]):
            mean[i] = 0.9 * mean[i] + 0.1 * g
            square[i] = 0.999 * square[i] + 0.001 * g * g
            rate = 0.003 * (1 - step / 6001)
            params[i] -= (rate * (mean[i] / (1 - 0.9**step)) / (np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8)).astype(np.float32)
    x, labels = batch(np.random.default_rng(8), 2000)
    right = (np.argmax(np.maximum(x @ w1 + b1, 0) @ w2 + b2, 1) == labels).mean()
    print(f"accuracy on 2000 new pictures: {right:.3f}")
    weights = [numpy_helper.from_array(p.astype(np.float32), n) for p, n in zip(params, ["w1", "b1", "w2", "b2"])]
    nodes = [helper.make_node("Flatten", ["picture"], ["pixels"]), helper.make_node("Gemm", ["pixels", "w1", "b1"], ["sums"]),
             helper.make_node("Relu", ["sums"], ["hidden"]), helper.make_node("Gemm", ["hidden", "w2", "b2"], ["logits"]),
             helper.make_node("Softmax", ["logits"], ["probabilities"])]
    graph = helper.make_graph(nodes, "digits", [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 1, 12, 12])],
                              [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="anyrt")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out / "digits.onnx")
    x, labels = batch(np.random.default_rng(9), 12)
    np.save(out / "pictures.npy", x.reshape(12, 1, 12, 12))
    (out / "labels.txt").write_text(" ".join(map(str, labels)) + "\n")


main()
