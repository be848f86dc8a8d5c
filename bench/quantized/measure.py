#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Quantises networks of the zoo and shows what 8 bits cost and bring: file size, accuracy on photos that calibration did not
see, latency at one thread on this machine, instructions on two ARM cores.

Calibration and measurement never share a photo: every fourth photo of imagenet_200 and every second of human_seg_90
calibrate, the others measure; coco_64 only measures. Set up and started by bench/quantized/run."""
import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys

YOLO = {"task": "detection", "images": "coco", "truth": ["--annotations", "instances.json"]}
# No truth to measure with: the masks shall be those of the float32 network, judged on calibration photos.
MASKS = ["--agree", "CALIBRATION", "--max-drop", "1.5"]
CLASSES = {"task": "classification", "images": "imagenet", "truth": ["--labels", "labels.csv"]}


def networks(zoo):
    """name, files, convert options, calibration set, how it is measured, options of quantize."""
    c, d, s = (zoo / "models" / f for f in ("classification", "detection", "segmentation"))
    return [
        ("mobilenet_v1_1.0", [c / "mobilenet_v1_1.0_224.tflite"], ["--preset", "mobilenet-tf"], "imagenet", CLASSES, []),
        ("mobilenet_v1_0.25", [c / "mobilenet_v1_0.25_224_float.tflite"], ["--preset", "mobilenet-tf"], "imagenet", CLASSES, ["--adaround"]),
        ("squeezenet_1.1", [c / "squeezenet_v1.1_from_ncnn.onnx"], ["--preset", "caffe"], "imagenet", CLASSES, []),
        ("yolo-fastest-1.1", [d / "yolo-fastest-1.1.cfg", d / "yolo-fastest-1.1.weights"], [], "mixed", YOLO, []),
        ("yolox_nano", [d / "yolox_nano.onnx"], ["--preset", "yolox"], "mixed", YOLO, ["--max-drop", "1"]),
        ("prisma-net", [s / "prisma-net.tflite"], ["--preset", "portrait"], "people", {"images": "people"},
         [*MASKS, "--measure-limit", "24"]),
        ("u2netp", [s / "u2netp.onnx"], ["--preset", "u2net"], "mixed", {"images": "people"},
         [*MASKS, "--limit", "24", "--measure-limit", "16"]),
        ("axial_unet", [s / "multiaxial_axial_model.onnx"], ["--mask", "argmax"], "mixed", {"images": "people"},
         ["--limit", "12", "--agree", "CALIBRATION", "--measure-limit", "8"]),
        ("selfie_segmentation", [s / "selfie_segmentation.tflite"], ["--preset", "portrait"], "people",
         {"images": "people", "truth": ["--masks", None]}, ["--max-drop", "1"]),
    ]


def link(folder, photos):
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        if not (folder / photo.name).exists():
            (folder / photo.name).symlink_to(photo.resolve())
    return folder


def photo_sets(zoo, out):
    """Folders of links: what calibrates and what measures."""
    images = zoo / "images"
    rows = list(csv.reader(open(images / "imagenet_200/labels.csv")))
    header, rows = rows[0], rows[1:]
    calibrating, measuring = rows[::4], [r for i, r in enumerate(rows) if i % 4]
    sets = {"calibrate": {}, "measure": {}}
    sets["calibrate"]["imagenet"] = link(out / "calibrate/imagenet", [images / "imagenet_200" / r[0] for r in calibrating])
    sets["measure"]["imagenet"] = link(out / "measure/imagenet", [images / "imagenet_200" / r[0] for r in measuring])
    with open(out / "measure/imagenet/labels.csv", "w", newline="") as file:
        csv.writer(file).writerows([header] + measuring)
    people = sorted((images / "human_seg_90/photos").iterdir())
    masks = {p.stem: p for p in (images / "human_seg_90/masks").iterdir()}
    sets["calibrate"]["people"] = link(out / "calibrate/people", people[::2])
    sets["measure"]["people"] = link(out / "measure/people", people[1::2])
    sets["masks"] = link(out / "measure/people_masks", [masks[p.stem] for p in people[1::2] if p.stem in masks])
    mixed = [images / "imagenet_200" / r[0] for r in calibrating] + people[::2]
    sets["calibrate"]["mixed"] = link(out / "calibrate/mixed", mixed)
    sets["measure"]["coco"] = images / "coco_64"
    return sets


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]}: exit code {done.returncode}")
    return done.stdout


def instructions(models):
    """{(model, core): count} by bench/arm/run."""
    lines = run("bench/arm/run", "--instructions-only", *models).splitlines()[1:]
    return {(f[0], f[1]): int(f[2]) for f in (line.split() for line in lines)}


def measure(row, args, sets):
    name, files, convert, calibration, how, options = row
    fp32, int8 = args.out / f"{name}.dtr", args.out / f"{name}_int8.dtr"
    run(args.dotori, "convert", *files, "-o", fp32, *convert)
    truth_folder = sets["measure"][how["images"]]
    truth = []
    if "truth" in how:
        option, file = how["truth"]
        truth = [option, truth_folder / file if file else sets["masks"]]
    options = [sets["calibrate"][calibration] if o == "CALIBRATION" else o for o in options]
    measured = ["--images", truth_folder, *truth] if truth and options else []
    run(args.dotori, "quantize", fp32, "-o", int8, "--calibration", sets["calibrate"][calibration], "--threads", args.threads,
        "--report", args.out / f"{name}.html", *measured, *options)
    result = {"name": name, "fp32_bytes": fp32.stat().st_size, "int8_bytes": int8.stat().st_size}
    if truth:
        for key, model in (("fp32", fp32), ("int8", int8)):
            figures = json.loads(run(args.dotori, "eval", model, "--images", truth_folder, *truth, "--threads", args.threads, "--json"))
            result[key] = {k: figures[k] for k in ("top1", "top5", "ap50", "ap", "iou", "dice", "pixel_accuracy") if k in figures}
    agreement = json.loads(run(args.dotori, "agree", fp32, int8, "--images", truth_folder, "--threads", args.threads, "--json"))
    result["agreement"] = {k: agreement[k] for k in ("count", "mean", "min", "iou") if k in agreement}
    times = {"fp32": [], "int8": []}
    for _ in range(args.rounds):  # interleaved, so that both see the same machine
        for key, model in (("fp32", fp32), ("int8", int8)):
            times[key].append(json.loads(run(args.dotori, "bench", model, "--runs", "10", "--json"))["min_ms"])
    result["fp32_ms"], result["int8_ms"] = (min(times[k]) for k in ("fp32", "int8"))
    if args.arm:
        counts = instructions([fp32, int8])
        result["arm"] = {core: [counts[(fp32.stem, core)], counts[(int8.stem, core)]] for core in ("a72", "a55")}
    return result


def text(result):
    accuracy = "; ".join(f"{k} {result['fp32'][k]:.2f} -> {result['int8'][k]:.2f}" for k in result.get("fp32", {}))
    agreement = ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in result["agreement"].items())
    cells = [result["name"], f"{result['int8_bytes'] / result['fp32_bytes']:.2f}", accuracy or "-", agreement,
             f"{result['fp32_ms']:.1f} -> {result['int8_ms']:.1f} ({result['fp32_ms'] / result['int8_ms']:.2f}x)"]
    for core in ("a72", "a55"):
        if "arm" in result:
            a, b = result["arm"][core]
            cells.append(f"{a / 1e6:.0f} -> {b / 1e6:.0f} M ({a / b:.2f}x)")
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dotori", default="build/release/dotori")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/quantized"))
    parser.add_argument("--only", nargs="*", help="parts of network names")
    parser.add_argument("--threads", type=int, default=2, help="for quantising and evaluating; latency is at one thread")
    parser.add_argument("--rounds", type=int, default=3, help="of latency")
    parser.add_argument("--arm", action="store_true", help="also count instructions under qemu (a minute a network)")
    parser.add_argument("--json", type=pathlib.Path, help="write the results here too")
    args = parser.parse_args()
    zoo = pathlib.Path(os.environ.get("DOTORI_ZOO", "../shared"))
    if not (zoo / "models").is_dir():
        print("skipped: no model zoo")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    sets = photo_sets(zoo, args.out)
    head = ["network", "size", "accuracy, fp32 -> int8", "int8 against fp32", "ms at 1 thread"]
    head += ["A72 instructions", "A55 instructions"] if args.arm else []
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    results, failed = [], 0
    for row in networks(zoo):
        if args.only and not any(part in row[0] for part in args.only):
            continue
        try:
            results.append(measure(row, args, sets))
            print(text(results[-1]), flush=True)
        except RuntimeError as error:
            failed += 1
            print(f"| {row[0]} | FAILED: {error} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
