#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the fused camera path with OpenCV's cvtColor + rotate + resize + blobFromImage, in numbers and in time.

usage: bench/agreement/camera.py PROGRAM [PHOTO]
PROGRAM is camera_fill. Pictures: gray noise blocks, smooth colours and, when given, a photo, each 1920x1080 NV21. Needs
python3-opencv. Exit status 1 when a difference is above its limit.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

WIDTH, HEIGHT, PAD = 1920, 1080, 114
TURNS = {0: None, 90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
REPEATS = 15


def nv21(rgb):
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    luma, chroma = i420[:HEIGHT].reshape(-1), i420[HEIGHT:].reshape(2, -1)
    return np.concatenate([luma, np.stack([chroma[1], chroma[0]], axis=1).reshape(-1)])


def pictures(photo):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    random = np.random.default_rng(1)
    blocks = random.integers(16, 236, (HEIGHT // 8, WIDTH // 8), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    yield "gray blocks", np.concatenate([blocks.reshape(-1), np.full(WIDTH * HEIGHT // 2, 128, np.uint8)]), (2, 0.5)
    smooth = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) * 255 // (WIDTH + HEIGHT)], axis=2).astype(np.uint8)
    yield "smooth colours", nv21(smooth), (3, 1)
    if photo:
        # OpenCV repeats each chroma sample over 2x2 pixels, the fused path interpolates: single pixels at edges of colour differ.
        rgb = cv2.cvtColor(cv2.imread(photo), cv2.COLOR_BGR2RGB)
        yield "photo", nv21(cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)), (64, 1)


def opencv(bytes_, rotation, side):
    rgb = cv2.cvtColor(bytes_.reshape(HEIGHT * 3 // 2, WIDTH), cv2.COLOR_YUV2RGB_NV21)
    if TURNS[rotation] is not None:
        rgb = cv2.rotate(rgb, TURNS[rotation])
    h, w = rgb.shape[:2]
    nw, nh = (side, h * side // w) if w >= h else (w * side // h, side)
    canvas = np.full((side, side, 3), PAD, np.uint8)
    top, left = (side - nh) // 2, (side - nw) // 2
    canvas[top:top + nh, left:left + nw] = cv2.resize(rgb, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return cv2.dnn.blobFromImage(canvas, 1 / 255)[0]


def timed(bytes_, rotation, side):
    best = 1e9
    for _ in range(REPEATS):
        start = time.perf_counter()
        opencv(bytes_, rotation, side)
        best = min(best, (time.perf_counter() - start) * 1000)
    return best


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cv2.setNumThreads(1)
    bad = False
    print(f"{'picture':15} {'turn':>4} {'side':>4} {'largest':>8} {'mean':>7}   of 255   {'ours':>8} {'ours, antialiased':>18} {'OpenCV':>8} ms")
    with tempfile.TemporaryDirectory() as folder:
        raw, out = pathlib.Path(folder, "in.nv21"), pathlib.Path(folder, "out.f32")
        for name, bytes_, (largest_limit, mean_limit) in pictures(sys.argv[2] if len(sys.argv) > 2 else None):
            raw.write_bytes(bytes_.tobytes())
            for rotation in TURNS:
                for side in (224, 640):
                    times = {}
                    for kind in ("antialiased", "bilinear"):
                        run = subprocess.run([sys.argv[1], raw, str(WIDTH), str(HEIGHT), str(rotation), str(side), kind,
                                              str(REPEATS), out], check=True, capture_output=True, text=True)
                        times[kind] = float(run.stdout)
                    ours = np.fromfile(out, np.float32).reshape(side, side, 3).transpose(2, 0, 1)
                    off = np.abs(ours - opencv(bytes_, rotation, side)) * 255
                    wrong = off.max() > largest_limit or off.mean() > mean_limit
                    bad |= wrong
                    print(f"{name:15} {rotation:4} {side:4} {off.max():8.2f} {off.mean():7.3f}            {times['bilinear']:8.2f} "
                          f"{times['antialiased']:18.2f} {timed(bytes_, rotation, side):8.2f}{'   ABOVE ITS LIMIT' if wrong else ''}")
    sys.exit(1 if bad else 0)


main()
