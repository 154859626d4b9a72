"""Transformers, as torch exports them."""
import math

import numpy as np

from .net import I64, Net


def heads_traced(n, x, batch, length, heads, size):
    """view(batch, length, heads, size) with sizes read from the graph, then to (batch, heads, length, size)."""
    x = n.op("Reshape", x, n.shape_of(batch, length, heads, size))
    return n.transpose(x, 0, 2, 1, 3)


def bert(path, seed, layers, hidden, heads, inner, vocab=30522):
    """Dynamic batch and length: Shape, Gather, Unsqueeze, Concat before each Reshape; additive mask; decomposed LayerNorm and GELU."""
    n = Net("bert", seed, opset=14)
    ids, mask, kinds = (n.input(name, ["batch", "length"], I64) for name in ("input_ids", "attention_mask", "token_type_ids"))
    batch, length = n.dim(ids, 0), n.dim(ids, 1)
    extended = n.op("Cast", n.op("Unsqueeze", n.op("Unsqueeze", mask, n.ints(1)), n.ints(2)), to=1)
    bias = n.op("Mul", n.op("Sub", n.const(1.0), extended), n.const(-10000.0))
    positions = n.op("Slice", n.w(np.arange(512)[None].astype(np.int64)), n.ints(0), n.op("Unsqueeze", length, n.ints(0)), n.ints(1))
    x = n.op("Add", n.op("Gather", n.w(n.normal((vocab, hidden), 0.5)), ids), n.op("Gather", n.w(n.normal((2, hidden), 0.2)), kinds))
    x = n.layer_norm(n.op("Add", x, n.op("Gather", n.w(n.normal((512, hidden), 0.2)), positions)), hidden, 1e-12)
    size = hidden // heads
    for _ in range(layers):
        b, s = n.dim(x, 0), n.dim(x, 1)
        q, k, v = (n.linear(x, hidden, hidden) for _ in range(3))
        q = heads_traced(n, q, b, s, heads, size)
        v = heads_traced(n, v, b, s, heads, size)
        k = n.transpose(n.op("Reshape", k, n.shape_of(b, s, heads, size)), 0, 2, 3, 1)
        scores = n.op("Div", n.op("MatMul", q, k), n.const(math.sqrt(size)))
        weights = n.op("Softmax", n.op("Add", scores, bias), axis=-1)
        y = n.transpose(n.op("MatMul", weights, v), 0, 2, 1, 3)
        y = n.op("Reshape", y, n.shape_of(b, s, hidden))
        x = n.layer_norm(n.op("Add", n.linear(y, hidden, hidden), x), hidden, 1e-12)
        y = n.linear(n.gelu(n.linear(x, hidden, inner)), inner, hidden, gain=2.0)
        x = n.layer_norm(n.op("Add", y, x), hidden, 1e-12)
    first = n.op("Gather", x, n.const(0, np.int64), axis=1)
    n.output(n.op("Tanh", n.gemm(first, hidden, hidden)), "pooler_output", ["batch", hidden])
    n.output(x, "last_hidden_state", ["batch", "length", hidden])
    n.save(path)


def bert_base(path):
    bert(path, 20, 12, 768, 12, 3072)


def minilm(path):
    bert(path, 21, 6, 384, 12, 1536)


def encoder_layer(n, x, batch, length, hidden, heads, inner, fused_qkv, decomposed, key_bias=True):
    """Pre-norm layer with fixed sizes, as an export without dynamic axes."""
    size = hidden // heads
    y = n.layer_norm(x, hidden, decomposed=decomposed)
    if fused_qkv:
        qkv = n.transpose(n.reshape(n.linear(y, hidden, 3 * hidden), batch, length, 3, heads, size), 2, 0, 3, 1, 4)
        q, k, v = (n.op("Gather", qkv, n.const(i, np.int64), axis=0) for i in range(3))
        q = n.op("Mul", q, n.const(size**-0.5))
    else:
        q = n.op("Mul", n.linear(y, hidden, hidden), n.const(size**-0.5))
        k, v = n.linear(y, hidden, hidden, bias=key_bias), n.linear(y, hidden, hidden)
        q, k, v = (n.transpose(n.reshape(t, batch, length, heads, size), 0, 2, 1, 3) for t in (q, k, v))
    scores = n.op("MatMul", q, n.transpose(k, 0, 1, 3, 2))
    y = n.op("MatMul", n.op("Softmax", scores, axis=-1), v)
    y = n.reshape(n.transpose(y, 0, 2, 1, 3), batch, length, hidden)
    x = n.op("Add", x, n.linear(y, hidden, hidden, gain=0.5))
    y = n.layer_norm(x, hidden, decomposed=decomposed)
    return n.op("Add", x, n.linear(n.gelu(n.linear(y, hidden, inner)), inner, hidden, gain=1.0))


def vit_b16(path):
    """timm: fused QKV with Transpose and Gather, LayerNormalization as an operator, fixed sizes."""
    n = Net("vit_b16", 22, opset=17)
    x = n.conv(n.input("input", [1, 3, 224, 224]), 3, 768, 16, 16, [0, 0], gain=1.0)
    x = n.transpose(n.reshape(x, 1, 768, 196), 0, 2, 1)
    x = n.op("Concat", n.w(n.normal((1, 1, 768), 0.5)), x, axis=1)
    x = n.op("Add", x, n.w(n.normal((1, 197, 768), 0.2)))
    for _ in range(12):
        x = encoder_layer(n, x, 1, 197, 768, 12, 3072, True, False)
    x = n.layer_norm(x, 768, decomposed=False)
    x = n.op("Gather", x, n.const(0, np.int64), axis=1)
    n.output(n.gemm(x, 768, 1000), "output", [1, 1000])
    n.save(path)


def whisper_tiny_encoder(path):
    """Two 1-D convolutions with GELU, then four layers on 1,500 positions."""
    n = Net("whisper_tiny_encoder", 23, opset=14)
    x = n.gelu(n.conv(n.input("input_features", [1, 80, 3000]), 80, 384, 3, rank=1, gain=2.0))
    x = n.gelu(n.conv(x, 384, 384, 3, 2, rank=1, gain=2.0))
    x = n.op("Add", n.transpose(x, 0, 2, 1), n.w(n.normal((1500, 384), 0.3)))
    for _ in range(4):
        x = encoder_layer(n, x, 1, 1500, 384, 6, 1536, False, True, key_bias=False)
    n.output(n.layer_norm(x, 384), "last_hidden_state", [1, 1500, 384])
    n.save(path)


def llama_small(path):
    """Decoder with a key-value cache: decomposed RMSNorm, rotary embedding by Slice, Neg and Concat, grouped heads by Expand."""
    hidden, layers, heads, groups, inner, vocab = 512, 8, 8, 4, 1376, 8192
    size = hidden // heads
    n = Net("llama_small", 24, opset=14)
    ids = n.input("input_ids", ["batch", "length"], I64)
    positions = n.input("position_ids", ["batch", "length"], I64)
    past = [[n.input(f"past_key_values.{i}.{kind}", ["batch", groups, "past", size]) for kind in ("key", "value")]
            for i in range(layers)]
    x = n.op("Gather", n.w(n.normal((vocab, hidden), 0.7)), ids)
    batch, length = n.dim(ids, 0), n.dim(ids, 1)
    # Rotary angles.
    inverse = n.w((10000.0 ** (-np.arange(0, size, 2) / size)).astype(np.float32)[None, None])
    angle = n.op("Mul", n.op("Unsqueeze", n.op("Cast", positions, to=1), n.ints(2)), inverse)
    angle = n.op("Concat", angle, angle, axis=-1)
    cos, sin = (n.op("Unsqueeze", n.op(f, angle), n.ints(1)) for f in ("Cos", "Sin"))
    # Causal mask over past and present: a key at or before the query's position is seen.
    total = n.op("Add", n.dim(past[0][0], 2), length)
    keys = n.op("Range", n.const(0, np.int64), total, n.const(1, np.int64))
    hidden_keys = n.op("Greater", n.op("Unsqueeze", keys, n.ints(0, 1)), n.op("Unsqueeze", positions, n.ints(2)))
    bias = n.op("Unsqueeze", n.op("Where", hidden_keys, n.const(-3.4028234663852886e38), n.const(0.0)), n.ints(1))

    def rotate(t):
        low = n.op("Slice", t, n.ints(0), n.ints(size // 2), n.ints(3), n.ints(1))
        high = n.op("Slice", t, n.ints(size // 2), n.ints(9223372036854775807), n.ints(3), n.ints(1))
        turned = n.op("Concat", n.op("Neg", high), low, axis=-1)
        return n.op("Add", n.op("Mul", t, cos), n.op("Mul", turned, sin))

    def repeat(t):
        t = n.op("Unsqueeze", t, n.ints(2))
        t = n.op("Expand", t, n.shape_of(batch, groups, heads // groups, total, size))
        return n.op("Reshape", t, n.shape_of(batch, heads, total, size))

    present = []
    for i in range(layers):
        y = n.rms_norm(x, hidden)
        q = rotate(heads_traced(n, n.linear(y, hidden, hidden, bias=False), batch, length, heads, size))
        k = rotate(heads_traced(n, n.linear(y, hidden, groups * size, bias=False), batch, length, groups, size))
        v = heads_traced(n, n.linear(y, hidden, groups * size, bias=False), batch, length, groups, size)
        k = n.op("Concat", past[i][0], k, axis=2)
        v = n.op("Concat", past[i][1], v, axis=2)
        present.append((k, v))
        scores = n.op("Div", n.op("MatMul", q, n.transpose(repeat(k), 0, 1, 3, 2)), n.const(math.sqrt(size)))
        weights = n.op("Softmax", n.op("Add", scores, bias), axis=-1)
        y = n.transpose(n.op("MatMul", weights, repeat(v)), 0, 2, 1, 3)
        y = n.op("Reshape", y, n.shape_of(batch, length, hidden))
        x = n.op("Add", x, n.linear(y, hidden, hidden, bias=False, gain=0.5))
        y = n.rms_norm(x, hidden)
        gate = n.silu(n.linear(y, hidden, inner, bias=False))
        y = n.op("Mul", gate, n.linear(y, hidden, inner, bias=False))
        x = n.op("Add", x, n.linear(y, inner, hidden, bias=False))
    x = n.rms_norm(x, hidden)
    n.output(n.linear(x, hidden, vocab, bias=False), "logits", ["batch", "length", vocab])
    for i, pair in enumerate(present):
        for value, kind in zip(pair, ("key", "value")):
            n.output(value, f"present.{i}.{kind}", ["batch", groups, "total", size])
    n.save(path)
