#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts an ONNX network into networks of one layer, so that bench/arm/run can compare engines layer by layer:

    bench/arm/layers.py NET.onnx --out build/arm/net
    bench/arm/run --peers "xnnpack onnxruntime" --json build/arm/net.json build/arm/net/*.onnx
    bench/arm/layers.py --rank build/arm/net.json --out build/arm/net

The first one writes FOLDER/NN_OPERATOR_SHAPES.onnx for every layer that differs from the others in more than its weights, in the order of the
network, and FOLDER/layers.json with how often each occurs. A layer is an operator with the activation behind it. Needs python3-onnx.
The last one prints the layers by the cycles that they cost more than in the better peer, all occurrences together."""
import argparse
import json
import pathlib

import onnx
from onnx import numpy_helper, shape_inference, utils

ACTIVATIONS = {"Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "LeakyRelu"}
FREE = {"Constant", "Identity", "Reshape", "Flatten", "Shape", "Unsqueeze", "Squeeze", "Cast", "Dropout"}


def rank(results, folder):
    counts = {layer["name"]: layer["count"] for layer in json.loads((folder / "layers.json").read_text())}
    rows = [r for r in json.loads(results.read_text())["rows"] if r["model"] in counts and len(r["engines"]) > 1]
    for core in dict.fromkeys(r["core"] for r in rows):
        print(f"{core}: times, layer, cycles of ours, better peer, its cycles, ours / its, all that ours takes longer")
        found = []
        for row in (r for r in rows if r["core"] == core):
            own = row["engines"]["ours"]["cycles"]
            peer, best = min(((p, e["cycles"]) for p, e in row["engines"].items() if p != "ours"), key=lambda e: e[1])
            count = counts[row["model"]]
            found.append(((own - best) * count, f"{count:3} {row['model']:48} {own:10.4g} {peer:12} {best:10.4g} {own / best:6.2f}"))
        for longer, text in sorted(found, reverse=True):
            print(f"{text} {longer:+11.3g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=pathlib.Path, nargs="?")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FOLDER")
    parser.add_argument("--rank", type=pathlib.Path, metavar="RESULT.json")
    args = parser.parse_args()
    if args.rank:
        return rank(args.rank, args.out)
    if not args.network:
        parser.error("which network?")
    model = shape_inference.infer_shapes(onnx.load(args.network), data_prop=True)
    graph = model.graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in [*graph.value_info, *graph.input, *graph.output]}
    constants = {t.name: list(t.dims) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = list(numpy_helper.to_array(node.attribute[0].t).shape)
        elif node.op_type == "Identity" and node.input[0] in constants:  # of tensors that PyTorch found to be equal
            constants[node.output[0]] = constants[node.input[0]]
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    outputs = {o.name for o in graph.output}
    extractor, done, layers = utils.Extractor(model), set(), {}
    args.out.mkdir(parents=True, exist_ok=True)
    for node in graph.node:
        inputs = [name for name in dict.fromkeys(node.input) if name and name not in constants]
        if id(node) in done or node.op_type in FREE or not inputs:
            continue
        chain, last = [node.op_type], node.output[0]
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add"):
            then = users.get(last, [])
            mul = [n for n in then if n.op_type == "Mul"]
            gate = [n for n in then if n.op_type in ("Sigmoid", "HardSigmoid")]
            if len(then) == 2 and mul and gate and set(mul[0].input) == {last, gate[0].output[0]}:
                done.update((id(mul[0]), id(gate[0])))
                chain, last = [*chain, gate[0].op_type, "Mul"], mul[0].output[0]
            elif len(then) == 1 and then[0].op_type in ACTIVATIONS and last not in outputs:
                done.add(id(then[0]))
                chain, last = [*chain, then[0].op_type], then[0].output[0]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        sizes = [shapes.get(name) or [] for name in inputs]
        weights = [constants[name] for name in node.input if name in constants]
        if any(not s or 0 in s for s in sizes):
            continue  # of a size that only a run tells
        key = repr((chain, sizes, weights, sorted(attributes.items(), key=str)))
        if key not in layers:
            groups, stride = attributes.get("group", 1), attributes.get("strides", [1])[0]
            kind = "dw" if node.op_type == "Conv" and groups > 1 and groups == sizes[0][1] else node.op_type.lower()
            kind += "x".join(map(str, weights[0][2:])) if node.op_type == "Conv" else ""
            name = f"{len(layers):02}_{kind}" + (f"s{stride}" if stride > 1 else "") + "_" + "x".join(map(str, sizes[0][1:]))
            name += "_" + str(shapes.get(last, [0, 0])[1] if len(shapes.get(last, [])) > 1 else 0) + "".join("_" + c.lower() for c in chain[1:])
            onnx.save(extractor.extract_model(inputs, [last]), args.out / f"{name}.onnx")
            layers[key] = {"name": name, "count": 0, "first": node.name or node.output[0]}
        layers[key]["count"] += 1
    (args.out / "layers.json").write_text(json.dumps(list(layers.values()), indent=1) + "\n")
    print("\n".join(f"{layer['count']:3} x {layer['name']}  {layer['first']}" for layer in layers.values()))


if __name__ == "__main__":
    main()
