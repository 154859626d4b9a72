"""Recurrent taggers, tree ensembles and models that take less than 100 microseconds."""
import numpy as np

from .net import F32, I64, Net


def recurrent(n, kind, x, cin, hidden, both, **attrs):
    gates, ways = {"LSTM": 4, "GRU": 3}[kind], 2 if both else 1
    scale = hidden**-0.5
    w = n.w(n.normal((ways, gates * hidden, cin), cin**-0.5))
    r = n.w(n.normal((ways, gates * hidden, hidden), scale))
    b = n.w(n.normal((ways, 2 * gates * hidden), 0.05))
    args = dict(hidden_size=hidden, direction="bidirectional" if both else "forward", **attrs)
    return n.op(kind, x, w, r, b, "", outputs=3 if kind == "LSTM" else 2, **args)[0]


def lstm_tagger(path):
    """torch: embedding, two bidirectional layers with Transpose and Reshape between them, linear; 64 tokens."""
    n = Net("lstm_tagger", 30, opset=14)
    x = n.op("Gather", n.w(n.normal((5000, 128), 1.0)), n.input("tokens", [1, 64], I64))
    x = n.transpose(x, 1, 0, 2)
    for cin in (128, 256):
        y = recurrent(n, "LSTM", x, cin, 128, True)
        x = n.op("Reshape", n.transpose(y, 0, 2, 1, 3), n.ints(0, 0, -1))
    x = n.transpose(x, 1, 0, 2)
    n.output(n.linear(x, 256, 20), "tags", [1, 64, 20])
    n.save(path)


def gru_tagger(path):
    """torch: two forward GRU layers (linear before reset) on 100 frames of sound features."""
    n = Net("gru_tagger", 31, opset=14)
    x = n.transpose(n.input("frames", [1, 100, 80]), 1, 0, 2)
    for cin in (80, 192):
        y = recurrent(n, "GRU", x, cin, 192, False, linear_before_reset=1)
        x = n.op("Squeeze", y, n.ints(1))
    x = n.linear(n.transpose(x, 1, 0, 2), 192, 40)
    n.output(n.op("LogSoftmax", x, axis=-1), "scores", [1, 100, 40])
    n.save(path)


def lstm_keras(path):
    """keras through tf2onnx: batch first with Transpose and Squeeze around each layer, dense head on the last step."""
    n = Net("lstm_keras", 32, opset=13, producer="tf2onnx", version="1.16.1")
    x = n.input("input_1", [1, 48, 16])
    for cin in (16, 64):
        y = recurrent(n, "LSTM", n.transpose(x, 1, 0, 2), cin, 64, False)
        x = n.transpose(n.op("Squeeze", y, n.ints(1)), 1, 0, 2)
    last = n.op("Slice", x, n.ints(-1), n.ints(9223372036854775807), n.ints(1))
    last = n.op("Squeeze", last, n.ints(1))
    y = n.relu(n.linear(last, 64, 32, bias_first=False))
    n.output(n.linear(y, 32, 1, bias_first=False), "dense", [1, 1])
    n.save(path)


def trees(path, seed, count, depth, features, rows, classes):
    n = Net("trees", seed, opset=15, producer="skl2onnx", version="1.17")
    r = n.rng
    inner = 2**depth - 1
    everything = 2 * inner + 1
    ids = np.arange(everything)
    modes, feature, value, yes, no, tree, node = [], [], [], [], [], [], []
    leaf_tree, leaf_node, leaf_id, leaf_weight = [], [], [], []
    for t in range(count):
        is_leaf = ids >= inner
        tree += [t] * everything
        node += ids.tolist()
        modes += ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf]
        feature += np.where(is_leaf, 0, r.integers(0, features, everything)).tolist()
        value += np.where(is_leaf, 0, r.standard_normal(everything)).astype(np.float32).tolist()
        yes += np.where(is_leaf, 0, 2 * ids + 1).tolist()
        no += np.where(is_leaf, 0, 2 * ids + 2).tolist()
        for leaf in ids[is_leaf].tolist():
            leaf_tree.append(t)
            leaf_node.append(leaf)
            leaf_id.append(t % classes if classes else 0)
            leaf_weight.append(float(np.float32(r.standard_normal() * 0.1)))
    common = dict(nodes_falsenodeids=no, nodes_featureids=feature, nodes_hitrates=[1.0] * len(tree), nodes_missing_value_tracks_true=[0] * len(tree),
                  nodes_modes=modes, nodes_nodeids=node, nodes_treeids=tree, nodes_truenodeids=yes, nodes_values=value)
    x = n.input("X", [rows, features])
    if classes:
        label, scores = n.op("TreeEnsembleClassifier", x, outputs=2, domain="ai.onnx.ml", class_ids=leaf_id, class_nodeids=leaf_node,
                             class_treeids=leaf_tree, class_weights=leaf_weight, classlabels_int64s=list(range(classes)),
                             post_transform="SOFTMAX", **common)
        n.output(label, "label", [rows], I64)
        n.output(scores, "probabilities", [rows, classes])
    else:
        y = n.op("TreeEnsembleRegressor", x, domain="ai.onnx.ml", n_targets=1, target_ids=leaf_id, target_nodeids=leaf_node,
                 target_treeids=leaf_tree, target_weights=leaf_weight, **common)
        n.output(y, "variable", [rows, 1])
    n.save(path)


def trees_small(path):
    """100 trees of depth 4, one row of 20 features."""
    trees(path, 33, 100, 4, 20, 1, 0)


def trees_large(path):
    """600 trees of depth 8, 256 rows of 64 features, three classes."""
    trees(path, 34, 600, 8, 64, 256, 3)


def tiny_mlp(path):
    """A control policy: three layers with tanh."""
    n = Net("tiny_mlp", 40, opset=13)
    x = n.input("observation", [1, 24])
    for cin, cout in ((24, 64), (64, 64)):
        x = n.op("Tanh", n.gemm(x, cin, cout))
    n.output(n.gemm(x, 64, 6), "action", [1, 6])
    n.save(path)


def tiny_chain(path):
    """200 element-wise nodes on 16 numbers."""
    n = Net("tiny_chain", 41, opset=13)
    x = n.input("x", [1, 16])
    for k in range(100):
        x = n.op("Tanh", n.op("Add", x, n.w(n.normal((1, 16), 0.3))))
    n.output(x, "y", [1, 16])
    n.save(path)


def tiny_conv(path):
    """A wake-word head: four 1-D convolutions with ReLU, pooling, linear."""
    n = Net("tiny_conv", 42, opset=13)
    x = n.input("features", [1, 16, 32])
    for cin, cout in ((16, 24), (24, 24), (24, 32), (32, 32)):
        x = n.relu(n.conv(x, cin, cout, 3, rank=1))
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    n.output(n.op("Softmax", n.gemm(x, 32, 4), axis=1), "scores", [1, 4])
    n.save(path)


def tiny_attention(path):
    """One attention layer on 8 positions of 32 channels with traced sizes."""
    n = Net("tiny_attention", 43, opset=14)
    x = n.input("x", ["batch", 8, 32])
    b = n.dim(x, 0)
    q, k, v = (n.linear(x, 32, 32) for _ in range(3))
    q, v = (n.transpose(n.op("Reshape", t, n.shape_of(b, 8, 4, 8)), 0, 2, 1, 3) for t in (q, v))
    k = n.transpose(n.op("Reshape", k, n.shape_of(b, 8, 4, 8)), 0, 2, 3, 1)
    weights = n.op("Softmax", n.op("Mul", n.op("MatMul", q, k), n.const(8**-0.5)), axis=-1)
    y = n.transpose(n.op("MatMul", weights, v), 0, 2, 1, 3)
    y = n.op("Reshape", y, n.shape_of(b, 8, 32))
    n.output(n.layer_norm(n.op("Add", n.linear(y, 32, 32), x), 32), "y", ["batch", 8, 32])
    n.save(path)


def tiny_scaler(path):
    """scikit-learn: scaler and linear classifier on 13 features."""
    n = Net("tiny_scaler", 44, opset=15, producer="skl2onnx", version="1.17")
    r = n.rng
    x = n.input("X", [1, 13], F32)
    x = n.op("Scaler", x, domain="ai.onnx.ml", offset=r.standard_normal(13).astype(np.float32).tolist(),
             scale=r.uniform(0.5, 2, 13).astype(np.float32).tolist())
    label, scores = n.op("LinearClassifier", x, outputs=2, domain="ai.onnx.ml", classlabels_ints=[0, 1, 2],
                         coefficients=r.standard_normal(39).astype(np.float32).tolist(), intercepts=[0.1, -0.2, 0.0], multi_class=1,
                         post_transform="SOFTMAX")
    n.output(label, "label", [1], I64)
    n.output(n.op("Normalizer", scores, domain="ai.onnx.ml", norm="L1"), "probabilities", [1, 3])
    n.save(path)
