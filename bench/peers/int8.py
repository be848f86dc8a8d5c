# SPDX-License-Identifier: Apache-2.0
"""`bench/peers/run --int8`: our quantised network and ONNX Runtime's, calibrated on the same inputs, and both in float32."""
import json

import numpy as np
import onnx

import quantize_onnx
from served import Own, Served, dotori, interleaved, summary

NAMES = {"ort_int8": "ONNX Runtime int8", "ours_fp32": "our float32", "ort_fp32": "ONNX Runtime float32"}
SAMPLES = 8
WORST = 0.35  # relative L2 error of an output; seeded random weights lose more in 8 bits than trained ones


def error(outputs, truth):
    return max(float(np.linalg.norm(a.ravel() - b.ravel()) / np.linalg.norm(b)) for a, b in zip(outputs, truth))


def samples(shape, folder):
    """Seeded calibration inputs, as files for `dotori quantize` and as arrays."""
    random = np.random.default_rng(2)
    for i in range(SAMPLES):
        (folder / str(i)).mkdir(parents=True, exist_ok=True)
        np.save(folder / str(i) / "input_0.npy", random.random(shape, np.float32))
    return quantize_onnx.calibration_inputs(folder)


def forms(path, inputs, engines, folder):
    """ONNX Runtime's int8 networks: name, file and session options."""
    made = quantize_onnx.Float(path, inputs, engines)
    kinds = {n.op_type for n in onnx.load(str(path)).graph.node}
    networks = [("", made, ())]
    if kinds & quantize_onnx.ACTIVATIONS:
        networks.append((", activations float", made, tuple(quantize_onnx.ACTIVATIONS)))
    if "ConvTranspose" in kinds:
        networks.append((", transposed convolutions float", quantize_onnx.Float(path, inputs, engines, ["ConvTranspose"]), ("ConvTranspose",)))
    for suffix, network, float_ops in networks:
        for weights in quantize_onnx.LIMITS:
            file = folder / f"form_{weights}{len(suffix)}.onnx"
            onnx.save(network.quantized(weights, float_ops), str(file))
            yield weights + suffix, file, {}
            if kinds & {"Transpose", "ConvTranspose"}:  # channels last, they cost a change of layout before and behind each
                yield weights + suffix + ", channels first", file, {"graphOptimizationLevel": "extended"}


def fastest(path, x, truth, inputs, args, folder):
    """The engine of ONNX Runtime's fastest int8 form that is near enough, and what was tried."""
    engines, tried = {}, {}
    for name, file, options in forms(path, inputs, args.engines, folder):
        optimized = folder / "optimized.onnx"
        try:
            engine = Served("onnxruntime", file, args.threads, args.engines, {"optimizedModelFilePath": str(optimized), **options})
            tried[name] = {"error": error(engine.run(x), truth)}
        except RuntimeError as problem:
            tried[name] = {"problem": str(problem)}
            continue
        tried[name]["float"], tried[name]["nodes"] = quantize_onnx.left_in_float(optimized)
        engines[name] = engine
    for name in [n for n in engines if n.startswith("int8")]:  # both signed forms run the same kernels: the more exact one
        twin = name.replace("int8", "int7", 1)
        if twin in engines:
            engines.pop(max(name, twin, key=lambda n: tried[n]["error"])).close()
    for name, rounds in interleaved(engines, 5, max(2, args.runs // 2)).items():
        tried[name]["ms"] = min(r[0] for r in rounds)
    near = [n for n in engines if tried[n]["error"] <= WORST]
    best = None
    if near:
        limit = 1.02 * min(tried[n]["ms"] for n in near)  # equally fast: the more exact one
        best = min((n for n in near if tried[n]["ms"] <= limit), key=lambda n: tried[n]["error"])
    for name, engine in engines.items():
        if name != best:
            engine.close()
    return engines.get(best), best, tried


def measure(args, path, folder):
    float_dtr, int8_dtr = folder / f"{path.stem}.dtr", folder / f"{path.stem}_int8.dtr"
    dotori(args.dotori, "convert", path, "-o", float_dtr)
    info = json.loads(dotori(args.dotori, "inspect", float_dtr, "--json"))
    shape = info["inputs"][0]["shape"]
    inputs = samples(shape, folder / f"{path.stem}_calibration")
    dotori(args.dotori, "quantize", float_dtr, "-o", int8_dtr, "--calibration", folder / f"{path.stem}_calibration")
    x = np.random.default_rng(1).random(shape, np.float32)
    np.save(folder / "x.npy", x)

    def own_outputs(dtr):
        dotori(args.dotori, "run", dtr, "--input", folder / "x.npy", "--dump", folder, "--threads", args.threads)
        return [np.load(folder / f"output_{i}.npy") for i in range(len(info["outputs"]))]

    row = {"network": path.stem, "gmac": info["macs"] / 1e9, "error": {"ours": error(own_outputs(int8_dtr), own_outputs(float_dtr))}, "failed": {}}
    if row["error"]["ours"] > WORST:
        row["failed"]["ours"] = f"our int8 output is off by {row['error']['ours']:.2f}, more than {WORST}: its time says little"
    engines = {"ours": Own(args.dotori, int8_dtr, args.threads), "ours_fp32": Own(args.dotori, float_dtr, args.threads)}
    source = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    try:
        engines["ort_fp32"] = Served("onnxruntime", path, args.threads, args.engines)
        truth = engines["ort_fp32"].run(source)
        engine, row["form"], row["tried"] = fastest(path, source, truth, inputs, args, folder)
        if engine:
            engines["ort_int8"], row["error"]["ort_int8"] = engine, row["tried"][row["form"]]["error"]
        else:
            row["failed"]["ort_int8"] = "; ".join(sorted({t.get("problem") or f"off by {t['error']:.2f}, more than {WORST}" for t in row["tried"].values()}))
    except RuntimeError as problem:
        row["failed"]["ort_int8"] = str(problem)
    row["engines"] = summary(engines, interleaved(engines, args.rounds, args.runs))
    return row


def remark(row):
    chosen = row.get("tried", {}).get(row.get("form"))
    parts = list(row["failed"].values())
    if chosen:
        left = ", ".join(f"{n} {op}" for op, n in chosen["float"].items() if op != "DequantizeLinear")
        parts.append(f"{row['form']}; in float: {left or 'nothing'}")
    return "; ".join(parts)


def table(rows, threads):
    lines = [f"{threads} thread(s), milliseconds: least / median. Ratio: our int8 over it, the median of the rounds' ratios of least times. "
             "Error: relative L2 of the worst output to float32, ours / ONNX Runtime's; the weights are seeded, not trained.", "",
             "| network | GMAC | ours int8 | GMAC/s | ours fp32 | ratio | ONNX Runtime int8 | ratio | ONNX Runtime fp32 | ratio | error | "
             "ONNX Runtime's int8 form |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        own = row["engines"]["ours"]
        text = f"| {row['network']} | {row['gmac']:.2f} | {own['min_ms']:.1f} / {own['median_ms']:.1f} | {row['gmac'] / own['min_ms'] * 1e3:.1f} |"
        for p in ("ours_fp32", "ort_int8", "ort_fp32"):
            e = row["engines"].get(p)
            text += f" {e['min_ms']:.1f} / {e['median_ms']:.1f} | **{e['ratio']:.2f}** |" if e else " fails | |"
        errors = " / ".join(f"{row['error'][k]:.3f}" if k in row["error"] else "-" for k in ("ours", "ort_int8"))
        lines.append(f"{text} {errors} | {remark(row)} |")
    return "\n".join(lines) + "\n"
