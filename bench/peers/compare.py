#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Latency beside ONNX Runtime on the same ONNX files, in one run: rounds alternate between the two engines, so that both see
the same machine. Outputs are compared first; a different answer is an error, not a fast result.

    bench/peers/run [--only yolov4_tiny] [--threads 2] [--rounds 7] [--json peers.json]"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agreement"))
import engines  # noqa: E402


def dotori(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dotori", default="build/release/dotori")
    parser.add_argument("--engines", default="build/engines")
    parser.add_argument("--exported", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=8, help="inferences a round and engine")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    rows = []
    print(f"{args.threads} thread(s); ms, least and median over {args.rounds} rounds of {args.runs}; ratio below 1: ours is faster\n")
    print("| network | GMAC | ours min / median | ONNX Runtime min / median | ratio of mins | ratio of medians | GMAC/s | load ms | arena MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path in sorted(args.exported.glob("*.onnx")):
            if args.only and path.stem not in args.only:
                continue
            dtr = folder / f"{path.stem}.dtr"
            dotori(args.dotori, "convert", path, "-o", dtr)
            info = json.loads(dotori(args.dotori, "inspect", dtr, "--json"))
            shape, order = info["inputs"][0]["shape"], info["inputs"][0]["source_order"]
            x = np.random.default_rng(1).random(shape, np.float32)
            np.save(folder / "x.npy", x)
            dotori(args.dotori, "run", dtr, "--input", folder / "x.npy", "--dump", folder, "--threads", args.threads)
            peer = engines.OnnxRuntime(args.engines, path, args.threads)
            expected = peer.run([x.transpose(np.argsort(order))])
            for i, (e, o) in enumerate(zip(expected, info["outputs"])):
                e = e.transpose(o["source_order"]) if "source_order" in o else e
                difference = np.abs(np.load(folder / f"output_{i}.npy") - e).max() / np.abs(e).max()
                if not difference <= 1e-4:
                    raise SystemExit(f"{path.stem}: output {i} differs by {difference:.1e} of its maximum")
            ours, theirs, load = [], [], []
            peer.time(3)
            for _ in range(args.rounds):
                result = json.loads(dotori(args.dotori, "bench", dtr, "--threads", args.threads, "--runs", args.runs, "--json"))
                ours.append((result["min_ms"], result["median_ms"]))
                load.append(result["load_ms"])
                times = sorted(peer.time(args.runs))
                theirs.append((times[0], float(np.median(times))))
            peer.close()
            row = {"network": path.stem, "gmac": info["macs"] / 1e9, "min_ms": min(o[0] for o in ours),
                   "median_ms": float(np.median([o[1] for o in ours])), "peer_min_ms": min(t[0] for t in theirs),
                   "peer_median_ms": float(np.median([t[1] for t in theirs])), "load_ms": min(load),
                   "arena_bytes": info["arena_bytes"]}
            row["ratio"] = row["min_ms"] / row["peer_min_ms"]
            row["median_ratio"] = float(np.median([o[1] / t[1] for o, t in zip(ours, theirs)]))
            rows.append(row)
            print(f"| {path.stem} | {row['gmac']:.2f} | {row['min_ms']:.1f} / {row['median_ms']:.1f} | {row['peer_min_ms']:.1f} / "
                  f"{row['peer_median_ms']:.1f} | {row['ratio']:.2f} | {row['median_ratio']:.2f} | {row['gmac'] / row['min_ms'] * 1e3:.1f} | "
                  f"{row['load_ms']:.1f} | {row['arena_bytes'] / 1e6:.1f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps({"threads": args.threads, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
