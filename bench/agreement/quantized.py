#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the zoo's quantised .tflite networks with LiteRT on photos: the same bytes in, tensors out.

Operators: each operator of one operand runs alone, on what LiteRT itself computed before it, so that nothing adds up. LiteRT
rounds twice in places where we round once: a step of difference is expected, at least 99.9 % of the elements must be
within one. (Weights of -128 become -127 in our files, a difference of its own: the note says how many.)
Networks: such steps pass through the layers, and 8-bit networks answer a little differently with each arithmetic; LiteRT's
own kernels differ from its XNNPACK delegate as much. The table shows 8-bit output elements within 2 steps and
  classification: the same top class on at least 97 % of the photos (LiteRT's ties count); where the photos have labels,
                  the accuracy is at most 1 point below LiteRT's,
  detection:      for at least 95 % of LiteRT's boxes with a score of 0.4 or more one of ours of that class, IoU >= 0.85,
                  score within 0.1,
  segmentation:   the same class for at least 98 % of the pixels.
Networks made for other photos (CIFAR) are compared by their operators alone. Exit code 0 only when every row is fine. Set
up and started by bench/agreement/run."""
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
from tflite_cut import TfliteCut

STEPS = 2
LEAST_WITHIN_1, LEAST_TOP, MAX_ACCURACY_LOSS, LEAST_BOXES, LEAST_PIXELS = 0.999, 0.97, 0.0101, 0.95, 0.98
MIN_SCORE, MIN_IOU, MAX_SCORE_GAP = 0.4, 0.85, 0.1

# Name in the zoo, task, folder of photos, how many, how a photo becomes the input.
NETWORKS = [
    ("classification/coral_tf2_mobilenet_v2_1.0_224_ptq", "classification", "imagenet_200", 200, "crop"),
    ("classification/coral_mobilenet_v2_1.0_224_quant", "classification", "imagenet_200", 200, "crop"),
    ("classification/coral_mobilenet_v1_0.25_128_quant", "classification", "imagenet_200", 200, "crop"),
    ("classification/mobilenet_v1_0.25_224_quant", "classification", "imagenet_200", 200, "crop"),
    ("classification/mlperftiny_pretrainedResnet_quant", "operators", "imagenet_200", 200, "crop"),
    ("classification/mlperftiny_vww_96_int8", "classification", "coco_64", 64, "crop"),
    ("detection/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29", "detection", "coco_64", 64, "stretch"),
    ("segmentation/deeplabv3_mnv2_dm05_pascal_quant", "segmentation", "coco_64", 16, "stretch"),
]


def photo_bytes(path, height, width, mode):
    """uint8 RGB: the middle 87.5 % of the shorter side, or the whole picture, resized."""
    import cv2
    picture = cv2.imread(str(path))[..., ::-1]
    if mode == "crop":
        h, w = picture.shape[:2]
        side = int(min(h, w) * 0.875)
        top, left = (h - side) // 2, (w - side) // 2
        picture = picture[top:top + side, left:left + side]
    return np.ascontiguousarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


class Dotori:
    """`dotori convert`, then example_tensors on raw bytes."""
    TYPES = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "int8": np.int8, "uint8": np.uint8}

    def __init__(self, args, model, folder):
        self.folder, self.args = pathlib.Path(folder), args
        self.dtr = self.folder / "model.dtr"
        self._call([args.dotori, "convert", model, "-o", self.dtr])
        self.info = json.loads(self._call([args.dotori, "inspect", self.dtr, "--json"]))

    def _call(self, command):
        env = dict(os.environ, **({"DOTORI_MAX_ISA": self.args.isa} if self.args.isa else {}))
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"{command[0]}: exit code {done.returncode}")
        return done.stdout

    def source(self):
        """What the converter says it changed, such as "(44 weights of -128 made -127)"."""
        return self.info.get("source", "").partition(" (")[2].rstrip(")")

    def run(self, array):
        array.tofile(self.folder / "input_0.raw")
        self._call([*self.args.program.split(), self.dtr, self.folder, self.args.threads])
        return [np.fromfile(self.folder / f"output_{i}.raw", self.TYPES[o["type"]]).reshape(o["shape"])
                for i, o in enumerate(self.info["outputs"])]


class Tally:
    """What a row adds up over its photos."""

    def __init__(self):
        self.elements = self.within = self.equal = self.worst = 0
        self.answers = self.same = 0

    def add_elements(self, ours, theirs):
        gap = np.abs(ours.astype(np.int32) - theirs.astype(np.int32))
        self.elements += gap.size
        self.within += int((gap <= STEPS).sum())
        self.equal += int((gap == 0).sum())
        self.worst = max(self.worst, int(gap.max()))

    def add_answers(self, same, count):
        self.same += int(same)
        self.answers += int(count)

    def share(self):
        return self.within / self.elements if self.elements else None

    def agreement(self):
        return self.same / self.answers if self.answers else 1.0


def same_top(ours, theirs):
    """Scores are 8-bit numbers: of several best classes in LiteRT's any counts."""
    ours, theirs = ours.reshape(-1), theirs.reshape(-1)
    return theirs[int(ours.argmax())] == theirs.max()


def detections(outputs):
    boxes, classes, scores, count = (np.asarray(o).reshape(-1) for o in outputs)
    n = int(count[0])
    return np.column_stack([boxes.reshape(-1, 4)[:n], scores[:n], classes[:n]])


def found_boxes(ours, theirs):
    """How many of `theirs` have a counterpart, and how many there are."""
    ours, theirs = detections(ours), detections(theirs)
    theirs = theirs[theirs[:, 4] >= MIN_SCORE]
    free = list(range(len(ours)))
    found = 0
    for box in theirs:
        fits = [i for i in free if ours[i][5] == box[5] and abs(ours[i][4] - box[4]) <= MAX_SCORE_GAP
                and decode.iou(box, ours[i][None])[0] >= MIN_IOU]
        if fits:
            free.remove(fits[0])
            found += 1
    return found, len(theirs)


def compare_operators(model, array, args, folder):
    """Elements and how many are within a step; the largest gap; operators compared."""
    cut = TfliteCut(model)
    part = pathlib.Path(folder) / "part.tflite"
    elements = within = worst = count = 0
    for k in range(len(cut.operators)):
        reads, _ = cut.operands(k)
        if len(reads) != 1:
            continue
        operand = array
        if reads[0] != cut.input:
            part.write_bytes(cut.up_to(reads[0]))
            operand = engines.LiteRt(args.engines, part, args.threads).run([array])[0]
        if operand.dtype not in (np.uint8, np.int8):
            continue
        part.write_bytes(cut.alone(k))
        theirs = engines.LiteRt(args.engines, part, args.threads).run([operand])[0]
        ours = Dotori(args, part, folder).run(operand)[0]
        gap = np.abs(ours.reshape(-1).astype(np.int64) - theirs.reshape(-1).astype(np.int64))
        elements, within, worst, count = elements + gap.size, within + int((gap <= 1).sum()), max(worst, int(gap.max())), count + 1
    return elements, within, worst, count


def read_labels(folder):
    """Class by file name; empty without labels.csv."""
    file = folder / "labels.csv"
    lines = file.read_text().splitlines()[1:] if file.exists() else []
    return {name: int(label) for name, label in (line.rsplit(",", 1) for line in lines)}


def compare(row, model, args, folder):
    name, task, photos, count, mode = row
    dotori = Dotori(args, model, folder)
    engine = engines.LiteRt(args.engines, model, args.threads, args.xnnpack)
    info = dotori.info["inputs"][0]
    _, height, width, _ = info["shape"]
    tally = Tally()
    labels = read_labels(args.zoo / "images" / photos)
    right = {"ours": 0, "theirs": 0}
    files = sorted((args.zoo / "images" / photos).rglob("*.jp*g"))[:min(count, args.photos)]
    if not files:
        raise RuntimeError(f"no photos in {args.zoo / 'images' / photos}")

    def tensor(file):
        array = photo_bytes(file, height, width, mode)[None]
        return (array.astype(np.int16) - 128).astype(np.int8) if info["type"] == "int8" else array

    for file in files if task != "operators" else []:
        array = tensor(file)
        theirs, ours = engine.run([array]), dotori.run(array)
        for a, b in zip(ours, theirs):
            if b.dtype in (np.uint8, np.int8) and task != "segmentation":
                tally.add_elements(a.reshape(-1), b.reshape(-1))
        if task == "classification":
            tally.add_answers(same_top(ours[0], theirs[0]), 1)
            background = theirs[0].size - 1000
            for key, found in (("ours", ours), ("theirs", theirs)):
                right[key] += int(found[0].reshape(-1).argmax()) - background == labels.get(file.name)
        elif task == "detection":
            tally.add_answers(*found_boxes(ours, theirs))
        else:
            a, b = (x[0].reshape(-1) for x in (ours, theirs))
            tally.add_answers((a == b).sum(), b.size)
    engine.close()
    note = dotori.source()
    operators = compare_operators(model, tensor(files[0]), args, folder)
    least = {"classification": LEAST_TOP, "detection": LEAST_BOXES, "segmentation": LEAST_PIXELS, "operators": 0}[task]
    result = {"network": name.split("/")[1], "task": task, "note": note, "operators": operators[3],
              "operators_within_1_step": operators[1] / operators[0], "operators_worst": operators[2],
              "photos": len(files) if task != "operators" else 0, "within_2_steps": tally.share(),
              "equal": tally.equal / tally.elements if tally.elements else None, "worst_steps": tally.worst,
              "answers": tally.answers, "same_answers": tally.agreement()}
    accurate = True
    if labels and task == "classification":
        result["top_1"], result["top_1_litert"] = right["ours"] / len(files), right["theirs"] / len(files)
        accurate = result["top_1"] >= result["top_1_litert"] - MAX_ACCURACY_LOSS
    result["ok"] = result["operators_within_1_step"] >= LEAST_WITHIN_1 and tally.agreement() >= least and accurate
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dotori", default="build/release/dotori")
    parser.add_argument("--program", default="build/release/example_tensors",
                        help="example_tensors, such as an aarch64 build of it under an emulator")
    parser.add_argument("--engines", default="build/engines")
    parser.add_argument("--only", nargs="*", help="parts of network names")
    parser.add_argument("--xnnpack", action="store_true",
                        help="networks against LiteRT with its XNNPACK delegate, whose 8-bit operators round once, as ours do")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--isa", help="value for DOTORI_MAX_ISA, such as none")
    parser.add_argument("--photos", type=int, default=1000, help="at most as many photos a network")
    parser.add_argument("--json", type=pathlib.Path, help="also write the rows here")
    args = parser.parse_args()
    args.zoo = pathlib.Path(os.environ.get("DOTORI_ZOO", "../shared"))
    if not (args.zoo / "models").is_dir():
        print("quantised networks skipped: no model zoo")
        return 0
    rows = []
    percent = lambda share: "-" if share is None else f"{100 * share:.2f} %"
    print("| network | operators alone, within 1 step | worst | photos | outputs within 2 steps | worst | same answers | "
          "top-1 ours, LiteRT | |\n|---|---|---|---|---|---|---|---|---|")
    for row in NETWORKS:
        if args.only and not any(part in row[0] for part in args.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                result = compare(row, args.zoo / "models" / f"{row[0]}.tflite", args, folder)
            except RuntimeError as error:
                result = {"network": row[0].split("/")[1], "task": row[1], "error": str(error), "ok": False}
        rows.append(result)
        if "error" in result:
            print(f"| {result['network']} | {result['error']} | | | | | | | FAILED |", flush=True)
            continue
        name = result["network"] + (f" ({result['note']})" if result["note"] else "")
        answers = f"{percent(result['same_answers'])} of {result['answers']}" if result["answers"] else "-"
        accuracy = f"{percent(result['top_1'])}, {percent(result['top_1_litert'])}" if "top_1" in result else "-"
        print(f"| {name} | {percent(result['operators_within_1_step'])} of {result['operators']} | "
              f"{result['operators_worst']} | {result['photos']} | {percent(result['within_2_steps'])} | "
              f"{result['worst_steps']} | {answers} | {accuracy} | {'ok' if result['ok'] else 'FAILED'} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
