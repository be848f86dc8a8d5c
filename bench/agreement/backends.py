#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every network of agree.py and quantized.py on all backends and prints the table of compare_backends.

The networks are converted to build/backends/*.dtr first; what is not there (no model zoo, nothing exported) is named and
left out. bench/agreement/backends builds what this needs."""
import argparse
import os
import pathlib
import subprocess
import sys

import agree
import quantized


def sources(zoo, networks, exported):
    """Name, files and convert options of each network."""
    for name, files, options, _ in agree.models(zoo, networks, exported):
        yield name.replace("torch ", "torch_"), files, options
    for name, *_ in quantized.NETWORKS:
        yield name.split("/")[1], [zoo / "models" / f"{name}.tflite"], []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/backends"))
    parser.add_argument("--networks", type=pathlib.Path, default=pathlib.Path("build/networks"))
    parser.add_argument("--exported", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--only", nargs="*", help="parts of network names")
    parser.add_argument("--runs", type=int, default=10, help="timed runs of each backend")
    parser.add_argument("--reference-gmacs", type=float, default=1,
                        help="larger networks are compared with the CPU backend, not the reference kernels")
    args = parser.parse_args()
    zoo = pathlib.Path(os.environ.get("DOTORI_ZOO", "../shared"))
    folder = args.build / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    models, missing = [], []
    for name, files, options in sources(zoo, args.networks, args.exported):
        if args.only and not any(part in name for part in args.only):
            continue
        if not all(file.is_file() for file in files):
            missing.append(name)
            continue
        target = folder / f"{name}.dtr"
        agree.dotori(args.build / "dotori", "convert", *files, "-o", target, *options)
        models.append(target)
    # What `dotori quantize` made of float networks, where bench/quantized/run was run.
    for path in sorted(pathlib.Path("build/quantized").glob("*_int8.dtr")):
        if not args.only or any(part in path.name for part in args.only):
            models.append(path)
    if missing:
        print("left out, no files:", ", ".join(missing))
    if not models:
        return 0
    return subprocess.run([args.build / "compare_backends", "--runs", str(args.runs), "--reference-gmacs",
                           str(args.reference_gmacs), "--photo", args.networks / "photos/dog.jpg", *models]).returncode


if __name__ == "__main__":
    sys.exit(main())
