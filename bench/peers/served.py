# SPDX-License-Identifier: Apache-2.0
"""Engines to measure: Dotori's program, and others in processes of their own."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {"float32": np.float32, "int64": np.int64, "int32": np.int32, "uint8": np.uint8, "bool": np.bool_}


def dotori(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


class Served:
    """An engine in a process of its own."""

    def __init__(self, key, model, threads, engines, options=None):
        """`options` are ONNX Runtime's session options."""
        command = (["node", HERE.parent / "agreement/ort.js", engines] if key == "onnxruntime" else [sys.executable, HERE / "peer_server.py", key])
        options = [json.dumps(options)] if options else []
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([*map(str, command), str(model), str(threads), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "OPENCV_LOG_LEVEL": "SILENT"})
        first = self._answer()
        self.load_ms, self.input, self.outputs = first["load_ms"], first["inputs"][0], first.get("outputs")

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1:] or "it stopped")
        return json.loads(line)

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def run(self, x):
        x.tofile(f"{self.folder.name}/x.raw")
        answer = self._ask({"run": {self.input: {"file": f"{self.folder.name}/x.raw", "dims": list(x.shape)}}, "out": f"{self.folder.name}/y"})
        return [np.fromfile(o["file"], TYPES[o["type"]]).reshape(o["dims"]) for o in answer["outputs"]]

    def time(self, runs):
        return self._ask({"time": runs})["ms"]

    def peak_mb(self):
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class Own:
    """Dotori itself; with backend xnnpack a peer."""

    def __init__(self, program, model, threads, backend="cpu"):
        self.command = [str(program), "bench", str(model), "--threads", str(threads), "--backend", backend, "--json"]
        self.load_ms = None

    def time(self, runs):
        result = json.loads(dotori(*self.command, "--runs", runs, "--warmup", 4))
        self.load_ms = min(self.load_ms or 1e9, result["load_ms"])
        return result["runs_ms"] if "runs_ms" in result else [result["min_ms"], result["median_ms"]]

    def peak_mb(self):
        return json.loads(dotori(*self.command, "--runs", 1, "--warmup", 0))["peak_bytes"] / 1048576

    def close(self):
        pass


def interleaved(engines, rounds, runs):
    """Times of each engine by round, sorted, the engines in turn."""
    for engine in engines.values():
        engine.time(1)
    times = {key: [] for key in engines}
    for _ in range(rounds):
        for key, engine in engines.items():
            times[key].append(sorted(engine.time(runs)))
    return times


def summary(engines, times):
    """Of each engine, which is closed; the ratio is that of "ours" over it."""
    rows = {}
    for key, engine in engines.items():
        rounds = times[key]
        rows[key] = {
            "min_ms": min(r[0] for r in rounds), "median_ms": float(np.median([np.median(r) for r in rounds])),
            "ratio": float(np.median([o[0] / t[0] for o, t in zip(times["ours"], rounds)])), "load_ms": engine.load_ms, "peak_mb": engine.peak_mb()}
        engine.close()
    return rows
