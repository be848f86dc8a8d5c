#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Caffe networks beside OpenCV's DNN module: every layer the importer takes, and three whole topologies (CaffeNet-like with LRN and
groups, a SqueezeNet fire network with ceil-mode pools, MobileNet-SSD's end), with seeded weights.

    bench/agreement/caffe.py [--program build/release/dotori] [--only NAME ...] [--save FOLDER]

Needs Debian's python3-opencv and python3-numpy. Exit code 1 when a network differs by more than 1e-4 of its largest value."""
import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np


def varint(n):
    out = b""
    while True:
        out += bytes([(n & 127) | (128 if n > 127 else 0)])
        n >>= 7
        if n == 0:
            return out


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


class Net:
    """A description and its weights, written layer by layer."""

    def __init__(self, shape, seed):
        self.random = np.random.default_rng(seed)
        self.text = [f'name: "seeded"\nlayer {{ name: "data" type: "Input" top: "data" input_param {{ shape: {{ '
                     + " ".join(f"dim: {d}" for d in shape) + " } } }"]
        self.weights = b""
        self.shape = shape

    def layer(self, type_, name, bottoms, tops=None, params="", blobs=()):
        tops = tops or [name]
        self.text.append(f'layer {{ name: "{name}" type: "{type_}" ' + " ".join(f'bottom: "{b}"' for b in bottoms) + " "
                         + " ".join(f'top: "{t}"' for t in tops) + f" {params} }}")
        if blobs:
            stored = b""
            for blob in blobs:
                blob = np.asarray(blob, np.float32)
                shape = field(7, field(1, b"".join(varint(d) for d in blob.shape)))
                stored += field(7, shape + field(5, blob.tobytes()))
            self.weights += field(100, field(1, name.encode()) + stored)
        return tops[0]

    def normal(self, *shape, scale=None):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 4
        return self.random.normal(0, scale if scale else (2 / fan)**0.5, shape).astype(np.float32)

    def conv(self, name, bottom, cin, cout, k, extra="", group=1, type_="Convolution", relu=False):
        shape = (cout, cin // group, k, k) if type_ != "Deconvolution" else (cin, cout // group, k, k)
        self.layer(type_, name, [bottom], params=f"convolution_param {{ num_output: {cout} kernel_size: {k} group: {group} {extra} }}",
                   blobs=[self.normal(*shape), self.normal(cout, scale=0.1)])
        if relu:
            self.layer("ReLU", name + "_relu", [name], [name])
        return name

    def batch_norm(self, name, bottom, channels):
        factor = 1.5
        self.layer("BatchNorm", name, [bottom], [bottom], blobs=[self.normal(channels, scale=0.2) * factor,
                   np.abs(self.random.normal(1, 0.2, channels)) * factor, [factor]])
        self.layer("Scale", name + "_scale", [bottom], [bottom], "scale_param { bias_term: true }",
                   [self.random.uniform(0.5, 1.5, channels), self.normal(channels, scale=0.1)])
        return bottom


def small(seed=1):
    return Net((1, 8, 13, 11), seed)


def layer_nets():
    """One network for each layer type, with odd sizes."""
    nets = {}

    def case(name, build, shape=(1, 8, 13, 11)):
        net = Net(shape, sum(map(ord, name)))
        build(net)
        nets[name] = net

    case("convolution", lambda n: n.conv("y", "data", 8, 12, 3, "stride: 2 pad: 1 dilation: 2"))
    case("convolution_hw", lambda n: n.layer("Convolution", "y", ["data"], params="convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 "
         "pad_h: 1 pad_w: 0 stride_h: 2 stride_w: 1 bias_term: false }", blobs=[n.normal(4, 8, 3, 1)]))
    case("convolution_group", lambda n: n.conv("y", "data", 8, 12, 3, "pad: 1", group=4))
    case("depthwise", lambda n: n.conv("y", "data", 8, 8, 3, "pad: 1", group=8))
    case("deconvolution", lambda n: n.conv("y", "data", 8, 6, 4, "stride: 2 pad: 1", type_="Deconvolution"))
    case("deconvolution_group", lambda n: n.conv("y", "data", 8, 8, 4, "stride: 2 pad: 1", group=8, type_="Deconvolution"))
    for pool in ("MAX", "AVE"):
        case(f"pool_{pool}_ceil", lambda n: n.layer("Pooling", "y", ["data"], params=f"pooling_param {{ pool: {pool} kernel_size: 3 stride: 2 }}"))
        case(f"pool_{pool}_pad", lambda n: n.layer("Pooling", "y", ["data"], params=f"pooling_param {{ pool: {pool} kernel_size: 3 stride: 2 pad: 1 }}"))
        case(f"pool_{pool}_global", lambda n: n.layer("Pooling", "y", ["data"], params=f"pooling_param {{ pool: {pool} global_pooling: true }}"))
    case("inner_product", lambda n: n.layer("InnerProduct", "y", ["data"], params="inner_product_param { num_output: 7 }",
         blobs=[n.normal(7, 8 * 13 * 11), n.normal(7)]))
    for name, params in (("ReLU", ""), ("ReLU", "relu_param { negative_slope: 0.1 }"), ("Sigmoid", ""), ("TanH", ""), ("AbsVal", ""), ("BNLL", ""),
                         ("ELU", "elu_param { alpha: 0.7 }"), ("Power", "power_param { power: 2 scale: 0.5 shift: 1.5 }"),
                         ("Exp", "exp_param { base: 2 scale: 0.5 shift: 0.1 }")):
        case(name + ("_" + params.split()[2].rstrip(":") if params else ""), lambda n, name=name, params=params: n.layer(name, "y", ["data"], params=params))
    case("PReLU", lambda n: n.layer("PReLU", "y", ["data"], blobs=[n.random.uniform(0, 0.5, 8)]))
    case("batch_norm", lambda n: n.batch_norm("bn", n.conv("y", "data", 8, 12, 1), 12))
    case("lrn_across", lambda n: n.layer("LRN", "y", ["data"], params="lrn_param { local_size: 5 alpha: 0.7 beta: 0.75 }"))
    case("lrn_within", lambda n: n.layer("LRN", "y", ["data"], params="lrn_param { local_size: 3 alpha: 0.7 beta: 0.75 norm_region: WITHIN_CHANNEL }"))
    case("softmax", lambda n: n.layer("Softmax", "y", ["data"]))

    def branches(n, join):
        a, b = n.conv("a", "data", 8, 6, 1), n.conv("b", "data", 8, 6, 3, "pad: 1")
        join(n, [a, b])

    case("concat", lambda n: branches(n, lambda n, ab: n.layer("Concat", "y", ab)))
    case("concat_height", lambda n: branches(n, lambda n, ab: n.layer("Concat", "y", ab, params="concat_param { axis: 2 }")))
    case("eltwise_sum", lambda n: branches(n, lambda n, ab: n.layer("Eltwise", "y", ab, params="eltwise_param { operation: SUM coeff: 0.5 coeff: -2 }")))
    case("eltwise_prod", lambda n: branches(n, lambda n, ab: n.layer("Eltwise", "y", ab, params="eltwise_param { operation: PROD }")))
    case("eltwise_max", lambda n: branches(n, lambda n, ab: n.layer("Eltwise", "y", ab, params="eltwise_param { operation: MAX }")))

    def slices(n):
        n.layer("Slice", "s", ["data"], ["s0", "s1", "s2"], "slice_param { axis: 1 slice_point: 2 slice_point: 5 }")
        n.layer("Concat", "y", ["s2", "s0", "s1"])

    case("slice", slices)

    def shapes(n):
        n.layer("Permute", "p", ["data"], params="permute_param { order: 0 order: 2 order: 3 order: 1 }")
        n.layer("Flatten", "f", ["p"])
        n.layer("Reshape", "y", ["f"], params="reshape_param { shape { dim: 0 dim: 11 dim: -1 dim: 13 } }")

    case("permute_flatten_reshape", shapes)

    def crops(n):
        small_one = n.layer("Pooling", "p", ["data"], params="pooling_param { pool: MAX kernel_size: 5 stride: 1 }")
        n.layer("Crop", "y", ["data", small_one], params="crop_param { axis: 2 offset: 1 offset: 2 }")

    case("crop", crops)

    def excite(n):
        n.layer("Pooling", "p", ["data"], params="pooling_param { pool: AVE global_pooling: true }")
        n.conv("s", "p", 8, 8, 1)
        n.layer("Sigmoid", "g", ["s"])
        n.layer("Flatten", "v", ["g"])
        n.layer("Scale", "y", ["data", "v"], params="scale_param { axis: 0 }")

    case("squeeze_excite", excite)
    case("shuffle", lambda n: n.layer("ShuffleChannel", "y", ["data"], params="shuffle_channel_param { group: 2 }"))
    case("normalize", lambda n: n.layer("Normalize", "y", ["data"], params="norm_param { across_spatial: false channel_shared: false }",
         blobs=[n.random.uniform(5, 20, 8)]))
    return nets


def whole_nets():
    caffenet = Net((1, 3, 227, 227), 11)
    n = caffenet
    x = n.conv("conv1", "data", 3, 96, 11, "stride: 4", relu=True)
    x = n.layer("Pooling", "pool1", [x], params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    x = n.layer("LRN", "norm1", [x], params="lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = n.conv("conv2", x, 96, 256, 5, "pad: 2", group=2, relu=True)
    x = n.layer("Pooling", "pool2", [x], params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    x = n.layer("LRN", "norm2", [x], params="lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = n.conv("conv3", x, 256, 384, 3, "pad: 1", relu=True)
    x = n.conv("conv5", x, 384, 256, 3, "pad: 1", group=2, relu=True)
    x = n.layer("Pooling", "pool5", [x], params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    n.layer("InnerProduct", "fc6", [x], params="inner_product_param { num_output: 256 }", blobs=[n.normal(256, 256 * 36), n.normal(256, scale=0.1)])
    n.layer("ReLU", "relu6", ["fc6"], ["fc6"])
    n.layer("Dropout", "drop6", ["fc6"], ["fc6"], "dropout_param { dropout_ratio: 0.5 }")
    n.layer("InnerProduct", "fc8", ["fc6"], params="inner_product_param { num_output: 100 }", blobs=[n.normal(100, 256), n.normal(100, scale=0.1)])
    n.layer("Softmax", "prob", ["fc8"])

    squeeze = Net((1, 3, 227, 227), 12)
    n = squeeze
    x = n.conv("conv1", "data", 3, 64, 3, "stride: 2", relu=True)
    x = n.layer("Pooling", "pool1", [x], params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    cin = 64
    for i, (s, e) in enumerate(((16, 64), (16, 64), (32, 128))):
        q = n.conv(f"f{i}_squeeze", x, cin, s, 1, relu=True)
        a, b = n.conv(f"f{i}_1", q, s, e, 1, relu=True), n.conv(f"f{i}_3", q, s, e, 3, "pad: 1", relu=True)
        x, cin = n.layer("Concat", f"f{i}", [a, b]), 2 * e
        if i == 1:
            x = n.layer("Pooling", "pool3", [x], params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    x = n.conv("last", x, cin, 50, 1, relu=True)
    x = n.layer("Pooling", "pool10", [x], params="pooling_param { pool: AVE global_pooling: true }")
    n.layer("Softmax", "prob", [x])

    ssd = Net((1, 3, 96, 96), 13)
    n = ssd
    classes, locations, scores, priors = 5, [], [], []
    x = n.batch_norm("bn0", n.conv("c0", "data", 3, 16, 3, "stride: 2 pad: 1"), 16)
    n.layer("ReLU", "r0", [x], [x])
    for i, (c, sizes) in enumerate(((24, (20, 40)), (32, (40, 70)))):
        cin = 16 if i == 0 else 24
        n.conv(f"dw{i}", x, cin, cin, 3, "stride: 2 pad: 1", group=cin, relu=True)
        x = n.conv(f"c{i + 1}", f"dw{i}", cin, c, 1, "", relu=True)
        x = n.layer("Pooling", f"p{i}", [x], params="pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        for kind, per, keep in (("loc", 4, locations), ("conf", classes, scores)):
            n.conv(f"{kind}{i}", x, c, 4 * per, 1)
            n.layer("Permute", f"{kind}{i}_perm", [f"{kind}{i}"], params="permute_param { order: 0 order: 2 order: 3 order: 1 }")
            keep.append(n.layer("Flatten", f"{kind}{i}_flat", [f"{kind}{i}_perm"], params="flatten_param { axis: 1 }"))
        priors.append(n.layer("PriorBox", f"prior{i}", [x, "data"], params=f"prior_box_param {{ min_size: {sizes[0]} max_size: {sizes[1]} aspect_ratio: 2 "
                              "flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 offset: 0.5 }"))
    n.layer("Concat", "loc", locations, params="concat_param { axis: 1 }")
    n.layer("Concat", "conf", scores, params="concat_param { axis: 1 }")
    n.layer("Concat", "prior", priors, params="concat_param { axis: 2 }")
    n.layer("Reshape", "conf_shape", ["conf"], params=f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {classes} }} }}")
    n.layer("Softmax", "conf_prob", ["conf_shape"], params="softmax_param { axis: 2 }")
    n.layer("Flatten", "conf_flat", ["conf_prob"], params="flatten_param { axis: 1 }")
    n.layer("DetectionOutput", "detections", ["loc", "conf_flat", "prior"], params=f"detection_output_param {{ num_classes: {classes} share_location: true "
            "background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 100 } code_type: CENTER_SIZE keep_top_k: 50 confidence_threshold: 0.2 }")
    return {"caffenet": caffenet, "squeezenet": squeeze, "mobilenet_ssd": ssd}


def rows_of(boxes, classes, scores, count):
    """OpenCV's [class, score, left, top, right, bottom], best first."""
    found = [[classes[0, i] + 1, scores[0, i], boxes[0, i, 1], boxes[0, i, 0], boxes[0, i, 3], boxes[0, i, 2]] for i in range(int(count[0]))]
    return np.array(sorted(found, key=lambda r: -r[1]), np.float32).reshape(-1, 6)


def compare(program, name, net, folder):
    import cv2
    description, weights = folder / f"{name}.prototxt", folder / f"{name}.caffemodel"
    description.write_text("\n".join(net.text) + "\n")
    if not net.weights:
        net.weights = field(100, field(1, b"none"))
    weights.write_bytes(net.weights)
    x = np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)
    if name == "shuffle":  # OpenCV does not read the layer's parameter
        expected = x.reshape(1, 2, 4, 13, 11).transpose(0, 2, 1, 3, 4).reshape(x.shape)
    else:
        reference = cv2.dnn.readNetFromCaffe(str(description), str(weights))
        reference.setInput(x)
        expected = np.array(reference.forward())
    dtr, dump = folder / f"{name}.dtr", folder / f"{name}_out"
    run = subprocess.run([program, "convert", description, weights, "-o", dtr], capture_output=True, text=True)
    if run.returncode:
        return f"does not convert: {run.stderr.strip()}"
    np.save(folder / "x.npy", np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    run = subprocess.run([program, "run", dtr, "--input", folder / "x.npy", "--dump", dump], capture_output=True, text=True)
    if run.returncode:
        return f"does not run: {run.stderr.strip()}"
    outputs = [np.load(dump / f"output_{i}.npy") for i in range(len(list(dump.glob("output_*.npy"))))]
    if name.endswith("ssd"):
        found, expected = rows_of(*outputs), expected[0, 0][:, 1:]
        expected = expected[np.argsort(-expected[:, 1], kind="stable")]
        if len(expected) < 5:
            return f"only {len(expected)} boxes to compare"
    else:
        found = outputs[0].transpose(0, 3, 1, 2) if outputs[0].ndim == 4 else outputs[0]
    if found.size != expected.size:
        return f"expected shape {expected.shape}, found {found.shape}"
    return float(np.abs(found.reshape(expected.shape) - expected).max() / max(1e-9, np.abs(expected).max()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/dotori")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--save", type=pathlib.Path, help="keep the networks here")
    args = parser.parse_args()
    nets = {**layer_nets(), **whole_nets()}
    bad = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.save or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, net in nets.items():
            if args.only and name not in args.only:
                continue
            try:
                error = compare(args.program, name, net, folder)
            except Exception as e:  # OpenCV's own refusals
                error = f"OpenCV: {str(e).strip().splitlines()[-1]}"
            good = isinstance(error, float) and error <= 1e-4
            bad += not good
            print(f"{name:28} {error if isinstance(error, str) else format(error, '.1e')}{'' if good else '   <-- differs'}", flush=True)
    print(f"{len(nets)} networks, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
