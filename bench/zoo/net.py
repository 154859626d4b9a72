"""Writes ONNX graphs node by node, with seeded weights whose sizes keep activations near one."""
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, I64, I32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL


class Net:
    def __init__(self, name, seed, opset=17, producer="pytorch", version="2.4.0"):
        self.name, self.opset, self.producer, self.version = name, opset, producer, version
        self.rng = np.random.default_rng(seed)
        self.nodes, self.inputs, self.outputs, self.weights = [], [], [], []
        self.count = 0

    # Values.
    def fresh(self, stem):
        self.count += 1
        return f"{stem}_{self.count}"

    def input(self, name, shape, dtype=F32):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value, name, shape=None, dtype=F32):
        """Declares an output; the value takes its name, also where other nodes read it."""
        for n in self.nodes:
            for names in (n.input, n.output):
                for i, found in enumerate(names):
                    if found == value:
                        names[i] = name
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def w(self, array, name=None):
        name = name or self.fresh("w")
        array = np.ascontiguousarray(array)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def const(self, value, dtype=np.float32):
        """A Constant node, as exporters write scalars."""
        out = self.fresh("const")
        self.nodes.append(helper.make_node("Constant", [], [out], value=numpy_helper.from_array(np.array(value, dtype))))
        return out

    def ints(self, *values):
        return self.const(list(values), np.int64)

    def normal(self, shape, std):
        return self.rng.standard_normal(shape, dtype=np.float32) * np.float32(std)

    # Nodes.
    def op(self, kind, *inputs, outputs=1, domain="", **attrs):
        names = [self.fresh(kind.lower()) for _ in range(outputs)]
        label = "/" + names[0]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=label, domain=domain, **attrs))
        return names[0] if outputs == 1 else names

    def conv(self, x, cin, cout, k, stride=1, pad=None, groups=1, dilation=1, bias=True, gain=2.0, rank=2, **attrs):
        """Folded convolution: variance of the result is gain/2 of ReLU's input."""
        k = (k,) * rank if isinstance(k, int) else tuple(k)
        stride = (stride,) * rank if isinstance(stride, int) else tuple(stride)
        dilation = (dilation,) * rank
        fan_in = cin // groups * math.prod(k)
        weight = self.w(self.normal((cout, cin // groups, *k), math.sqrt(gain / fan_in)))
        if pad is None:
            pad = [d * (n - 1) // 2 for n, d in zip(k, dilation)]
        pad = list(pad)
        pads = pad * 2 if len(pad) == rank else pad
        args = [x, weight] + ([self.w(self.normal(cout, 0.05))] if bias else [])
        return self.op("Conv", *args, dilations=dilation, group=groups, kernel_shape=k, pads=pads, strides=stride, **attrs)

    def batch_norm(self, x, c, scale=1.0):
        r = self.rng
        return self.op("BatchNormalization", x, self.w((r.uniform(0.8, 1.2, c) * scale).astype(np.float32)),
                       self.w(self.normal(c, 0.05)), self.w(self.normal(c, 0.05)),
                       self.w(r.uniform(0.8, 1.2, c).astype(np.float32)), epsilon=1e-5, momentum=0.9)

    def linear(self, x, cin, cout, bias=True, gain=1.0, bias_first=True):
        """torch.nn.Linear on a value of rank 3: MatMul, then Add with the bias in front."""
        y = self.op("MatMul", x, self.w(self.normal((cin, cout), math.sqrt(gain / cin))))
        if not bias:
            return y
        b = self.w(self.normal(cout, 0.02))
        return self.op("Add", b, y) if bias_first else self.op("Add", y, b)

    def gemm(self, x, cin, cout, gain=1.0):
        return self.op("Gemm", x, self.w(self.normal((cout, cin), math.sqrt(gain / cin))), self.w(self.normal(cout, 0.02)),
                       alpha=1.0, beta=1.0, transB=1)

    # Activations in the forms that exporters leave.
    def relu(self, x):
        return self.op("Relu", x)

    def relu6(self, x):
        return self.op("Clip", x, self.const(0.0), self.const(6.0))

    def silu(self, x):
        return self.op("Mul", x, self.op("Sigmoid", x))

    def hard_swish(self, x, decomposed=False):
        if not decomposed:
            return self.op("HardSwish", x)
        inner = self.op("Clip", self.op("Add", x, self.const(3.0)), self.const(0.0), self.const(6.0))
        return self.op("Div", self.op("Mul", x, inner), self.const(6.0))

    def gelu(self, x):
        erf = self.op("Erf", self.op("Div", x, self.const(math.sqrt(2.0))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.const(1.0))), self.const(0.5))

    def layer_norm(self, x, c, eps=1e-5, decomposed=True):
        scale, bias = self.w(1 + self.normal(c, 0.05)), self.w(self.normal(c, 0.05))
        if not decomposed:
            return self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=eps)
        centred = self.op("Sub", x, self.op("ReduceMean", x, axes=[-1], keepdims=1))
        variance = self.op("ReduceMean", self.op("Pow", centred, self.const(2.0)), axes=[-1], keepdims=1)
        normed = self.op("Div", centred, self.op("Sqrt", self.op("Add", variance, self.const(eps))))
        return self.op("Add", self.op("Mul", normed, scale), bias)

    def rms_norm(self, x, c, eps=1e-5):
        variance = self.op("ReduceMean", self.op("Pow", x, self.const(2.0)), axes=[-1], keepdims=1)
        normed = self.op("Div", x, self.op("Sqrt", self.op("Add", variance, self.const(eps))))
        return self.op("Mul", self.w(1 + self.normal(c, 0.05)), normed)

    # Shape arithmetic as torch's tracer leaves it.
    def dim(self, x, axis):
        return self.op("Gather", self.op("Shape", x), self.const(axis, np.int64), axis=0)

    def shape_of(self, *parts):
        """Concat of unsqueezed sizes: an int is a constant, a string a scalar value."""
        pieces = [self.op("Unsqueeze", p, self.ints(0)) if isinstance(p, str) else self.ints(p) for p in parts]
        return self.op("Concat", *pieces, axis=0)

    def reshape(self, x, *dims):
        return self.op("Reshape", x, self.ints(*dims))

    def transpose(self, x, *perm):
        return self.op("Transpose", x, perm=perm)

    def save(self, path):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid("", self.opset)]
        if any(n.domain == "ai.onnx.ml" for n in self.nodes):
            opsets.append(helper.make_opsetid("ai.onnx.ml", 3))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=self.producer,
                                  producer_version=self.version)
        onnx.save(model, path)
