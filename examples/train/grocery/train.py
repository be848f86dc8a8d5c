#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains RegNetX-800MF (Radosavovic et al., "Designing Network Design Spaces", 2020) from scratch on the 43 coarse classes of
the GroceryStoreDataset (photos taken with phones in shops) and a second head that tells five fruits apart; writes ONNX
files and label lists that `dotori convert` takes.

    examples/train/grocery/train.py --data ../shared/images/grocery --out build/train/grocery

Runs on the CPU with Debian's python3-torch, python3-torchvision and python3-pil. The seed fixes photos, order and weights; a run that was
cut off goes on where it stopped when started again with the same --out."""
import argparse
import csv
import math
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

FRUITS = ["Banana", "Lemon", "Orange", "Pineapple", "Pomegranate"]
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
STORED = 192  # side of the photos kept in memory


def read_labels(data):
    """Coarse class names by index."""
    with open(data / "classes.csv", newline="") as f:
        rows = list(csv.reader(f))[1:]
    names = {int(row[3]): row[2] for row in rows}
    return [names[i] for i in range(len(names))]


def read_photos(data, part):
    """uint8 [n,3,STORED,STORED] (the middle square) and coarse classes [n]."""
    photos, classes = [], []
    for line in open(data / f"{part}.txt"):
        path, _, coarse = (field.strip() for field in line.split(","))
        with Image.open(data / path) as photo:
            photo = photo.convert("RGB")
            side = min(photo.size)
            left, top = (photo.width - side) // 2, (photo.height - side) // 2
            photo = photo.resize((STORED, STORED), Image.BILINEAR, box=(left, top, left + side, top + side))
        photos.append(np.asarray(photo).transpose(2, 0, 1))
        classes.append(int(coarse))
    return torch.from_numpy(np.stack(photos)), torch.tensor(classes)


def normalise(x):
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return (x - mean) / std


def augment(photos, size, random, strength):
    """A batch of random crops: area 30..100 %, aspect 3/4..4/3, turned by up to 15 degrees, mirrored, brightness, contrast and
    colour shifted. `strength` 0..1 scales all of it."""
    n = len(photos)

    def uniform(low, high):
        return torch.rand(n, generator=random) * (high - low) + low

    area = uniform(1 - 0.7 * strength, 1.0)
    aspect = torch.exp(uniform(-0.2877, 0.2877) * strength)
    sx, sy = torch.sqrt(area * aspect).clamp(max=1), torch.sqrt(area / aspect).clamp(max=1)
    cx, cy = uniform(-1, 1) * (1 - sx), uniform(-1, 1) * (1 - sy)
    angle = uniform(-0.26, 0.26) * strength
    flip = torch.where(torch.rand(n, generator=random) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([torch.stack([sx * cos * flip, -sy * sin, cx], 1),
                         torch.stack([sx * sin * flip, sy * cos, cy], 1)], 1)
    grid = F.affine_grid(theta, (n, 3, size, size), align_corners=False)
    x = F.grid_sample(photos.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    gain = 1 + 0.3 * strength * (torch.rand(n, 1, 1, 1, generator=random) * 2 - 1)
    tint = 1 + 0.08 * strength * (torch.rand(n, 3, 1, 1, generator=random) * 2 - 1)
    contrast = 1 + 0.3 * strength * (torch.rand(n, 1, 1, 1, generator=random) * 2 - 1)
    middle = x.mean((1, 2, 3), keepdim=True)
    x = ((x - middle) * contrast + middle) * gain * tint
    return normalise(x.clamp(0, 255))


def mix(x, target, random, alpha=0.2):
    """CutMix and mixup (Yun et al. 2019, Zhang et al. 2018), one of them for half of the batches."""
    if torch.rand(1, generator=random).item() < 0.5:
        return x, target
    order = torch.randperm(len(x), generator=random)
    if torch.rand(1, generator=random).item() < 0.5:
        share = float(np.random.beta(alpha, alpha))
        return share * x + (1 - share) * x[order], share * target + (1 - share) * target[order]
    size = x.shape[-1]
    cut = math.sqrt(float(torch.rand(1, generator=random)) * 0.5)
    h = w = max(1, int(size * cut))
    top = int(torch.randint(size - h + 1, (1,), generator=random))
    left = int(torch.randint(size - w + 1, (1,), generator=random))
    x = x.clone()
    x[:, :, top:top + h, left:left + w] = x[order][:, :, top:top + h, left:left + w]
    share = 1 - h * w / (size * size)
    return x, share * target + (1 - share) * target[order]


def centre(photos, size, crop=0.875):
    side = int(STORED * crop)
    at = (STORED - side) // 2
    x = photos[:, :, at:at + side, at:at + side].float()
    return normalise(F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=side > size))


@torch.no_grad()
def top1(network, photos, classes, size):
    network.eval()
    right = 0
    for i in range(0, len(photos), 32):
        right += (network(centre(photos[i:i + 32], size)).argmax(1) == classes[i:i + 32]).sum().item()
    return 100.0 * right / len(photos)


class Average:
    """Exponential moving average of weights and statistics: what is evaluated and exported."""

    def __init__(self, network, decay):
        self.decay, self.state = decay, {k: v.clone() for k, v in network.state_dict().items()}

    def update(self, network):
        for k, v in network.state_dict().items():
            if v.dtype.is_floating_point:
                self.state[k].lerp_(v, 1 - self.decay)
            else:
                self.state[k].copy_(v)


def train(options, photos, classes, val, count):
    random = torch.Generator().manual_seed(options.seed)
    network = torchvision.models.regnet_x_800mf(num_classes=count).to(memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}], lr=0)
    average, first = Average(network, 0.99), 0
    saved = options.out / "state.pt"
    if saved.exists():
        state = torch.load(saved)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        random.set_state(state["random"])
        average.state, first = state["average"], state["epoch"]
        print(f"goes on after epoch {first}", flush=True)
    steps = math.ceil(len(photos) / options.batch)
    total = options.epochs * steps
    judge = torchvision.models.regnet_x_800mf(num_classes=count).to(memory_format=torch.channels_last)
    for epoch in range(first, options.epochs):
        np.random.seed(options.seed * 1000 + epoch)
        # Small crops first: most of the learning at a fraction of the work.
        progress = epoch / options.epochs
        size = 80 if progress < 0.35 else 112 if progress < 0.8 else 144
        network.train()
        order, start, losses = torch.randperm(len(photos), generator=random), time.time(), []
        for step in range(steps):
            at = epoch * steps + step
            warm = min(1.0, at / (3 * steps))
            for group in optimiser.param_groups:
                group["lr"] = options.rate * warm * 0.5 * (1 + math.cos(math.pi * at / total))
            batch = order[step * options.batch:(step + 1) * options.batch]
            x = augment(photos[batch], size, random, 1.0 if progress < 0.9 else 0.5)
            target = F.one_hot(classes[batch], count).float() * 0.9 + 0.1 / count
            x, target = mix(x, target, random)
            loss = F.cross_entropy(network(x.contiguous(memory_format=torch.channels_last)), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            average.update(network)
            losses.append(loss.item())
        judge.load_state_dict(average.state)
        right = top1(judge, *val, options.size) if epoch % 5 == 4 or epoch + 1 == options.epochs else float("nan")
        print(f"epoch {epoch + 1}/{options.epochs} at {size}: loss {np.mean(losses):.3f}, val top-1 {right:.1f} %, "
              f"{time.time() - start:.0f} s", flush=True)
        torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "random": random.get_state(),
                    "average": average.state, "epoch": epoch + 1}, saved)
    judge.load_state_dict(average.state)
    return judge.eval()


def train_fruits(network, photos, classes, labels, size, seed):
    """A linear layer for FRUITS on top of the frozen trunk."""
    random = torch.Generator().manual_seed(seed)
    chosen = torch.tensor([labels.index(name) for name in FRUITS])
    keep = (classes[:, None] == chosen[None]).any(1)
    photos, target = photos[keep], (classes[keep][:, None] == chosen[None]).float().argmax(1)
    trunk = lambda x: torch.flatten(network.avgpool(network.trunk_output(network.stem(x))), 1)
    with torch.no_grad():
        features = torch.cat([trunk(augment(photos[i:i + 32], size, random, 0.6))
                              for _ in range(6) for i in range(0, len(photos), 32)])
        target = target.repeat(6)
    head = torch.nn.Linear(features.shape[1], len(FRUITS))
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=200)

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(head(features), target) + 1e-3 * head.weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return head


def write(network, head, labels, name, size, out):
    network.fc = head
    network.eval()
    torch.onnx.export(network, torch.zeros(1, 3, size, size), out / f"{name}.onnx", opset_version=13,
                      input_names=["photo"], output_names=["scores"])
    (out / f"{name}.txt").write_text("\n".join(labels) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the GroceryStoreDataset: train.txt, val.txt, classes.csv")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--size", type=int, default=128, help="side of the network's input")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not (options.data / "train.txt").exists():
        sys.exit(f"{options.data}: no train.txt here; it should be the GroceryStoreDataset's folder")
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    labels = read_labels(options.data)
    photos, classes = read_photos(options.data, "train")
    val = read_photos(options.data, "val")
    network = train(options, photos, classes, val, len(labels))
    for size in sorted({112, 160, options.size}):
        print(f"val top-1 at {size}: {top1(network, *val, size):.2f} %", flush=True)
    write(network, network.fc, labels, "grocery", options.size, options.out)
    head = train_fruits(network, photos, classes, labels, options.size, options.seed)
    write(network, head, FRUITS, "fruits", options.size, options.out)
    print(f"wrote {options.out}/grocery.onnx and fruits.onnx")


if __name__ == "__main__":
    main()
