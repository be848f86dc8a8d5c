#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Converts real networks and compares them with independent engines on photos: same tensor in, tensors out.

A row is fine when, on every photo, max |difference| <= 1e-4 x max |reference| for every output, the top class is the same,
and the boxes of `dotori run` are those decoded in NumPy from the engine's tensors (same class, IoU > 0.99).
Exit code 0 only when every row is. Set up and started by bench/agreement/run."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import decode
import engines

IMAGENET = ["--preset", "imagenet-torch"]
YOLO_TINY_ANCHORS = [[(81, 82), (135, 169), (344, 319)], [(10, 14), (23, 27), (37, 58)]]
YOLO_SLIM_ANCHORS = [[(116, 90), (156, 198), (373, 326)], [(30, 61), (62, 45), (59, 119)], [(10, 13), (16, 30), (33, 23)]]
FASTEST_ANCHORS = [[(115, 73), (119, 199), (242, 238)], [(12, 18), (37, 49), (52, 132)]]
REGION_ANCHORS = [[(w * 32, h * 32) for w, h in [(0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434),
                                                  (7.88282, 3.52778), (9.77052, 9.16828)]]]


def anchor_options(anchors, strides):
    text = ";".join(",".join(f"{w},{h}" for w, h in scale) for scale in anchors)
    return ["--decoder", "yolo", "--classes", "80", "--strides", strides, "--anchors", text, "--score-threshold", "0.5"]


def models(zoo, networks, exported):
    """name, files, convert options, detection task of the NumPy decoder."""
    c, d, s = (zoo / "models" / f for f in ("classification", "detection", "segmentation"))
    rows = [
        ("mobilenet_v1_1.0", [c / "mobilenet_v1_1.0_224.tflite"], ["--preset", "mobilenet-tf"], None),
        ("mobilenet_v1_0.25", [c / "mobilenet_v1_0.25_224_float.tflite"], ["--preset", "mobilenet-tf"], None),
        ("squeezenet_1.1", [c / "squeezenet_v1.1_from_ncnn.onnx"], ["--preset", "caffe"], None),
        ("mlperftiny_resnet", [c / "mlperftiny_pretrainedResnet.tflite"], ["--task", "classification", "--scale", "1"], None),
        ("mlperftiny_vww", [c / "mlperftiny_vww_96_float.tflite"], ["--task", "classification"], None),
        ("yolo-fastest-1.1", [d / "yolo-fastest-1.1.cfg", d / "yolo-fastest-1.1.weights"], [],
         {"decoder": "yolo", "threshold": 0.25, "anchors": FASTEST_ANCHORS, "nms": 0.45}),
        ("yolox_nano", [d / "yolox_nano.onnx"], ["--preset", "yolox"], {"decoder": "yolox", "threshold": 0.25, "nms": 0.45}),
        ("FastestDet", [d / "FastestDet.onnx"], ["--preset", "fastestdet"],
         {"decoder": "fastestdet", "threshold": 0.65, "nms": 0.45}),
        ("nanodet_m", [d / "nanodet_m_320.onnx"], ["--preset", "nanodet"],
         {"decoder": "nanodet", "threshold": 0.4, "nms": 0.45, "pairs": [(0, 3), (1, 4), (2, 5)]}),
        ("u2netp", [s / "u2netp.onnx"], ["--preset", "u2net"], None),
        ("prisma_nchw", [s / "prisma_nchw.onnx"], ["--preset", "portrait"], None),
        ("prisma-net", [s / "prisma-net.tflite"], ["--preset", "portrait"], None),
        ("deeplabv3", [s / "deeplabv3_257_mv2_float.tflite"], ["--preset", "deeplab"], None),
        ("axial_unet", [s / "multiaxial_axial_model.onnx"], [], None),
        ("yolov2_tiny", [networks / "yolov2_tiny.tflite"], ["--preset", "yolov2-tiny"],
         {"decoder": "region", "threshold": 0.4, "anchors": REGION_ANCHORS, "nms": 0.45}),
    ]
    for name in ("mobilenet_v1", "regnet_x_800mf", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0"):
        rows.append((f"torch {name}", [exported / f"{name}.onnx"], IMAGENET, None))
    rows.append(("torch yolov4_tiny", [exported / "yolov4_tiny.onnx"], anchor_options(YOLO_TINY_ANCHORS, "32,16"),
                 {"decoder": "yolo", "threshold": 0.5, "anchors": YOLO_TINY_ANCHORS, "nms": 0.45}))
    rows.append(("torch yolov3_slim", [exported / "yolov3_slim.onnx"], anchor_options(YOLO_SLIM_ANCHORS, "32,16,8"),
                 {"decoder": "yolo", "threshold": 0.5, "anchors": YOLO_SLIM_ANCHORS, "nms": 0.45}))
    rows.append(("torch unet2d", [exported / "unet2d.onnx"], ["--mask", "argmax"], None))
    return rows


def dotori(program, *arguments, env=None):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout


def to_source(array, order):
    """A tensor of ours in the source file's axis order; order[i] is the source axis of our axis i."""
    return array if not order else array.transpose(np.argsort(order))


def from_source(array, order):
    return array if not order else array.transpose(order)


def synthetic_inputs(infos, photo):
    """For networks with several inputs: the photo, resized, one tensor each."""
    import cv2
    picture = cv2.imread(str(photo))
    arrays = []
    for info in infos:
        _, h, w, channels = info["shape"]
        resized = cv2.resize(picture, (w, h)).astype(np.float32) / 255
        arrays.append((resized.mean(-1, keepdims=True) if channels == 1 else resized[..., :channels])[None].astype(np.float32))
    return arrays


def same_boxes(found, expected):
    """Pairs every box with one of the same class, IoU > 0.99; returns the worst IoU or None."""
    if len(found) != len(expected):
        return None
    worst, free = 1.0, list(range(len(expected)))
    for box in found:
        best, at = 0.0, None
        for i in free:
            if expected[i][5] == box[5]:
                overlap = decode.iou(box, expected[i][None])[0]
                if overlap > best:
                    best, at = overlap, i
        if at is None or best <= 0.99:
            return None
        free.remove(at)
        worst = min(worst, best)
    return worst


def photo_boxes(result):
    return np.array([[b["x0"], b["y0"], b["x1"], b["y1"], b["score"], b["index"]] for b in result["boxes"]]).reshape(-1, 6)


def to_photo(boxes, size, photo_size, resize):
    """Input pixels -> photo pixels, clipped, as `dotori run` reports them."""
    (w, h), (pw, ph) = size, photo_size
    scale_x, scale_y, off_x, off_y = pw / w, ph / h, 0.0, 0.0
    if resize.startswith("letterbox"):
        nw, nh = (w, max(1, ph * w // pw)) if w * ph <= h * pw else (max(1, pw * h // ph), h)
        scale_x, scale_y = pw / nw, ph / nh
        if resize == "letterbox":
            off_x, off_y = -((w - nw) // 2) * scale_x, -((h - nh) // 2) * scale_y
    out = boxes.copy()
    out[:, [0, 2]] = np.clip(out[:, [0, 2]] * scale_x + off_x, 0, pw)
    out[:, [1, 3]] = np.clip(out[:, [1, 3]] * scale_y + off_y, 0, ph)
    return out[(out[:, 2] > out[:, 0]) & (out[:, 3] > out[:, 1])]


def resize_of(name, options):
    if "--preset" in options and "yolox" in options:
        return "letterbox-top-left"
    return "letterbox" if name in ("yolo-fastest-1.1", "yolov2_tiny") else "stretch"


def run_elsewhere(program, dtr, inputs, infos, folder):
    """The same tensors through example_tensors, such as an aarch64 build of it under an emulator."""
    for i, array in enumerate(inputs):
        np.ascontiguousarray(array, np.float32).tofile(folder / f"input_{i}.raw")
    done = subprocess.run([*program.split(), str(dtr), str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{program}: exit code {done.returncode}")
    types = {"float32": np.float32, "int32": np.int32, "int64": np.int64}
    return [np.fromfile(folder / f"output_{i}.raw", types[o["type"]]).reshape(o["shape"]) for i, o in enumerate(infos)]


def compare(row, args, folder):
    name, files, options, task = row
    import cv2
    dtr = folder / f"{name.replace(' ', '_')}.dtr"
    dotori(args.dotori, "convert", *files, "-o", dtr, *options)
    info = json.loads(dotori(args.dotori, "inspect", dtr, "--json"))
    onnx = files[0].suffix == ".onnx"
    kind = engines.OnnxRuntime if onnx else engines.OpenCvDarknet if len(files) == 2 else engines.LiteRt
    engine = kind(args.engines, files if len(files) == 2 else files[0], args.threads)
    worst, notes, fine = 0.0, [], True
    env = dict(os.environ)
    if args.isa:
        env["DOTORI_MAX_ISA"] = args.isa
    for photo in args.photos:
        dump = folder / "dump"
        common = ["--dump", dump, "--threads", args.threads, "--backend", args.backend]
        result = None
        if len(info["inputs"]) == 1:
            result = json.loads(dotori(args.dotori, "run", dtr, photo, "--json", *common, env=env))["results"][0]
            inputs = [np.load(dump / "input_0.npy")]
        else:
            inputs = synthetic_inputs(info["inputs"], photo)
            options_in = []
            for i, array in enumerate(inputs):
                np.save(folder / f"in{i}.npy", array)
                options_in += ["--input", folder / f"in{i}.npy"]
            dotori(args.dotori, "run", dtr, *options_in, *common, env=env)
        source_inputs = [to_source(a, i.get("source_order")) for a, i in zip(inputs, info["inputs"])]
        if len(files) == 2:
            source_inputs = [a.transpose(0, 3, 1, 2) for a in source_inputs]
        expected = engine.run(source_inputs)
        found = [np.load(dump / f"output_{i}.npy") for i in range(len(info["outputs"]))]
        if args.program:
            found = run_elsewhere(args.program, dtr, inputs, info["outputs"], folder)
        if len(files) == 2:
            expected = [e.transpose(0, 2, 3, 1) for e in expected]
        else:
            expected = [from_source(e, o.get("source_order")) for e, o in zip(expected, info["outputs"])]
        if len(expected) != len(found):
            return False, float("nan"), f"{len(found)} outputs, expected {len(expected)}", kind.name
        for i, (f, e) in enumerate(zip(found, expected)):
            if f.size != e.size:
                return False, float("nan"), f"output {i} is {list(f.shape)}, expected {list(e.shape)}", kind.name
            e = e.reshape(f.shape).astype(np.float64)
            relative = np.abs(f - e).max() / max(np.abs(e).max(), 1e-30)
            worst = max(worst, float(relative))
            if not relative <= 1e-4:
                fine = False
        if result and "top" in result:
            top = int(expected[0].reshape(-1).argmax())
            mine = int(found[0].reshape(-1).argmax()) if args.program else result["top"][0]["index"]
            notes.append("top-1 same" if mine == top else f"top-1 {mine}, expected {top}")
            fine &= notes[-1] == "top-1 same"
        if task and not args.program:
            size = (info["inputs"][0]["shape"][2], info["inputs"][0]["shape"][1])
            h, w = cv2.imread(str(photo)).shape[:2]
            boxes = decode.suppress(decode.decode(task, expected, size), task["nms"])
            boxes = to_photo(boxes, size, (w, h), resize_of(name, options))
            mine = photo_boxes(result)
            overlap = same_boxes(mine, boxes)
            notes.append(f"{len(mine)} boxes IoU {overlap:.4f}" if overlap is not None
                         else f"{len(mine)} boxes, expected {len(boxes)} like them")
            fine &= overlap is not None
    engine.close()
    return fine, worst, ", ".join(dict.fromkeys(notes)), kind.name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dotori", default="build/release/dotori")
    parser.add_argument("--engines", default="build/engines")
    parser.add_argument("--networks", type=pathlib.Path, default=pathlib.Path("build/networks"))
    parser.add_argument("--exported", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--only", nargs="*", help="parts of model names")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--backend", default="cpu", choices=["cpu", "reference"])
    parser.add_argument("--isa", help="value for DOTORI_MAX_ISA, such as none")
    parser.add_argument("--program", help="compare this instead: an emulator and example_tensors, such as "
                        "'qemu-aarch64 -cpu cortex-a72 build/aarch64/example_tensors'")
    parser.add_argument("--photos", type=int, default=3, choices=[1, 2, 3], help="how many photos (3)")
    args = parser.parse_args()
    zoo = pathlib.Path(os.environ.get("DOTORI_ZOO", "../shared"))
    if not (zoo / "models").is_dir():
        print("zoo models skipped: no model zoo")
    args.photos = [args.networks / "photos" / f"{n}.jpg" for n in ("dog", "eagle", "horses")][:args.photos]
    failed = 0
    print("| model | engine | max relative difference | answers | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for row in models(zoo, args.networks, args.exported):
            if args.only and not any(part in row[0] for part in args.only):
                continue
            if not row[1][0].exists():
                if (zoo / "models").is_dir():
                    failed += 1
                    print(f"| {row[0]} | - | - | {row[1][0]} is missing | FAILED |", flush=True)
                continue
            try:
                fine, worst, notes, engine = compare(row, args, pathlib.Path(folder))
            except RuntimeError as error:
                fine, worst, notes, engine = False, float("nan"), str(error), "-"
            failed += not fine
            print(f"| {row[0]} | {engine} | {worst:.1e} | {notes} | {'ok' if fine else 'FAILED'} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
