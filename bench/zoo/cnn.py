"""Image networks, as torch and tf2onnx export them."""
import numpy as np

from .net import Net


def resnet50(path):
    """torch: batch norm folded into the convolutions, ReLU, residual Add."""
    n = Net("resnet50", 1, opset=13)
    x = n.input("input", [1, 3, 224, 224])
    x = n.relu(n.conv(x, 3, 64, 7, 2, [3, 3]))
    x = n.op("MaxPool", x, ceil_mode=0, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    cin = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for b in range(blocks):
            s = stride if b == 0 else 1
            y = n.relu(n.conv(x, cin, width, 1))
            y = n.relu(n.conv(y, width, width, 3, s))
            y = n.conv(y, width, 4 * width, 1, gain=0.3)
            skip = n.conv(x, cin, 4 * width, 1, s, gain=1.0) if b == 0 else x
            x = n.relu(n.op("Add", y, skip))
            cin = 4 * width
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    n.output(n.gemm(x, 2048, 1000), "output", [1, 1000])
    n.save(path)


def inverted_residuals():
    for t, c, repeats, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                             (6, 320, 1, 1)):
        for k in range(repeats):
            yield t, c, s if k == 0 else 1


def mobilenetv2(path):
    """torch: batch norm folded, ReLU6 as Clip."""
    n = Net("mobilenetv2", 2, opset=13)
    x = n.relu6(n.conv(n.input("input", [1, 3, 224, 224]), 3, 32, 3, 2))
    cin = 32
    for t, c, s in inverted_residuals():
        y = n.relu6(n.conv(x, cin, cin * t, 1)) if t > 1 else x
        y = n.relu6(n.conv(y, cin * t, cin * t, 3, s, groups=cin * t))
        y = n.conv(y, cin * t, c, 1, gain=1.0)
        x = n.op("Add", x, y) if s == 1 and cin == c else y
        cin = c
    x = n.relu6(n.conv(x, cin, 1280, 1))
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    n.output(n.gemm(x, 1280, 1000), "output", [1, 1000])
    n.save(path)


def mobilenetv2_tf(path):
    """tf2onnx: NHWC at the border, batch norm left in place, padding of SAME, ReLU6 as Clip, MatMul and Softmax at the end."""
    n = Net("mobilenetv2_tf", 3, opset=13, producer="tf2onnx", version="1.16.1")

    def conv_bn(x, cin, cout, k, s=1, groups=1, gain=2.0):
        pad = [0, 0, 1, 1] if k == 3 and s == 2 else [k // 2] * 4
        return n.batch_norm(n.conv(x, cin, cout, k, s, pad, groups=groups, bias=False, gain=gain), cout)

    x = n.transpose(n.input("input_1", [1, 224, 224, 3]), 0, 3, 1, 2)
    x = n.relu6(conv_bn(x, 3, 32, 3, 2))
    cin = 32
    for t, c, s in inverted_residuals():
        y = n.relu6(conv_bn(x, cin, cin * t, 1)) if t > 1 else x
        y = n.relu6(conv_bn(y, cin * t, cin * t, 3, s, groups=cin * t))
        y = conv_bn(y, cin * t, c, 1, gain=1.0)
        x = n.op("Add", x, y) if s == 1 and cin == c else y
        cin = c
    x = n.relu6(conv_bn(x, cin, 1280, 1))
    x = n.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    x = n.linear(x, 1280, 1000, bias_first=False)
    n.output(n.op("Softmax", x, axis=-1), "predictions", [1, 1000])
    n.save(path)


V3_LARGE = ((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1),
            (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1),
            (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1), (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1))
V3_SMALL = ((3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1),
            (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1),
            (5, 576, 96, 1, 1, 1))


def mobilenetv3(path, rows, last, head, decomposed, seed):
    n = Net("mobilenetv3", seed, opset=14 if not decomposed else 11)

    def act(x, hard):
        return n.hard_swish(x, decomposed) if hard else n.relu(x)

    def squeeze(x, c):
        middle = max(8, c // 4 // 8 * 8)
        s = n.relu(n.conv(n.op("GlobalAveragePool", x), c, middle, 1))
        s = n.conv(s, middle, c, 1, gain=1.0)
        if decomposed:
            inner = n.op("Clip", n.op("Add", s, n.const(3.0)), n.const(0.0), n.const(6.0))
            return n.op("Mul", x, n.op("Div", inner, n.const(6.0)))
        return n.op("Mul", n.op("HardSigmoid", s, alpha=1 / 6), x)

    x = act(n.conv(n.input("input", [1, 3, 224, 224]), 3, 16, 3, 2), True)
    cin = 16
    for k, wide, c, se, hard, s in rows:
        y = act(n.conv(x, cin, wide, 1, gain=2.2), hard) if wide != cin else x
        y = act(n.conv(y, wide, wide, k, s, groups=wide, gain=2.2), hard)
        y = squeeze(y, wide) if se else y
        y = n.conv(y, wide, c, 1, gain=0.8)
        x = n.op("Add", x, y) if s == 1 and cin == c else y
        cin = c
    x = act(n.conv(x, cin, last, 1, gain=2.2), True)
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    x = act(n.gemm(x, last, head), True)
    n.output(n.gemm(x, head, 1000), "output", [1, 1000])
    n.save(path)


def mobilenetv3_large(path):
    """torch, opset 14: HardSwish and HardSigmoid as operators."""
    mobilenetv3(path, V3_LARGE, 960, 1280, False, 4)


def mobilenetv3_small(path):
    """torch, opset 11: hard swish as Add, Clip, Mul, Div."""
    mobilenetv3(path, V3_SMALL, 576, 1024, True, 5)


def efficientnet_b0(path):
    """torch: SiLU as Sigmoid and Mul, squeeze-and-excitation."""
    n = Net("efficientnet_b0", 6, opset=13)
    x = n.silu(n.conv(n.input("input", [1, 3, 224, 224]), 3, 32, 3, 2, gain=2.5))
    cin = 32
    for t, c, repeats, s, k in ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
                                (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)):
        for b in range(repeats):
            stride, wide = s if b == 0 else 1, cin * t
            y = n.silu(n.conv(x, cin, wide, 1, gain=2.5)) if t > 1 else x
            y = n.silu(n.conv(y, wide, wide, k, stride, groups=wide, gain=2.5))
            q = n.silu(n.conv(n.op("GlobalAveragePool", y), wide, cin // 4, 1))
            y = n.op("Mul", n.op("Sigmoid", n.conv(q, cin // 4, wide, 1, gain=1.0)), y)
            y = n.conv(y, wide, c, 1, gain=1.6)
            x = n.op("Add", y, x) if stride == 1 and cin == c else y
            cin = c
    x = n.silu(n.conv(x, cin, 1280, 1, gain=2.5))
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    n.output(n.gemm(x, 1280, 1000), "output", [1, 1000])
    n.save(path)


def yolov8n(path):
    """A detector of YOLOv8n's make at 640: SiLU, C2f with Split and Concat, SPPF, DFL head with Softmax."""
    n = Net("yolov8n", 7, opset=13)

    def cbs(x, cin, cout, k=3, s=1):
        return n.silu(n.conv(x, cin, cout, k, s, gain=3.0))

    def c2f(x, cin, cout, repeats, shortcut):
        half = cout // 2
        y = cbs(x, cin, cout, 1)
        a, b = n.op("Split", y, n.ints(half, half), outputs=2, axis=1)
        parts = [a, b]
        for _ in range(repeats):
            z = cbs(cbs(parts[-1], half, half), half, half)
            parts.append(n.op("Add", parts[-1], z) if shortcut else z)
        return cbs(n.op("Concat", *parts, axis=1), half * (2 + repeats), cout, 1)

    def up(x):
        scales = n.w(np.array([1, 1, 2, 2], np.float32))
        return n.op("Resize", x, "", scales, coordinate_transformation_mode="asymmetric", mode="nearest", nearest_mode="floor")

    x = cbs(n.input("images", [1, 3, 640, 640]), 3, 16, 3, 2)
    x = c2f(cbs(x, 16, 32, 3, 2), 32, 32, 1, True)
    p3 = c2f(cbs(x, 32, 64, 3, 2), 64, 64, 2, True)
    p4 = c2f(cbs(p3, 64, 128, 3, 2), 128, 128, 2, True)
    x = c2f(cbs(p4, 128, 256, 3, 2), 256, 256, 1, True)
    x = cbs(x, 256, 128, 1)
    pools = [x]
    for _ in range(3):
        pools.append(n.op("MaxPool", pools[-1], kernel_shape=[5, 5], pads=[2] * 4, strides=[1, 1]))
    p5 = cbs(n.op("Concat", *pools, axis=1), 512, 256, 1)
    h4 = c2f(n.op("Concat", up(p5), p4, axis=1), 384, 128, 1, False)
    h3 = c2f(n.op("Concat", up(h4), p3, axis=1), 192, 64, 1, False)
    h4 = c2f(n.op("Concat", cbs(h3, 64, 64, 3, 2), h4, axis=1), 192, 128, 1, False)
    h5 = c2f(n.op("Concat", cbs(h4, 128, 128, 3, 2), p5, axis=1), 384, 256, 1, False)
    levels = []
    for h, c, side in ((h3, 64, 80), (h4, 128, 40), (h5, 256, 20)):
        box = n.conv(cbs(cbs(h, c, 64), 64, 64), 64, 64, 1, gain=1.0)
        cls = n.conv(cbs(cbs(h, c, 80), 80, 80), 80, 80, 1, gain=1.0)
        levels.append(n.reshape(n.op("Concat", box, cls, axis=1), 1, 144, side * side))
    box, cls = n.op("Split", n.op("Concat", *levels, axis=2), n.ints(64, 80), outputs=2, axis=1)
    dfl = n.op("Softmax", n.transpose(n.reshape(box, 1, 4, 16, 8400), 0, 2, 1, 3), axis=1)
    weight = n.w(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    dist = n.reshape(n.op("Conv", dfl, weight, kernel_shape=[1, 1], strides=[1, 1], pads=[0] * 4, dilations=[1, 1], group=1), 1, 4, 8400)
    lt, rb = n.op("Split", dist, n.ints(2, 2), outputs=2, axis=1)
    grid, strides = [], []
    for side in (80, 40, 20):
        ys, xs = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5, indexing="ij")
        grid.append(np.stack([xs, ys]).reshape(2, -1))
        strides.append(np.full((1, side * side), 640 // side))
    anchors = n.w(np.concatenate(grid, 1)[None].astype(np.float32))
    low, high = n.op("Sub", anchors, lt), n.op("Add", anchors, rb)
    centre = n.op("Div", n.op("Add", low, high), n.const(2.0))
    boxes = n.op("Mul", n.op("Concat", centre, n.op("Sub", high, low), axis=1), n.w(np.concatenate(strides, 1).astype(np.float32)))
    n.output(n.op("Concat", boxes, n.op("Sigmoid", cls), axis=1), "output0", [1, 84, 8400])
    n.save(path)


def unet(path):
    """Encoder and decoder of 3x3 convolutions with batch norm left in place, transposed convolutions, skip Concat; 256x256."""
    n = Net("unet", 8, opset=13)

    def double(x, cin, c):
        for k in range(2):
            x = n.relu(n.batch_norm(n.conv(x, cin if k == 0 else c, c, 3, bias=False), c))
        return x

    x = n.input("image", [1, 3, 256, 256])
    skips, cin = [], 3
    for c in (32, 64, 128, 256):
        x = double(x, cin, c)
        skips.append((x, c))
        x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
        cin = c
    x = double(x, 256, 512)
    cin = 512
    for skip, c in reversed(skips):
        weight = n.w(n.normal((cin, c, 2, 2), (1.0 / cin) ** 0.5))
        x = n.op("ConvTranspose", x, weight, n.w(n.normal(c, 0.05)), dilations=[1, 1], group=1, kernel_shape=[2, 2], pads=[0] * 4, strides=[2, 2])
        x = double(n.op("Concat", skip, x, axis=1), 2 * c, c)
        cin = c
    n.output(n.op("Sigmoid", n.conv(x, 32, 2, 1, gain=1.0)), "mask", [1, 2, 256, 256])
    n.save(path)


def edsr_x2(path):
    """Super resolution: residual 3x3 blocks of 64 channels on 96x96, DepthToSpace."""
    n = Net("edsr_x2", 9, opset=13)
    head = n.conv(n.input("low", [1, 3, 96, 96]), 3, 64, 3, gain=1.0)
    x = head
    for _ in range(8):
        y = n.conv(n.relu(n.conv(x, 64, 64, 3)), 64, 64, 3, gain=0.3)
        x = n.op("Add", y, x)
    x = n.op("Add", n.conv(x, 64, 64, 3, gain=1.0), head)
    x = n.op("DepthToSpace", n.conv(x, 64, 256, 3, gain=1.0), blocksize=2, mode="CRD")
    n.output(n.conv(x, 64, 3, 3, gain=1.0), "high", [1, 3, 192, 192])
    n.save(path)


def conv3d(path):
    """A small residual 3-D network on 16 frames of 112x112."""
    n = Net("conv3d", 10, opset=13)
    x = n.relu(n.conv(n.input("clip", [1, 3, 16, 112, 112]), 3, 32, (3, 7, 7), (1, 2, 2), rank=3))
    cin = 32
    for c, s in ((32, 1), (64, 2), (128, 2), (256, 2)):
        y = n.relu(n.conv(x, cin, c, 3, s, rank=3))
        y = n.conv(y, c, c, 3, rank=3, gain=0.5)
        skip = x if cin == c and s == 1 else n.conv(x, cin, c, 1, s, rank=3, gain=1.0)
        x = n.relu(n.op("Add", y, skip))
        cin = c
    x = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    n.output(n.gemm(x, 256, 400), "scores", [1, 400])
    n.save(path)
