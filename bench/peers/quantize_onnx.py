#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Static int8 quantisation of a float .onnx network for ONNX Runtime, which ships such a tool for Python only: a QDQ model whose
nodes its optimiser turns into integer operators (QLinearConv, QLinearAdd, QGemm ...). Activations uint8 with a zero point, ranges by
min-max over the calibration inputs; weights symmetric, a scale for each output channel.

    quantize_onnx.py model.onnx model_int8.onnx --calibration DIR [--weights int8|int7|uint8] [--float Sigmoid ConvTranspose]

DIR holds folders with input_0.npy, NHWC, as for `dotori quantize`. What is made easier for ONNX Runtime, without changing the result:
relu and clip become the range of the operator before; the operands of a concat share one scale, so that it only copies; a hard
sigmoid is an addition that saturates; a transposed convolution without overlap is a 1x1 convolution and DepthToSpace (unless
--float names ConvTranspose); a mean over the pixels is GlobalAveragePool. Prints which operators stay float in the optimised model."""
import argparse
import collections
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

import served

# Operators whose output is in the bytes of the input; integer operators ONNX Runtime has; activations that a form can keep in float.
PASS = {"MaxPool", "Reshape", "Transpose", "Flatten", "Slice", "Split", "Squeeze", "Unsqueeze", "DepthToSpace", "Resize"}
INTEGER = {"Conv", "Gemm", "Add", "Mul", "Sigmoid", "LeakyRelu", "GlobalAveragePool", "AveragePool", "Concat", "HardSigmoid"} | PASS
ACTIVATIONS = {"Sigmoid", "HardSigmoid"}  # a leaky relu becomes integer whatever stands around it
LIMITS = {"int8": 127, "int7": 63, "uint8": 127}


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


class Float:
    """The float network as ONNX Runtime's basic optimisations leave it, rewritten, with the range of each tensor."""

    def __init__(self, path, inputs, engines, float_ops=()):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            served.Served("onnxruntime", path, 1, engines,
                          {"graphOptimizationLevel": "basic", "optimizedModelFilePath": str(folder / "basic.onnx")}).close()
            self.model = onnx.load(str(folder / "basic.onnx"))
            self.constants = {t.name: numpy_helper.to_array(t) for t in self.model.graph.initializer}
            self.nodes = []
            for node in self.model.graph.node:
                self.nodes += self._rewritten(node, float_ops)
            self.inputs = [i.name for i in self.model.graph.input if i.name not in self.constants]
            self.outputs = [o.name for o in self.model.graph.output]
            self._calibrate(inputs, engines, folder / "watched.onnx")
            self._absorb_relu()

    def _rewritten(self, node, float_ops):
        a = attributes(node)
        if node.op_type == "ReduceMean" and sorted(a["axes"]) == [2, 3]:
            if a.get("keepdims", 1):
                return [helper.make_node("GlobalAveragePool", node.input, node.output, node.name)]
            mean = node.output[0] + "_mean"
            return [helper.make_node("GlobalAveragePool", node.input, [mean], node.name), helper.make_node("Flatten", [mean], node.output)]
        if node.op_type == "ConvTranspose" and "ConvTranspose" not in float_ops:
            w = self.constants[node.input[1]]  # [in, out, kh, kw]
            if w.ndim == 4 and w.shape[2] == w.shape[3] and list(w.shape[2:]) == list(a["strides"]) and a.get("group", 1) == 1 and not any(a.get("pads", [])):
                side, names = w.shape[2], [node.output[0] + "_w", node.output[0] + "_b"]
                self.constants[names[0]] = np.ascontiguousarray(w.transpose(1, 2, 3, 0).reshape(-1, w.shape[0], 1, 1))
                bias = self.constants[node.input[2]] if len(node.input) > 2 else np.zeros(w.shape[1], np.float32)
                self.constants[names[1]] = np.repeat(bias, side * side)
                deep = node.output[0] + "_deep"
                return [helper.make_node("Conv", [node.input[0], *names], [deep], node.name),
                        helper.make_node("DepthToSpace", [deep], node.output, blocksize=side, mode="CRD")]
        return [node]

    def _calibrate(self, inputs, engines, path):
        watched = onnx.ModelProto()
        watched.CopyFrom(self.model)
        self._fill(watched.graph, self.nodes, self.constants)
        names = list(dict.fromkeys(self.inputs + [n for node in self.nodes for n in node.output if n]))
        del watched.graph.output[:]
        watched.graph.output.extend(helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names if n not in self.inputs)
        onnx.save(watched, str(path))
        self.ranges = {n: [0.0, 0.0] for n in names}
        engine = served.Served("onnxruntime", path, 1, engines)
        for x in inputs:
            for name, values in [(self.inputs[0], x), *zip(engine.outputs, engine.run(x))]:
                r = self.ranges[name]
                r[0], r[1] = min(r[0], float(values.min())), max(r[1], float(values.max()))
        engine.close()

    def readers(self, name):
        return [n for n in self.nodes if name in n.input]

    def _absorb_relu(self):
        """relu, and clip from 0: the operator before writes in the range behind it."""
        made = {o: n for n in self.nodes for o in n.output}
        for node in list(self.nodes):
            before = made.get(node.input[0]) if node.input else None
            relu = node.op_type == "Relu" or (node.op_type == "Clip" and self.constants.get(node.input[1], np.ones(())) == 0)
            if relu and before is not None and before.op_type in {"Conv", "Gemm", "Add", "Mul"} and len(self.readers(node.input[0])) == 1:
                before.output[0] = node.output[0]
                made[node.output[0]] = before
                self.nodes.remove(node)

    @staticmethod
    def _fill(graph, nodes, constants):
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(nodes)
        used = {n for node in nodes for n in node.input}
        graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items() if k in used)

    def quantized(self, weights="int8", float_ops=()):
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        nodes, constants = Writer(self, weights, set(float_ops)).write()
        self._fill(model.graph, nodes, constants)
        return model


class Writer:
    def __init__(self, network, weights, float_ops):
        self.net, self.weights, self.float_ops = network, weights, float_ops
        self.nodes, self.constants = [], dict(network.constants)
        self.made = {o: n for n in network.nodes for o in n.output}
        self.eight, self.full = {}, set(network.inputs)  # tensor -> name, scale and zero point in 8 bits; tensors there in float
        self.scales = self._scales()

    def integer(self, node):
        if node.op_type not in INTEGER or node.op_type in self.float_ops:
            return False
        if node.op_type == "Mul" and "Sigmoid" in self.float_ops and self._silu(node):
            return False
        return node.op_type != "Resize" or attributes(node).get("mode", b"nearest") in (b"nearest", b"linear")

    def _silu(self, node):
        return any(self.made.get(n) and self.made[n].op_type == "Sigmoid" and self.made[n].input[0] in node.input for n in node.input)

    def _scales(self):
        """Scale and zero point of each tensor; one for all that a concat joins or that only moves."""
        parent = {}

        def root(name):
            while name in parent:
                name = parent[name]
            return name

        for node in self.net.nodes:
            if self.integer(node) and (node.op_type in PASS or node.op_type == "Concat"):
                for name in [*(node.input if node.op_type == "Concat" else node.input[:1]), *node.output]:
                    if root(name) != root(node.output[0]):
                        parent[root(name)] = root(node.output[0])
        joined = collections.defaultdict(lambda: [0.0, 0.0])
        for name, (low, high) in self.net.ranges.items():
            if name in self.made and self.made[name].op_type == "Sigmoid":
                low, high = 0.0, 1.0
            r = joined[root(name)]
            r[0], r[1] = min(r[0], low), max(r[1], high)
        return {name: self._scale(*joined[root(name)]) for name in self.net.ranges}

    @staticmethod
    def _scale(low, high):
        scale = np.float32(max(high - low, 1e-6) / 255)
        return scale, np.uint8(np.clip(round(-low / scale), 0, 255))

    def constant(self, name, value):
        self.constants[name] = np.asarray(value)
        return name

    def dequantize(self, name, scale, zero, axis=None):
        out = f"{name}_dq{len(self.nodes)}"
        parameters = [self.constant(out + "_s", scale), self.constant(out + "_z", zero)]
        self.nodes.append(helper.make_node("DequantizeLinear", [name, *parameters], [out], out, **({} if axis is None else {"axis": axis})))
        return out

    def quantize(self, name, source, scale, zero):
        parameters = [self.constant(name + "_s", scale), self.constant(name + "_z", zero)]
        self.nodes.append(helper.make_node("QuantizeLinear", [source, *parameters], [name + "_q"], name + "_q"))
        self.eight[name] = name + "_q", scale, zero

    def operand(self, name):
        """An activation or a constant for an integer operator."""
        if name in self.constants:
            value = self.constants[name]
            scale, zero = self._scale(min(0.0, float(value.min())), max(0.0, float(value.max())))
            eight = np.clip(np.round(value / scale) + zero, 0, 255).astype(np.uint8)
            return self.dequantize(self.constant(f"{name}_q{len(self.nodes)}", eight), scale, zero)
        if name not in self.eight:
            self.quantize(name, name, *self.scales[name])
        return self.dequantize(*self.eight[name])

    def real(self, name):
        if not name or name in self.constants or name in self.full:
            return name
        return self.dequantize(*self.eight[name])

    def weighted(self, node):
        """Operands of a Conv or Gemm: 8-bit weights, a scale each channel, 32-bit biases."""
        x = self.operand(node.input[0])
        in_scale = self.eight[node.input[0]][1]
        w, axis = self.constants[node.input[1]], 0
        if node.op_type == "Gemm" and not attributes(node).get("transB", 0):
            axis = 1
        others = tuple(i for i in range(w.ndim) if i != axis)
        scale = (np.maximum(np.abs(w).max(others), 1e-8) / LIMITS[self.weights]).astype(np.float32)
        eight = np.round(w / np.expand_dims(scale, others))
        eight, zero = (eight + 128, np.full(scale.shape, 128, np.uint8)) if self.weights == "uint8" else (eight, np.zeros(scale.shape, np.int8))
        operands = [x, self.dequantize(self.constant(node.output[0] + "_w8", eight.astype(zero.dtype)), scale, zero, axis)]
        if len(node.input) > 2:
            bias = np.round(self.constants[node.input[2]].astype(np.float64) / (in_scale * scale)).astype(np.int32)
            operands.append(self.dequantize(self.constant(node.output[0] + "_b32", bias), in_scale * scale, np.zeros(scale.shape, np.int32), 0))
        return operands

    def write(self):
        for node in self.net.nodes:
            copy, out = onnx.NodeProto(), node.output[0]
            copy.CopyFrom(node)
            if not self.integer(node):
                copy.input[:] = [self.real(n) for n in node.input]
                self.nodes.append(copy)
                self.full.update(node.output)
                continue
            a = attributes(node)
            if node.op_type == "HardSigmoid":
                # x + beta / alpha within 0 and 1 / alpha; the same bytes count for alpha times as much.
                alpha, beta = a.get("alpha", 0.2), a.get("beta", 0.5)
                shift = self.operand(self.constant(out + "_shift", np.float32(beta / alpha)))
                self.nodes.append(helper.make_node("Add", [self.operand(node.input[0]), shift], [out + "_f"], node.name))
                self.quantize(out, out + "_f", np.float32(1 / alpha / 255), np.uint8(0))
                self.eight[out] = self.eight[out][0], np.float32(1 / 255), np.uint8(0)
                continue
            if node.op_type in {"Conv", "Gemm"}:
                copy.input[:] = self.weighted(node)
            else:
                several = node.op_type in {"Add", "Mul", "Concat"}
                copy.input[:] = [self.operand(n) if several or i == 0 else n for i, n in enumerate(node.input)]
            if node.op_type == "Gemm" and out in self.net.outputs:
                self.nodes.append(copy)
                self.full.add(out)
                continue
            copy.output[:] = [o + "_f" for o in node.output]
            self.nodes.append(copy)
            for o in node.output:
                self.quantize(o, o + "_f", *self.scales[o])
        for out in self.net.outputs:
            if out not in self.full:
                self.dequantize(*self.eight[out])
                self.nodes[-1].output[0] = out
        return self.nodes, self.constants


def left_in_float(path):
    """Operators of an optimised model that compute in float, and how many; DequantizeLinear at the outputs and the like count."""
    eight, floats = set(), collections.Counter()
    model = onnx.load(str(path))
    eight.update(t.name for t in model.graph.initializer if t.data_type in (onnx.TensorProto.UINT8, onnx.TensorProto.INT8))
    total = 0
    for node in model.graph.node:
        total += 1
        if node.op_type.startswith("QLinear") or node.op_type == "QuantizeLinear" or (node.input[0] in eight and node.op_type != "DequantizeLinear"):
            if node.op_type != "QGemm" or len(node.input) > 7 and node.input[7]:
                eight.update(node.output)
            continue
        floats[node.op_type] += 1
    return dict(floats), total


def calibration_inputs(folder):
    """NHWC .npy of each sample as NCHW."""
    return [np.ascontiguousarray(np.moveaxis(np.load(f), -1, 1)).astype(np.float32) for f in sorted(pathlib.Path(folder).glob("*/input_0.npy"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--calibration", type=pathlib.Path, required=True)
    parser.add_argument("--weights", choices=LIMITS, default="int8", help="int7: int8 within +-63, which cannot saturate 16-bit sums")
    parser.add_argument("--float", nargs="*", default=[], help="operators that stay float")
    parser.add_argument("--engines", default="build/engines")
    args = parser.parse_args()
    inputs = calibration_inputs(args.calibration)
    if not inputs:
        raise SystemExit(f"{args.calibration}: no folders with input_0.npy")
    onnx.save(Float(args.model, inputs, args.engines, args.float).quantized(args.weights, args.float), str(args.out))
    optimized = str(args.out) + ".optimized"
    served.Served("onnxruntime", args.out, 1, args.engines, {"optimizedModelFilePath": optimized}).close()
    floats, total = left_in_float(optimized)
    pathlib.Path(optimized).unlink()
    print(f"{args.out}: {total} nodes, in float: " + (", ".join(f"{n} {op}" for op, n in floats.items()) or "none"))


if __name__ == "__main__":
    main()
