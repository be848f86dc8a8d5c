#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every convolutional network of Debian's `darknet` package with seeded weights, beside OpenCV's DNN module, or beside Darknet
itself (its library, called by ctypes) where OpenCV does not read the file. Numbers before [yolo] and [region], and of the last
layer of a classifier, are compared: the largest difference in parts of the largest number.

    bench/agreement/darknet.py [--program build/release/dotori] [--only NAME ...] [--folder /usr/share/darknet/cfg] [--json FILE]

Needs Debian's darknet, python3-opencv and python3-numpy. Networks that stand in REFUSED must be refused by `convert`."""
import argparse
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import cv2  # noqa: E402
import numpy as np  # noqa: E402

LIBRARY = "/usr/lib/darknet/libdarknet.so"
LIMIT = 1e-4
RECURRENT = "a recurrent network over letters"
DETECTION = "YOLO of 2015: [detection] cells behind a [connected] layer, which no later Darknet file uses"
REFUSED = {"strided": "the activation ramp", "rnn": RECURRENT, "rnn.train": RECURRENT, "gru": RECURRENT, "t1.test": DETECTION, "yolov1-tiny": DETECTION,
           "yolov1": DETECTION + "; [local]",
           "darknet9000": "softmax over a class hierarchy (tree=...)", "yolo9000": "softmax over a class hierarchy (tree=...)",
           "go": "[reorg] extra: numbers of a second input behind the board", "go.test": "[reorg] extra: numbers of a second input behind the board"}
# What OpenCV 4.6 reads as something else; files that it refuses go to Darknet by themselves.
BESIDE_DARKNET = {"vgg-16": "[crop]", "cifar.test": "[softmax] temperature"}


def sections(path):
    """[(name, {key: value})], the comments gone."""
    result = []
    for line in path.read_text().splitlines():
        line = re.sub(r"[#;].*", "", line).strip()
        if line.startswith("["):
            result.append((line.strip("[]"), {}))
        elif "=" in line:
            key, value = line.split("=", 1)
            result[-1][1][key.strip()] = value.strip()
    return result


def make_weights(cfg, path, seed=3):
    """Weights that keep numbers near 1 through any depth, in Darknet's layout; returns [(kind, shape)] of all layers."""
    random = np.random.default_rng(seed)
    parts = sections(cfg)
    net = parts[0][1]
    shape = (int(net["height"]), int(net["width"]), int(net["channels"]))
    out, numbers = [], []

    def weights(count, normal, fan_in, linear):
        bias = random.normal(0, 0.1, count)
        scales = [random.uniform(0.7, 1.3, count), random.normal(0, 0.2, count), random.uniform(0.7, 1.3, count)] if normal else []
        return bias, scales, lambda n: random.normal(0, (1 if linear else 2)**0.5 / fan_in**0.5, n)

    for index, (kind, o) in enumerate(parts[1:]):
        h, w, c = shape
        get = lambda key, otherwise: int(o.get(key, otherwise))
        if kind == "convolutional":
            n, k, s, g = get("filters", 1), get("size", 1), get("stride", 1), get("groups", 1)
            p = k // 2 if get("pad", 0) else get("padding", 0)
            # Sums of many shortcuts grow; smaller weights before them keep the numbers in range.
            follows = index + 2 < len(parts) and parts[index + 2][0] == "shortcut"
            bias, scales, draw = weights(n, get("batch_normalize", 0), c // g * k * k * (10 if follows else 1), o.get("activation") == "linear")
            numbers += [bias, *scales, draw(n * (c // g) * k * k)]
            shape = ((h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1, n)
        elif kind == "connected":
            n = get("output", 1)
            bias, scales, draw = weights(n, get("batch_normalize", 0), h * w * c, o.get("activation") == "linear")
            numbers += [bias, draw(n * h * w * c), *scales]
            shape = (1, 1, n)
        elif kind == "maxpool":
            s = get("stride", 1)
            k = get("size", s)
            p = get("padding", k - 1)
            shape = ((h + p - k) // s + 1, (w + p - k) // s + 1, c)
        elif kind == "avgpool":
            shape = (1, 1, c)
        elif kind == "upsample":
            shape = (h * get("stride", 2), w * get("stride", 2), c)
        elif kind == "reorg":
            s = get("stride", 1)
            shape = (h // s, w // s, c * s * s)
        elif kind == "route":
            sources = [out[index + int(i) if int(i) < 0 else int(i)][1] for i in o["layers"].split(",")]
            shape = (*sources[0][:2], sum(s[2] for s in sources))
        elif kind == "crop":
            shape = (get("crop_height", 1), get("crop_width", 1), c)
        out.append((kind, shape))
    with open(path, "wb") as file:
        np.array([0, 2, 0], np.int32).tofile(file)
        np.zeros(1, np.int64).tofile(file)
        for part in numbers:
            part.astype(np.float32).tofile(file)
    return out


def opencv(cfg, weights, x, layers):
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setInput(x)
    heads = [i - 1 for i, (kind, _) in enumerate(layers) if kind in ("yolo", "region")]
    names = set(net.getLayerNames())
    if not heads:
        return [net.forward()]
    return [net.forward(next(n for n in (f"bn_{i}", f"conv_{i}") if n in names)) for i in heads]


def darknet(cfg, weights, x, layers):
    """In a process of its own: the library writes to stdout, and exits where it does not like a file."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", np.ascontiguousarray(x))
        count = int(np.prod(layers[-1][1]))
        done = subprocess.run([sys.executable, __file__, "--darknet", cfg, weights, f"{folder}/x.npy", str(count), f"{folder}/y.npy"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{cfg}: Darknet failed: {done.stderr.strip()}")
        return [np.load(f"{folder}/y.npy")]


def run_darknet(cfg, weights, x, count, out):
    library = ctypes.CDLL(LIBRARY)
    library.load_network.restype = ctypes.c_void_p
    library.load_network.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
    library.set_batch_network.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.network_predict.restype = ctypes.POINTER(ctypes.c_float)
    library.network_predict.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    net = library.load_network(str(cfg).encode(), str(weights).encode(), 0)
    library.set_batch_network(net, 1)
    x = np.load(x)
    y = library.network_predict(net, x.ctypes.data)
    np.save(out, np.ctypeslib.as_array(y, (int(count),)))


def compare(cfg, program, folder):
    weights, model, stem = folder / "net.weights", folder / "net.dtr", cfg.stem
    layers = [] if stem in REFUSED else make_weights(cfg, weights)
    weights.touch()
    done = subprocess.run([program, "convert", cfg, weights, "-o", model], capture_output=True, text=True)
    if stem in REFUSED:
        if done.returncode == 0 or model.exists():
            return {"error": "is expected to be refused, but was converted"}
        return {"refused": REFUSED[stem], "message": done.stderr.strip()}
    if done.returncode != 0:
        return {"error": done.stderr.strip()}
    net = sections(cfg)[0][1]
    x = np.random.default_rng(4).random((1, int(net["channels"]), int(net["height"]), int(net["width"])), np.float32)
    np.save(folder / "x.npy", x.transpose(0, 2, 3, 1))
    done = subprocess.run([program, "run", model, "--input", folder / "x.npy", "--dump", folder / "out"], capture_output=True, text=True)
    if done.returncode != 0:
        return {"error": done.stderr.strip()}
    engine, theirs = "OpenCV", None
    if stem not in BESIDE_DARKNET:
        try:
            theirs = opencv(cfg, weights, x, layers)
        except cv2.error:
            pass
    if theirs is None:
        engine, theirs = "Darknet", darknet(cfg, weights, x, layers)
    worst = 0
    for i, reference in enumerate(theirs):
        ours = np.load(folder / f"out/output_{i}.npy")
        if reference.ndim == 4:
            reference = reference.transpose(0, 2, 3, 1)
        if ours.size != reference.size:
            return {"error": f"output {i} is {ours.shape}, {engine}'s {reference.shape}"}
        worst = max(worst, float(np.abs(ours.ravel() - reference.ravel()).max() / np.abs(reference).max()))
    largest = max(float(np.abs(t).max()) for t in theirs)
    return {"engine": engine, "outputs": len(theirs), "difference": worst, "largest": largest, "agrees": worst <= LIMIT}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/dotori")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/usr/share/darknet/cfg"))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="as in --folder, without .cfg")
    parser.add_argument("--json", type=pathlib.Path, help="write the results there")
    options = parser.parse_args()
    files = sorted(options.folder.glob("*.cfg"))
    if not files:
        sys.exit(f"{options.folder}: no .cfg files (Debian package darknet)")
    results, failed = {}, []
    for cfg in files:
        if options.only and cfg.stem not in options.only:
            continue
        start = time.time()
        with tempfile.TemporaryDirectory() as folder:
            result = results[cfg.stem] = compare(cfg, options.program, pathlib.Path(folder))
        if "error" in result or not result.get("agrees", True):
            failed.append(cfg.stem)
        text = result.get("error") or (f"refused: {result['refused']}" if "refused" in result else
                                       f"{result['engine']:8} {result['outputs']} outputs, {result['difference']:.1e} of {result['largest']:.2g}")
        print(f"{cfg.stem:20} {time.time() - start:5.1f} s  {text}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    worst = max((r["difference"] for r in results.values() if "difference" in r), default=0)
    print(f"{sum('difference' in r for r in results.values())} networks, largest difference {worst:.1e}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--darknet"]:
        sys.exit(run_darknet(*sys.argv[2:]))
    sys.exit(main())
