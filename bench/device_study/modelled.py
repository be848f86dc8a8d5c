#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A device study without the device: instructions and cycles of each model on a Cortex-A72 or Cortex-A55 by bench/arm/run
(counted under qemu, cycles by a model of pipeline and caches), written as `dotori bench --suite -o` writes a measured one and
marked as modelled. One thread. Compare with measured devices by `dotori bench --compare`.

    bench/device_study/modelled.py --core a72|a55 [--mhz N] -o STUDY.json MODEL.dtr ..."""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORES = {"a72": ("Cortex-A72", 2000), "a55": ("Cortex-A55", 1800)}  # clocks of a TDA4VM and an RK3566


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", choices=CORES, required=True)
    parser.add_argument("--mhz", type=int, help="clock; otherwise that of a TDA4VM (A72, 2000) or an RK3566 (A55, 1800)")
    parser.add_argument("--dotori", type=pathlib.Path, default=ROOT / "build/release/dotori")
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    name, mhz = CORES[options.core]
    mhz = options.mhz or mhz
    rows = []
    for model in options.models:
        line = subprocess.run([ROOT / "bench/arm/run", "--cores", options.core, model], check=True, capture_output=True,
                              text=True).stdout.splitlines()[-1].split()
        cycles = float(line[3])
        facts = json.loads(subprocess.run([options.dotori, "bench", model, "--runs", "1", "--json"], check=True, capture_output=True,
                                          text=True).stdout)
        ms = cycles / mhz / 1000
        rows.append({"network": model.stem, "precision": "int8" if model.stem.endswith("_int8") else "float32", "threads": 1, "fps": 1000 / ms,
                     "median_ms": ms, "min_ms": ms, "p90_ms": ms, "runs": 1, "load_ms": 0, "arena_bytes": facts["arena_bytes"],
                     "packed_bytes": facts["packed_bytes"], "file_bytes": facts["file_bytes"],
                     "macs": sum(node["macs"] for node in facts["nodes"])})
        print(f"{model.stem}: {int(line[2]) / 1e6:.0f} M instructions, {cycles / 1e6:.0f} M cycles, {ms:.1f} ms", flush=True)
    study = {"schema": "dotori.device_study/1", "device": f"{name} at {mhz} MHz", "measured": False,
             "how": "instructions counted under qemu; cycles modelled by bench/arm/armcost.py", "date": "", "library": "", "backend": "cpu",
             "rounds": 1, "machine": {"cpu": name, "features": "", "cores": 1, "max_mhz": mhz, "architecture": "aarch64", "kernel": "", "os": ""},
             "results": rows, "failures": []}
    options.out.write_text(json.dumps(study, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
