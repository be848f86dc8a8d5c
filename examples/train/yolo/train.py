#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the slim YOLOv3- or YOLOv4-style detector of networks.py on a VOC-style data set (BCCD: blood cells of three classes) and writes an
ONNX file for `dotori convert --decoder yolo`.

    examples/train/yolo/train.py --kind yolov3 --data ../shared/images/blood_cells --out build/train/yolov3
    examples/train/yolo/train.py --kind yolov4 --classes 80 --width 1 --input 416x416 --seeded --out build/train/coco

--seeded writes the topology with seeded weights and trains nothing. Anchors are what `dotori anchors` finds in the training list. Runs on the
CPU with Debian's python3-torch and python3-pil; the seed fixes photos, order and weights; a run that was cut off goes on where it stopped."""
import argparse
import math
import pathlib
import sys
import time
import xml.etree.ElementTree

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from networks import build

CLASSES = ["RBC", "WBC", "Platelets"]
STRIDES = (32, 16, 8)
PAD = 114


def letterbox(path, width, height):
    """uint8 [3,height,width], and scale and offsets that carry photo coordinates there; as the runtime places photos."""
    with Image.open(path) as photo:
        photo = photo.convert("RGB")
        scale = min(width / photo.width, height / photo.height)
        w, h = round(photo.width * scale), round(photo.height * scale)
        left, top = (width - w) // 2, (height - h) // 2
        canvas = np.full((height, width, 3), PAD, np.uint8)
        canvas[top:top + h, left:left + w] = np.asarray(photo.resize((w, h), Image.BILINEAR))
        return canvas.transpose(2, 0, 1), (w / photo.width, h / photo.height, left, top)


def read(data, part, width, height):
    """Photos uint8 [n,3,h,w] and for each photo float [boxes,5]: class, x0, y0, x1, y1 in input pixels."""
    photos, boxes = [], []
    for name in (data / "ImageSets" / "Main" / f"{part}.txt").read_text().split():
        photo, (sx, sy, left, top) = letterbox(data / "JPEGImages" / f"{name}.jpg", width, height)
        found = []
        for item in xml.etree.ElementTree.parse(data / "Annotations" / f"{name}.xml").iter("object"):
            x0, y0, x1, y1 = (float(item.find("bndbox").find(k).text) for k in ("xmin", "ymin", "xmax", "ymax"))
            if x1 > x0 and y1 > y0:
                found.append([CLASSES.index(item.find("name").text), x0 * sx + left, y0 * sy + top, x1 * sx + left, y1 * sy + top])
        photos.append(photo)
        boxes.append(torch.tensor(found, dtype=torch.float32).reshape(-1, 5))
    return torch.from_numpy(np.stack(photos)), boxes


def augment(photos, boxes, random):
    """Scale 0.7..1.4, shift, mirror both ways, brightness and colour; boxes follow, those left with less than 30 % are dropped."""
    n, _, height, width = photos.shape
    u = lambda low, high: torch.rand(n, generator=random) * (high - low) + low
    zoom, dx, dy = torch.exp(u(math.log(0.7), math.log(1.4))), u(-0.2, 0.2), u(-0.2, 0.2)
    fx, fy = (torch.where(torch.rand(n, generator=random) < 0.5, -1.0, 1.0) for _ in range(2))
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2], theta[:, 1, 1], theta[:, 1, 2] = fx / zoom, dx, fy / zoom, dy
    grid = F.affine_grid(theta, photos.shape, align_corners=False)
    x = F.grid_sample(photos.float() - PAD, grid, align_corners=False) + PAD
    gain = 1 + 0.3 * (torch.rand(n, 1, 1, 1, generator=random) * 2 - 1)
    tint = 1 + 0.1 * (torch.rand(n, 3, 1, 1, generator=random) * 2 - 1)
    moved = []
    for i, b in enumerate(boxes):
        # Output coordinate o in -1..1 shows input f / zoom * o + d, so o = (input - d) * zoom * f.
        half = torch.tensor([width / 2, height / 2, width / 2, height / 2])
        shift, turn = torch.stack([dx[i], dy[i], dx[i], dy[i]]), zoom[i] * torch.stack([fx[i], fy[i], fx[i], fy[i]])
        o = ((b[:, 1:] / half - 1 - shift) * turn + 1) * half
        o = torch.cat([torch.minimum(o[:, :2], o[:, 2:]), torch.maximum(o[:, :2], o[:, 2:])], 1)
        inside = torch.stack([o[:, 0].clamp(0, width), o[:, 1].clamp(0, height), o[:, 2].clamp(0, width), o[:, 3].clamp(0, height)], 1)
        area = lambda q: (q[:, 2] - q[:, 0]) * (q[:, 3] - q[:, 1])
        keep = area(inside) > 0.3 * area(o)
        moved.append(torch.cat([b[keep, :1], inside[keep]], 1))
    return (x * gain * tint).clamp(0, 255) / 255, moved


def complete_iou(a, b):
    """IoU of [n,4] boxes pair by pair, minus centre distance and aspect terms (CIoU, Zheng et al. 2020)."""
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    wa, wb = (a[:, 2:] - a[:, :2]).clamp(min=1e-3), (b[:, 2:] - b[:, :2]).clamp(min=1e-3)
    iou = inner / (wa.prod(1) + wb.prod(1) - inner)
    outer = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).square().sum(1).clamp(min=1e-3)
    apart = ((a[:, 2:] + a[:, :2] - b[:, 2:] - b[:, :2]) / 2).square().sum(1) / outer
    aspect = 4 / math.pi**2 * (torch.atan(wb[:, 0] / wb[:, 1]) - torch.atan(wa[:, 0] / wa[:, 1])).square()
    return iou - apart - aspect * (aspect / (1 - iou + aspect + 1e-6)).detach()


def assign(boxes, anchors):
    """Each box goes to its best anchor and to every other one of shape IoU above 0.45, in the cell of its centre.
    Returns a list a scale of (photo, anchor, row, column, class, box)."""
    flat = torch.tensor(anchors, dtype=torch.float32).reshape(-1, 2)
    per, chosen = len(anchors[0]), [[] for _ in anchors]
    for photo, found in enumerate(boxes):
        size = found[:, 3:] - found[:, 1:3]
        inner = torch.minimum(size[:, None], flat[None]).prod(2)
        shape = inner / (size.prod(1)[:, None] + flat.prod(1)[None] - inner)
        use = shape > 0.45
        use[torch.arange(len(found)), shape.argmax(1)] = True
        for k, a in use.nonzero().tolist():
            scale = a // per
            centre = (found[k, 1:3] + found[k, 3:]) / 2 / STRIDES[scale]
            chosen[scale].append([photo, a % per, int(centre[1]), int(centre[0]), int(found[k, 0]), *found[k, 1:].tolist()])
    return chosen


def loss(maps, boxes, anchors, classes):
    chosen, total = assign(boxes, anchors), 0.0
    for map_, sizes, stride, mine, weight in zip(maps, anchors, STRIDES, chosen, (0.4, 1.0, 4.0)):
        n, _, h, w = map_.shape
        p = map_.view(n, len(sizes), 5 + classes, h, w).permute(0, 1, 3, 4, 2)
        sizes = torch.tensor(sizes, dtype=torch.float32)
        rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        xy = (torch.sigmoid(p[..., :2]) + torch.stack([columns, rows], -1)) * stride
        wh = torch.exp(p[..., 2:4].clamp(max=6)) * sizes.view(1, -1, 1, 1, 2)
        placed = torch.cat([xy - wh / 2, xy + wh / 2], -1)
        truth, ignored = torch.zeros(p.shape[:4]), torch.zeros(p.shape[:4], dtype=torch.bool)
        with torch.no_grad():  # a prediction that covers a box well without being responsible is no false alarm
            for i, found in enumerate(boxes):
                if len(found):
                    cells, b = placed[i].reshape(-1, 1, 4), found[None, :, 1:]
                    inner = (torch.minimum(cells[..., 2:], b[..., 2:]) - torch.maximum(cells[..., :2], b[..., :2])).clamp(min=0).prod(2)
                    area = (cells[..., 2:] - cells[..., :2]).prod(2) + (b[..., 2:] - b[..., :2]).prod(2)
                    ignored[i] = (inner / (area - inner) > 0.6).any(1).view(p.shape[1:4])
        if mine:
            t = torch.tensor(mine, dtype=torch.float32)
            i, a, r, c, k = t[:, :5].long().unbind(1)
            r, c = r.clamp(0, h - 1), c.clamp(0, w - 1)
            iou = complete_iou(placed[i, a, r, c], t[:, 5:])
            truth[i, a, r, c] = 1.0
            ignored[i, a, r, c] = False
            wanted = F.one_hot(k, classes).float() * 0.98 + 0.01
            total = total + 3.0 * (1 - iou).mean() + F.binary_cross_entropy_with_logits(p[i, a, r, c, 5:], wanted)
        objectness = F.binary_cross_entropy_with_logits(p[..., 4], truth, reduction="none")
        positive = truth > 0
        total = total + weight * objectness[~positive & ~ignored].sum() / max(1, n * h * w / 16)
        if positive.any():
            total = total + objectness[positive].mean()
    return total


def train(options, network, anchors):
    random = torch.Generator().manual_seed(options.seed)
    width, height = options.size
    photos, boxes = read(options.data, "train", width, height)
    val_photos, val_boxes = read(options.data, "val", width, height)
    for head in (network.head32, network.head16, network.head8):  # hardly anything is an object: start there
        head[-1].bias.data.view(3, -1)[:, 4] = -5.0
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}], lr=0)
    average = {k: v.clone() for k, v in network.state_dict().items()}
    best, best_loss, first, saved = None, math.inf, 0, options.out / "state.pt"
    if saved.exists():
        state = torch.load(saved)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        random.set_state(state["random"])
        average, best, best_loss, first = state["average"], state["best"], state["best_loss"], state["epoch"]
    steps = math.ceil(len(photos) / options.batch)
    total = steps * options.epochs
    for epoch in range(first, options.epochs):
        network.train()
        order, start, losses = torch.randperm(len(photos), generator=random), time.time(), []
        for step in range(steps):
            at = epoch * steps + step
            rate = options.rate * min(1.0, at / (3 * steps)) * 0.5 * (1 + math.cos(math.pi * at / total))
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = order[step * options.batch:(step + 1) * options.batch].tolist()
            x, wanted = augment(photos[batch], [boxes[i] for i in batch], random)
            value = loss(network(x), wanted, anchors, len(CLASSES))
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimiser.step()
            decay = min(0.995, (1 + at) / (10 + at))
            for k, v in network.state_dict().items():
                average[k] = average[k] * decay + v * (1 - decay) if v.dtype.is_floating_point else v.clone()
            losses.append(value.item())
        line = f"epoch {epoch + 1}/{options.epochs}: loss {np.mean(losses):.3f}, {time.time() - start:.0f} s"
        if epoch % 10 == 9 or epoch + 1 == options.epochs:
            mine = {k: v.clone() for k, v in network.state_dict().items()}
            network.load_state_dict(average)
            network.eval()
            with torch.no_grad():
                seen = np.mean([loss(network(val_photos[i:i + 8].float() / 255), val_boxes[i:i + 8], anchors, len(CLASSES)).item()
                                for i in range(0, len(val_photos), 8)])
            network.load_state_dict(mine)
            line += f", val loss {seen:.3f}"
            if seen < best_loss:
                best, best_loss = {k: v.clone() for k, v in average.items()}, seen
            torch.save({"network": mine, "optimiser": optimiser.state_dict(), "random": random.get_state(), "average": average,
                        "best": best, "best_loss": best_loss, "epoch": epoch + 1}, saved)
        print(line, flush=True)
    network.load_state_dict(best)


def settle(network, width, height):
    """Batch-norm statistics of seeded noise, so that seeded weights pass a signal of natural size."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    network.train()
    with torch.no_grad():
        network(torch.rand(2, 3, height, width))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("yolov3", "yolov4"), required=True)
    parser.add_argument("--data", type=pathlib.Path, help="folder with JPEGImages, Annotations, ImageSets/Main/{train,val}.txt")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seeded", action="store_true", help="no training: seeded weights")
    parser.add_argument("--classes", type=int, default=len(CLASSES), help="with --seeded")
    parser.add_argument("--width", type=float, default=0.375, help="channels, relative to the 9 M and 6 M parameter networks")
    parser.add_argument("--input", default="320x256", help="WIDTHxHEIGHT, multiples of 32")
    parser.add_argument("--anchors", default="20.0,19.2,51.2,35.1,45.3,44.9,39.8,55.9,56.3,46.9,51.5,54.2,61.9,57.4,91.1,78.1,113.0,105.3", help="nine w,h pairs in input pixels, smallest first")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.size = tuple(int(n) for n in options.input.split("x"))
    if len(options.size) != 2 or any(n < 32 or n % 32 for n in options.size):
        sys.exit(f"--input {options.input}: WIDTHxHEIGHT in multiples of 32 is expected")
    numbers = [float(n) for n in options.anchors.replace(" ", "").strip(",").split(",")]
    if len(numbers) != 18:
        sys.exit(f"--anchors: nine pairs are expected, found {len(numbers)} numbers")
    pairs = [(numbers[2 * i], numbers[2 * i + 1]) for i in range(9)]
    anchors = [pairs[6:], pairs[3:6], pairs[:3]]  # the large ones on the coarse map
    if not options.seeded and (options.data is None or not (options.data / "ImageSets").exists()):
        sys.exit(f"--data {options.data}: a folder with ImageSets, Annotations and JPEGImages is expected")
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = build(options.kind, options.classes if options.seeded else len(CLASSES), 3, options.width)
    name = f"{options.kind}_slim"
    if options.seeded:
        settle(network, *options.size)
    else:
        train(options, network, anchors)
        name = f"cells_{options.kind}"
        (options.out / "labels.txt").write_text("\n".join(CLASSES) + "\n")
    network.eval()
    torch.onnx.export(network, torch.zeros(1, 3, options.size[1], options.size[0]), options.out / f"{name}.onnx", opset_version=13,
                      input_names=["photo"], output_names=["stride32", "stride16", "stride8"])
    text = ";".join(",".join(f"{v:g}" for pair in group for v in pair) for group in anchors)
    (options.out / "anchors.txt").write_text(text + "\n")
    print(f"{options.out / name}.onnx: {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters; anchors {text}")


if __name__ == "__main__":
    main()
