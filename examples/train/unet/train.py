#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the 2-D U-Net of networks.py on 24 of the 30 electron-microscope photos of the `membrane` set (cell or membrane for every pixel; the task
of the first U-Net) and keeps 6 for judging; writes membrane.onnx, class names and the lists of files.

    examples/train/unet/train.py --data ../shared/images/membrane --out build/train/membrane
    examples/train/unet/train.py --seeded-3d 64 --out build/train/unet3d

--seeded-3d writes the 3-D U-Net with seeded weights for cubes of that side and trains nothing. Runs on the CPU with Debian's python3-torch and
python3-pil; the seed fixes crops and weights; a run that was cut off goes on where it stopped."""
import argparse
import math
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from networks import UNet2d, UNet3d

CLASSES = ["membrane", "cell"]
HELD_OUT = 5  # every fifth photo judges: 6 of 30


def read(data):
    """Names, photos float [n,1,h,w] in -1..1, classes [n,h,w]."""
    names = sorted((p.stem for p in (data / "photos").iterdir()), key=int)
    suffix = {p.stem: p.suffix for p in (data / "photos").iterdir()}
    photos, masks = [], []
    for name in names:
        with Image.open(data / "photos" / (name + suffix[name])) as photo:
            photos.append(np.asarray(photo.convert("L"), np.float32))
        with Image.open(data / "masks" / f"{name}.png") as mask:
            masks.append((np.asarray(mask.convert("L")) >= 128).astype(np.int64))
    return names, torch.from_numpy(np.stack(photos))[:, None] / 127.5 - 1, torch.from_numpy(np.stack(masks))


def crops(photos, masks, count, side, random):
    """Random squares, turned by quarters and mirrored, stretched by up to 15 %, brightness and contrast shifted."""
    xs, ys = [], []
    for _ in range(count):
        i = int(torch.randint(len(photos), (1,), generator=random))
        cut = int(side * (0.85 + 0.3 * torch.rand(1, generator=random).item()))
        top, left = (int(torch.randint(photos.shape[-1] - cut + 1, (1,), generator=random)) for _ in range(2))
        x = F.interpolate(photos[i:i + 1, :, top:top + cut, left:left + cut], (side, side), mode="bilinear", align_corners=False)[0]
        y = F.interpolate(masks[i:i + 1, None, top:top + cut, left:left + cut].float(), (side, side), mode="nearest")[0, 0].long()
        turns, mirror = torch.randint(4, (1,), generator=random).item(), torch.rand(1, generator=random).item() < 0.5
        x, y = torch.rot90(x, turns, (1, 2)), torch.rot90(y, turns, (0, 1))
        if mirror:
            x, y = x.flip(2), y.flip(1)
        contrast, shift = 0.75 + 0.5 * torch.rand(2, generator=random)
        xs.append(x * contrast + (shift - 1) * 0.8)
        ys.append(y)
    return torch.stack(xs), torch.stack(ys)


@torch.no_grad()
def judge(network, photos, masks):
    """Share of right pixels and mean IoU of the classes, in percent."""
    network.eval()
    said = torch.cat([network.logits(x[None]).argmax(1) for x in photos])
    ious = [((said == c) & (masks == c)).sum().item() / ((said == c) | (masks == c)).sum().item() for c in range(len(CLASSES))]
    return 100 * (said == masks).float().mean().item(), 100 * sum(ious) / len(ious)


def train(options, network, photos, masks, val):
    random = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0, weight_decay=1e-2)
    average, first, saved = {k: v.clone() for k, v in network.state_dict().items()}, 0, options.out / "state.pt"
    if saved.exists():
        state = torch.load(saved)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        random.set_state(state["random"])
        average, first = state["average"], state["step"]
    share = masks.float().mean()
    weight = torch.tensor([0.5 / (1 - share), 0.5 / share]).sqrt()
    start, losses = time.time(), []
    for step in range(first, options.steps):
        network.train()
        rate = options.rate * min(1.0, step / 100) * 0.5 * (1 + math.cos(math.pi * step / options.steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        x, y = crops(photos, masks, options.batch, options.crop, random)
        loss = F.cross_entropy(network.logits(x), y, weight=weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        decay = min(0.99, (1 + step) / (10 + step))
        for k, v in network.state_dict().items():
            average[k] = average[k] * decay + v * (1 - decay) if v.dtype.is_floating_point else v.clone()
        if step % 100 == 99 or step + 1 == options.steps:
            mine = {k: v.clone() for k, v in network.state_dict().items()}
            network.load_state_dict(average)
            right, iou = judge(network, *val) if step % 500 == 499 or step + 1 == options.steps else (math.nan, math.nan)
            network.load_state_dict(mine)
            torch.save({"network": mine, "optimiser": optimiser.state_dict(), "random": random.get_state(), "average": average,
                        "step": step + 1}, saved)
            print(f"step {step + 1}/{options.steps}: loss {np.mean(losses[-100:]):.4f}, held out: {right:.2f} % of pixels, IoU {iou:.2f} %, "
                  f"{time.time() - start:.0f} s", flush=True)
    network.load_state_dict(average)
    return network.eval()


def export(network, shape, path):
    torch.onnx.export(network, torch.zeros(*shape), path, opset_version=13, input_names=["photo"], output_names=["probabilities"])
    print(f"{path}: {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters, input {list(shape)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder with photos/ and masks/")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seeded-3d", type=int, metavar="SIDE", help="write the 3-D U-Net instead, a multiple of 8")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=192, help="side of the training crops, a multiple of 8")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.seeded_3d:
        if options.seeded_3d < 8 or options.seeded_3d % 8:
            sys.exit(f"--seeded-3d {options.seeded_3d}: a multiple of 8 is expected")
        export(UNet3d().eval(), (1, 1) + (options.seeded_3d,) * 3, options.out / "unet3d.onnx")
        return
    if options.data is None or not (options.data / "photos").is_dir():
        sys.exit(f"--data {options.data}: a folder with photos/ and masks/ is expected")
    names, photos, masks = read(options.data)
    held = torch.tensor([i % HELD_OUT == HELD_OUT - 1 for i in range(len(names))])
    network = train(options, UNet2d(1, len(CLASSES), (16, 32, 64, 128)), photos[~held], masks[~held], (photos[held], masks[held]))
    (options.out / "labels.txt").write_text("\n".join(CLASSES) + "\n")
    for part, chosen in (("train", ~held), ("val", held)):
        (options.out / f"{part}.txt").write_text("\n".join(n for n, c in zip(names, chosen) if c) + "\n")
    export(network, (1, 1) + tuple(photos.shape[2:]), options.out / "membrane.onnx")


if __name__ == "__main__":
    main()
