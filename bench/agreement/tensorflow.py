#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Frozen TensorFlow graphs beside OpenCV's DNN module (numpy for what that does not take): operators one by one, and two whole
topologies (a MobileNetV1 with folded and unfolded batch norms, an SSD-like backbone with an up path), with seeded weights.

    bench/agreement/tensorflow.py [--program build/release/dotori] [--only NAME ...] [--save FOLDER]

Needs Debian's python3-opencv and python3-numpy. Exit code 1 when a network differs by more than 1e-4 of its largest value."""
import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import cv2
import numpy as np


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while True:
        out += bytes([(n & 127) | (128 if n > 127 else 0)])
        n >>= 7
        if n == 0:
            return out


def field(number, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number(field_number, value):
    return varint(field_number << 3) + varint(value)


def shape_proto(dims):
    return b"".join(field(2, number(1, d)) for d in dims)


FLOAT, INT32 = 1, 3


def tensor_proto(array):
    array = np.asarray(array)
    dtype = FLOAT if array.dtype == np.float32 else INT32
    if dtype == INT32 and array.ndim == 0:  # as TensorFlow stores single numbers
        return number(1, dtype) + field(2, b"") + field(7, varint(int(array)))
    return number(1, dtype) + field(2, shape_proto(array.shape)) + field(4, array.astype(np.float32 if dtype == FLOAT else np.int32).tobytes())


class Net:
    """A GraphDef, written node by node."""

    def __init__(self, shape, seed=1):
        self.bytes, self.shape, self.count, self.random = b"", shape, 0, np.random.default_rng(seed)
        self.node("Placeholder", "data", [], dtype=("type", FLOAT), shape=("shape", shape))

    def node(self, op, name, inputs, **attrs):
        body = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
        for key, (kind, value) in attrs.items():
            if kind == "type":
                coded = number(6, value)
            elif kind == "shape":
                coded = field(7, shape_proto(value))
            elif kind == "tensor":
                coded = field(8, tensor_proto(value))
            elif kind == "s":
                coded = field(2, value)
            elif kind == "i":
                coded = number(3, value)
            elif kind == "f":
                coded = varint(4 << 3 | 5) + struct.pack("<f", value)
            elif kind == "b":
                coded = number(5, int(value))
            else:  # list of integers
                coded = field(1, field(3, b"".join(varint(v) for v in value)))
            body += field(5, field(1, key) + field(2, coded))
        self.bytes += field(1, body)
        return name

    def const(self, array):
        self.count += 1
        array = self.last = np.asarray(array)
        dtype = FLOAT if array.dtype == np.float32 else INT32
        return self.node("Const", f"const{self.count}", [], dtype=("type", dtype), value=("tensor", array))

    def ints(self, *values):
        return self.const(np.array(values, np.int32))

    def scalar(self, value):
        return self.const(np.array(value, np.int32))

    def normal(self, *shape, scale=None):
        fan = np.prod(shape[:-1]) if len(shape) > 1 else 4
        return self.const(self.random.normal(0, scale or (2 / fan)**0.5, shape).astype(np.float32))

    def op(self, op, *inputs, **attrs):
        self.count += 1
        return self.node(op, f"{op}_{self.count}", list(inputs), T=("type", FLOAT), **attrs)

    def conv(self, x, cin, cout, k, stride=1, padding="SAME", dilation=1, depthwise=False):
        weights = self.normal(k, k, cin, 1) if depthwise else self.normal(k, k, cin, cout)
        return self.op("DepthwiseConv2dNative" if depthwise else "Conv2D", x, weights, strides=("list", [1, stride, stride, 1]),
                       padding=("s", padding), dilations=("list", [1, dilation, dilation, 1]), data_format=("s", "NHWC"))

    def bias(self, x, channels):
        return self.op("BiasAdd", x, self.normal(channels, scale=0.1), data_format=("s", "NHWC"))

    def batch_norm(self, x, channels):
        positive = self.const(self.random.uniform(0.5, 2, channels).astype(np.float32))
        variance = self.const(self.random.uniform(0.5, 2, channels).astype(np.float32))
        return self.op("FusedBatchNorm", x, positive, self.normal(channels, scale=0.1), self.normal(channels, scale=0.1), variance,
                       epsilon=("f", 0.001), is_training=("b", False), data_format=("s", "NHWC"))

    def pool(self, x, kind, k, stride, padding="SAME"):
        return self.op(kind, x, ksize=("list", [1, k, k, 1]), strides=("list", [1, stride, stride, 1]), padding=("s", padding),
                       data_format=("s", "NHWC"))


def single(make, shape=(1, 12, 15, 8)):
    def build():
        net = Net(shape)
        make(net)
        return net
    return build


def mobilenet():
    net = Net((1, 96, 96, 3))
    x = net.op("Relu6", net.batch_norm(net.conv("data", 3, 16, 3, 2), 16))
    channels = 16
    for cout, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        x = net.op("Relu6", net.batch_norm(net.conv(x, channels, channels, 3, stride, depthwise=True), channels))
        x = net.op("Relu6", net.batch_norm(net.conv(x, channels, cout, 1), cout))
        channels = cout
    x = net.op("Mean", x, net.ints(1, 2), keep_dims=("b", True))
    x = net.bias(net.conv(x, channels, 10, 1), 10)
    x = net.op("Squeeze", x, squeeze_dims=("list", [1, 2]))
    net.op("Softmax", x)
    return net


def up_path():
    net = Net((1, 64, 64, 3))
    a = net.op("Relu", net.bias(net.conv("data", 3, 8, 3), 8))
    b = net.op("Relu", net.bias(net.conv(net.pool(a, "MaxPool", 2, 2), 8, 16, 3), 16))
    c = net.op("LeakyRelu", net.bias(net.conv(net.pool(b, "AvgPool", 3, 2), 16, 32, 3), 32), alpha=("f", 0.1))
    up = net.op("Conv2DBackpropInput", net.ints(1, 32, 32, 16), net.normal(2, 2, 16, 32), c, strides=("list", [1, 2, 2, 1]), padding=("s", "VALID"),
                data_format=("s", "NHWC"))
    up = net.op("ConcatV2", up, b, net.scalar(3), N=("i", 2))
    up = net.op("Relu", net.bias(net.conv(up, 32, 8, 3), 8))
    up = net.op("ResizeNearestNeighbor", up, net.ints(64, 64))
    x = net.op("Add", net.conv(up, 8, 8, 1), a)
    net.conv(x, 8, 2, 1)
    return net


NETWORKS = {
    "conv_same": single(lambda n: n.conv("data", 8, 5, 3)),
    "conv_same_stride": single(lambda n: n.conv("data", 8, 5, 3, 2)),
    "conv_valid": single(lambda n: n.conv("data", 8, 5, 5, 2, "VALID")),
    "conv_dilated": single(lambda n: n.conv("data", 8, 5, 3, dilation=2)),
    "space_to_batch": single(lambda n: n.bias(n.op("BatchToSpaceND", n.conv(n.op("SpaceToBatchND", "data", n.ints(2, 2), n.const(np.array([[2, 2], [2, 3]], np.int32))),
                                                                          8, 5, 3, 1, "VALID"), n.ints(2, 2), n.const(np.array([[0, 0], [0, 1]], np.int32))), 5)),
    "depthwise": single(lambda n: n.conv("data", 8, 8, 3, 2, depthwise=True)),
    "bias_relu": single(lambda n: n.op("Relu", n.bias(n.conv("data", 8, 6, 1), 6))),
    "batch_norm": single(lambda n: n.batch_norm("data", 8)),
    "relu6": single(lambda n: n.op("Relu6", "data")),
    "elu": single(lambda n: n.op("Elu", "data")),
    "tanh": single(lambda n: n.op("Tanh", "data")),
    "sigmoid": single(lambda n: n.op("Sigmoid", "data")),
    "abs": single(lambda n: n.op("Abs", "data")),
    "max_pool": single(lambda n: n.pool("data", "MaxPool", 3, 2)),
    "max_pool_valid": single(lambda n: n.pool("data", "MaxPool", 2, 2, "VALID")),
    "average_pool": single(lambda n: n.pool("data", "AvgPool", 3, 2)),
    "mean": single(lambda n: n.op("Mean", "data", n.ints(1, 2), keep_dims=("b", True))),
    "pad": single(lambda n: n.conv(n.op("Pad", "data", n.const(np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))), 8, 4, 3, 1, "VALID")),
    "add": single(lambda n: n.op("Add", n.conv("data", 8, 8, 3), "data")),
    "mul": single(lambda n: n.op("Mul", n.conv("data", 8, 8, 3), "data")),
    "sub": single(lambda n: n.op("Sub", n.conv("data", 8, 8, 3), "data")),
    "maximum": single(lambda n: n.op("Maximum", n.op("Neg", "data"), "data")),
    "minimum_pow_rsqrt": single(lambda n: n.op("Rsqrt", n.op("Pow", n.op("Minimum", n.op("Square", "data"), n.const(np.float32(2))), n.const(np.float32(1.5))))),
    "strided_slice_pack": single(lambda n: n.op("Pack", *(n.op("StridedSlice", "data", n.ints(0, 1, -2, 0), n.ints(0, 11, 3, 8), n.ints(1, 2, -3, 1), begin_mask=("i", 1),
                                                              end_mask=("i", 1)) for _ in range(2)), axis=("i", 3))),
    "shape_arithmetic": single(lambda n: n.op("Reshape", "data", n.op("Pack", n.op("StridedSlice", n.op("Shape", "data"), n.ints(0), n.ints(1), n.ints(1), shrink_axis_mask=("i", 1)),
                                                                      n.op("Mul", n.scalar(15), n.scalar(4)), n.scalar(-1), axis=("i", 0)))),
    "split_transpose": single(lambda n: n.op("Transpose", n.op("Split", n.scalar(3), "data", num_split=("i", 2)) + ":1", n.ints(0, 2, 1, 3))),
    "space_to_depth": single(lambda n: n.op("SpaceToDepth", "data", block_size=("i", 2)), (1, 12, 14, 8)),
    "resize_bilinear": single(lambda n: n.op("ResizeBilinear", "data", n.ints(24, 30), align_corners=("b", False), half_pixel_centers=("b", True))),
    "resize_nearest": single(lambda n: n.op("ResizeNearestNeighbor", "data", n.ints(24, 30))),
    "depth_to_space": single(lambda n: n.op("DepthToSpace", "data", block_size=("i", 2))),
    "matmul": single(lambda n: n.bias(n.op("MatMul", n.op("Reshape", "data", n.ints(-1, 1440)), n.normal(1440, 7)), 7)),
    "transposed_conv": single(lambda n: n.op("Conv2DBackpropInput", n.ints(1, 24, 30, 5), n.normal(3, 3, 5, 8), "data", strides=("list", [1, 2, 2, 1]),
                                             padding=("s", "SAME"), data_format=("s", "NHWC"))),
    "mobilenet": mobilenet,
    "up_path": up_path,
}


def dilated(x, net):
    """A 3x3 window of dilation 2, SAME."""
    padded, weights = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))), net.last
    return sum(np.einsum("nhwc,co->nhwo", padded[:, 2 * i:2 * i + x.shape[1], 2 * j:2 * j + x.shape[2]], weights[i, j]) for i in range(3) for j in range(3))


def depth_to_space(x, _):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)


def space_to_depth(x, _):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2, w // 2, 4 * c)


# What OpenCV 4.6 does not take (dilations without SpaceToBatchND, among others), in numpy.
NUMPY = {
    "conv_dilated": dilated,
    "maximum": lambda x, _: np.abs(x),
    "minimum_pow_rsqrt": lambda x, _: 1 / np.sqrt(np.minimum(x * x, 2)**np.float32(1.5)),
    "strided_slice_pack": lambda x, _: np.stack([x[:, 1:11:2, -2:3:-3]] * 2, axis=3),
    "shape_arithmetic": lambda x, _: x.reshape(1, 60, -1),
    "split_transpose": lambda x, _: x[..., 4:].transpose(0, 2, 1, 3),
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
}


def opencv(net, x):
    reference = cv2.dnn.readNetFromTensorflow(np.frombuffer(net.bytes, np.uint8))
    reference.setInput(x.transpose(0, 3, 1, 2))
    y = reference.forward()
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/dotori")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, metavar="NAME")
    parser.add_argument("--save", type=pathlib.Path, help="keep the files here")
    options = parser.parse_args()
    worst, failed = 0, []
    for name in options.only or NETWORKS:
        net = NETWORKS[name]()
        with tempfile.TemporaryDirectory() as folder:
            base = options.save or pathlib.Path(folder)
            base.mkdir(parents=True, exist_ok=True)
            (base / f"{name}.pb").write_bytes(net.bytes)
            x = np.random.default_rng(5).normal(size=net.shape).astype(np.float32)
            np.save(f"{folder}/x.npy", x)
            for command in (["convert", base / f"{name}.pb", "-o", f"{folder}/net.dtr"], ["run", f"{folder}/net.dtr", "--input", f"{folder}/x.npy", "--dump", f"{folder}/out"]):
                done = subprocess.run([options.program, *command], capture_output=True, text=True)
                if done.returncode != 0:
                    break
            if done.returncode != 0:
                print(f"{name:20} {done.stderr.strip()}")
                failed.append(name)
                continue
            ours = np.load(f"{folder}/out/output_0.npy")
            theirs = NUMPY[name](x, net) if name in NUMPY else opencv(net, x)
            if theirs.size != ours.size:
                print(f"{name:20} shapes {ours.shape} and {theirs.shape}")
                failed.append(name)
                continue
            difference = np.abs(ours.ravel() - theirs.ravel()).max() / np.abs(theirs).max()
            worst = max(worst, difference)
            print(f"{name:20} {str(list(ours.shape)):18} {difference:.1e}")
            if not difference <= 1e-4:
                failed.append(name)
    print(f"largest difference {worst:.1e} of the largest value" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
