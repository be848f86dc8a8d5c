#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Latency, memory and load time beside ONNX Runtime, OpenCV and libtorch, and our own kernels beside XNNPACK's, on the same
networks and inputs in one run: rounds alternate between the engines, so that all see the same machine. Outputs are compared
first: ours against all others is an error, and one that differs while another agrees with ours is left out and named.

    bench/peers/run [--only yolov4_tiny] [--threads 2] [--peers onnxruntime opencv] [--rounds 7] [--out peers]
    bench/peers/run --int8 [--only yolov4_tiny] [--threads 2] [--out peers_int8]

--out NAME writes NAME.json, NAME.md and a chart, NAME.svg. A ratio is ours over the peer's, round by round; below 1 ours is
faster. XNNPACK is Debian's of February 2022, behind Dotori's graph: no measure of today's XNNPACK.

--int8: our quantised network beside ONNX Runtime's, which quantize_onnx.py makes in several forms of which the fastest counts; both
calibrated on the same inputs, each compared with its float32 output."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

import int8
from served import Own, Served, dotori, interleaved, summary

PEERS = {"onnxruntime": "ONNX Runtime", "opencv": "OpenCV", "torch": "libtorch", "xnnpack": "XNNPACK (Debian)"}
NAMES = {"ours": "ours", **PEERS, **int8.NAMES}


def peak_gmacs(program):
    """Of one core, by gemm_bench's loop of independent multiply-adds."""
    done = subprocess.run([program, "--benchmark_filter=NONE"], capture_output=True, text=True)
    found = re.search(r"peak of one core: ([0-9.]+)", done.stdout + done.stderr)
    return float(found.group(1)) if found else 0.0


def difference(ours, theirs, orders):
    """What is not the same; None when the outputs agree."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} outputs, ours are {len(ours)}"
    for i, (a, b, order) in enumerate(zip(ours, theirs, orders)):
        b = b.transpose(order) if order and b.ndim == len(order) else b
        relative = np.abs(a.ravel() - b.ravel()).max() / np.abs(b).max() if a.size == b.size else np.inf
        if not relative <= 1e-4:
            return f"its output {i} differs from ours by {relative:.1e} of the maximum"
    return None


def measure(args, path, folder):
    dtr = folder / f"{path.stem}.dtr"
    dotori(args.dotori, "convert", path, "-o", dtr)
    info = json.loads(dotori(args.dotori, "inspect", dtr, "--json"))
    shape, order = info["inputs"][0]["shape"], info["inputs"][0]["source_order"]
    x = np.random.default_rng(1).random(shape, np.float32)
    np.save(folder / "x.npy", x)
    dotori(args.dotori, "run", dtr, "--input", folder / "x.npy", "--dump", folder, "--threads", args.threads)
    ours = [np.load(folder / f"output_{i}.npy") for i in range(len(info["outputs"]))]
    source = np.ascontiguousarray(x.transpose(np.argsort(order)))
    engines, failed, different = {"ours": Own(args.dotori, dtr, args.threads)}, {}, []
    for key in args.peers:
        if key == "xnnpack":
            engines[key] = Own(args.dotori, dtr, args.threads, "xnnpack")
            continue
        try:
            engine = Served(key, path, args.threads, args.engines)
            theirs = engine.run(source)
        except RuntimeError as error:
            failed[key] = str(error)
            continue
        problem = difference(ours, theirs, [o.get("source_order") for o in info["outputs"]])
        if problem:
            failed[key] = problem
            different.append(f"{path.stem}, {PEERS[key]}: {problem}")
            engine.close()
            continue
        engines[key] = engine
    # One that stands alone against others that agree is left out; ours against all of them is an error.
    if different and not any(key in engines for key in args.peers if key != "xnnpack"):
        raise SystemExit("\n".join(different))
    for line in different:
        print(line, file=sys.stderr, flush=True)
    times = interleaved(engines, args.rounds, args.runs)
    return {"network": path.stem, "gmac": info["macs"] / 1e9, "arena_bytes": info["arena_bytes"], "failed": failed, "engines": summary(engines, times)}


def failure(row, peer):
    return "differs" if "differs" in row["failed"].get(peer, "") else "fails"


def table(rows, peers, threads, peak):
    lines = [f"{threads} thread(s), milliseconds: least / median. Ratio: ours over theirs, the median of the rounds' ratios of least times. Peak of one core: {peak:.1f} GMAC/s.", "",
             "| network | GMAC | ours | GMAC/s | % of peak |" + "".join(f" {PEERS[p]} | ratio |" for p in peers),
             "|---|---|---|---|---|" + "---|---|" * len(peers)]
    for row in rows:
        own = row["engines"]["ours"]
        speed = row["gmac"] / own["min_ms"] * 1e3
        text = f"| {row['network']} | {row['gmac']:.2f} | {own['min_ms']:.1f} / {own['median_ms']:.1f} | {speed:.1f} | {100 * speed / (peak * threads):.0f} |"
        for p in peers:
            e = row["engines"].get(p)
            text += f" {e['min_ms']:.1f} / {e['median_ms']:.1f} | **{e['ratio']:.2f}** |" if e else f" {failure(row, p)} | |"
        lines.append(text)
    lines += ["", "| network | load ms: ours |" + "".join(f" {PEERS[p]} |" for p in peers) + " peak MB: ours |" + "".join(f" {PEERS[p]} |" for p in peers),
              "|---|---|" + "---|" * len(peers) + "---|" + "---|" * len(peers)]
    for row in rows:
        cells = lambda field: "".join(f" {row['engines'][p][field]:.0f} |" if p in row["engines"] else " |" for p in ("ours", *peers))
        lines.append(f"| {row['network']} |{cells('load_ms')}{cells('peak_mb')}")
    return "\n".join(lines) + "\n"


def chart(rows, peers):
    """Bars of each peer's least time over ours, as SVG: to the right of the line ours is faster."""
    colours = {"onnxruntime": "#4c78a8", "opencv": "#f58518", "torch": "#e45756", "xnnpack": "#72b7b2", "ort_int8": "#4c78a8", "ours_fp32": "#54a24b", "ort_fp32": "#9ecae9"}
    bar, gap, left, unit = 12, 14, 150, 130
    height = 40 + sum(len([p for p in peers if p in r["engines"]]) * bar + gap for r in rows)
    most = min(6.0, max(1 / r["engines"][p]["ratio"] for r in rows for p in peers if p in r["engines"]))
    width = left + int(most * unit) + 60
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">', f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, p in enumerate(peers):
        parts.append(f'<rect x="{left + 130 * i}" y="6" width="10" height="10" fill="{colours[p]}"/><text x="{left + 14 + 130 * i}" y="15">{NAMES[p]}</text>')
    y = 30
    for row in rows:
        shown = [p for p in peers if p in row["engines"]]
        parts.append(f'<text x="{left - 8}" y="{y + len(shown) * bar / 2 + 4}" text-anchor="end">{row["network"]}</text>')
        for p in shown:
            times = 1 / row["engines"][p]["ratio"]
            parts.append(f'<rect x="{left}" y="{y}" width="{min(times, most) * unit:.0f}" height="{bar - 2}" fill="{colours[p]}"/>'
                         f'<text x="{left + min(times, most) * unit + 4:.0f}" y="{y + 9}">{times:.2f}x</text>')
            y += bar
        y += gap
    parts.append(f'<line x1="{left + unit}" y1="24" x2="{left + unit}" y2="{height - 8}" stroke="black" stroke-dasharray="3 3"/></svg>')
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dotori", default="build/release/dotori")
    parser.add_argument("--engines", default="build/engines")
    parser.add_argument("--exported", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--int8", action="store_true", help="our quantised network beside ONNX Runtime's fastest int8 form of it, and both float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=8, help="inferences a round and engine")
    parser.add_argument("--out", type=pathlib.Path, help="without an ending")
    args = parser.parse_args()
    rows, peak = [], peak_gmacs(pathlib.Path(args.dotori).with_name("gemm_bench"))
    peers = list(int8.NAMES) if args.int8 else args.peers
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(args.exported.glob("*.onnx")):
            if args.only and path.stem not in args.only:
                continue
            rows.append((int8.measure if args.int8 else measure)(args, path, pathlib.Path(folder)))
            print(f"{path.stem:20} " + "  ".join(f"{e['min_ms']:.1f} ms" if p == "ours" else f"{NAMES[p]} {e['ratio']:.2f}" for p, e in rows[-1]["engines"].items())
                  + "".join(f"  {NAMES[p]} {failure(rows[-1], p)}" for p in rows[-1]["failed"]), file=sys.stderr, flush=True)
    if not rows:
        sys.exit(f"{args.exported}: no network to measure")
    text = int8.table(rows, args.threads) if args.int8 else table(rows, args.peers, args.threads, peak)
    print(text)
    if args.out:
        args.out.with_suffix(".json").write_text(json.dumps({"threads": args.threads, "peak_gmacs": peak, "rows": rows}, indent=1))
        args.out.with_suffix(".md").write_text(text)
        args.out.with_suffix(".svg").write_text(chart(rows, peers))


if __name__ == "__main__":
    main()
