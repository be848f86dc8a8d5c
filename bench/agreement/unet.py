#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The U-Net study's table: how far the mask on the device is the server's. PyTorch plays the server; the devices are this
machine and aarch64 (Cortex-A72 by qemu), float32 and int8. Percent of pixels with the same class, over photos.

    [DOTORI_BUILD=build/release] bench/agreement/unet.py [--photos N] [--engines x86 aarch64] [--volume] [--json FILE]

Needs the programs of build/release (DOTORI_BUILD names another folder) and build/aarch64.

Without --volume: the U-Net that examples/train/unet trained (build/train/membrane; `examples/systems/run unet --retrain`
makes it) on photos of DOTORI_ZOO's images/membrane, the six held-out ones first. With
--volume: the 3-D U-Net of 64^3 with seeded weights on seeded noise. Exit code 1 when a float32 row is below 99.99 %, the
mean of an int8 row is below 99 %, or int8 differs between the machines by a byte."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples/train/unet"))
from networks import UNet2d, UNet3d  # noqa: E402

BUILD = ROOT / os.environ.get("DOTORI_BUILD", "build/release")
ENGINES = {
    "x86": [str(BUILD / "example_tensors")],
    "aarch64": ["qemu-aarch64", "-cpu", "cortex-a72", str(ROOT / "build/aarch64/example_tensors")],
}
LEAST_FLOAT32, LEAST_INT8 = 99.99, 99.0


def run(engine, model, x):
    """The output elements for the input elements, both as the file's types."""
    with tempfile.TemporaryDirectory() as folder:
        x.tofile(f"{folder}/input_0.raw")
        subprocess.run([*ENGINES[engine], str(model), folder], check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(f"{folder}/output_0.raw", np.float32)


def photos(count):
    from PIL import Image

    zoo = pathlib.Path(os.environ.get("DOTORI_ZOO", ROOT.parent / "shared")) / "images/membrane/photos"
    if not zoo.is_dir():
        print("skipped: no model zoo")
        sys.exit(0)
    numbers = [n for n in range(30) if n % 5 == 4] + [n for n in range(30) if n % 5 != 4]
    for n in numbers[:count]:
        gray = np.asarray(Image.open(zoo / f"{n}.png").convert("L"), np.float32)
        yield f"{n}.png", (gray - np.float32(127.5)) / np.float32(127.5)


def membrane():
    folder = ROOT / "build/train/membrane"
    network = UNet2d(channels=1, width=(16, 32, 64, 128))
    saved = torch.load(folder / "state.pt")
    network.load_state_dict(saved["average"])
    return network.eval(), folder / "membrane.dtr", folder / "membrane_int8.dtr"


def volumes(count):
    for seed in range(count):
        draw = np.random.default_rng(seed)
        coarse = torch.from_numpy(draw.normal(size=(1, 1, 8, 8, 8)).astype(np.float32))
        smooth = torch.nn.functional.interpolate(coarse, size=64, mode="trilinear", align_corners=False)[0, 0].numpy()
        yield f"noise {seed}", np.ascontiguousarray(smooth + draw.normal(scale=0.3, size=smooth.shape).astype(np.float32))


def volume_unet():
    """Seeded, converted and quantised with other noise than what is compared."""
    folder = ROOT / "build/train/unet3d"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    network = UNet3d().eval()
    dotori = BUILD / "dotori"
    if not (folder / "unet3d_int8.dtr").exists():
        torch.onnx.export(network, torch.zeros(1, 1, 64, 64, 64), folder / "unet3d.onnx", opset_version=13, input_names=["volume"],
                          output_names=["probabilities"])
        subprocess.run([dotori, "convert", folder / "unet3d.onnx", "-o", folder / "unet3d.dtr"], check=True, stdout=subprocess.DEVNULL)
        for i, (_, x) in enumerate(list(volumes(104))[100:]):
            sample = folder / f"calibration/{i}"
            sample.mkdir(parents=True, exist_ok=True)
            np.save(sample / "input_0.npy", x[None, :, :, :, None])
        subprocess.run([dotori, "quantize", folder / "unet3d.dtr", "-o", folder / "unet3d_int8.dtr", "--calibration",
                        folder / "calibration"], check=True)
    return network, folder / "unet3d.dtr", folder / "unet3d_int8.dtr"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=6, help="how many photos or volumes; qemu takes about a minute each (default 6)")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--volume", action="store_true", help="the 3-D U-Net")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network, fp32, int8 = volume_unet() if options.volume else membrane()
    samples = volumes(options.photos) if options.volume else photos(options.photos)
    agreement, largest, seconds, differing = {}, {}, {}, 0
    for name, x in samples:
        with torch.no_grad():
            start = time.time()
            server = network(torch.from_numpy(x)[None, None])[0].movedim(0, -1).numpy()
            seconds.setdefault("PyTorch", []).append(time.time() - start)
        answers = {}
        for model, precision in ((fp32, "float32"), (int8, "int8")):
            for engine in options.engines:
                row = f"{engine} {precision}"
                start = time.time()
                answers[row] = run(engine, model, x).reshape(server.shape)
                seconds.setdefault(row, []).append(time.time() - start)
                same = np.mean(answers[row].argmax(-1) == server.argmax(-1)) * 100
                agreement.setdefault(row, []).append(float(same))
                largest[row] = max(largest.get(row, 0), float(np.abs(answers[row] - server).max()))
        if len(options.engines) == 2 and not np.array_equal(answers["x86 int8"], answers["aarch64 int8"]):
            # The layers in front of a float32 head are the same bytes; the head and softmax are float32.
            differing = max(differing, float(np.mean(answers["x86 int8"].argmax(-1) != answers["aarch64 int8"].argmax(-1)) * 100))
        print(f"{name}: " + ", ".join(f"{row} {values[-1]:.4f} %" for row, values in agreement.items()), flush=True)

    print(f"\n| against PyTorch, {len(next(iter(agreement.values())))} inputs | mean | sd | variance | min | max | largest difference of a probability |")
    print("|---|---|---|---|---|---|---|")
    failed = False
    for row, values in agreement.items():
        v = np.array(values)
        sd = v.std(ddof=1) if len(v) > 1 else 0.0
        print(f"| {row} | {v.mean():.4f} | {sd:.4f} | {sd**2:.6f} | {v.min():.4f} | {v.max():.4f} | {largest[row]:.1e} |")
        failed |= v.mean() < LEAST_INT8 if "int8" in row else v.min() < LEAST_FLOAT32
    if len(options.engines) == 2:
        print(f"int8, x86 beside aarch64: {differing:.4f} % of the mask differ")
        failed |= differing > 0
    if options.json:
        options.json.write_text(json.dumps({"agreement": agreement, "largest": largest, "seconds": seconds}, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
