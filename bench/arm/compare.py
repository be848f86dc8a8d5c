#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions and modelled cycles of networks on a Cortex-A72 and A55, ours and those of XNNPACK and ONNX Runtime, under qemu.
bench/arm/run builds what it needs and starts it; bench/arm/README.md says what the figures mean."""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build/arm"
SYSROOT = ROOT / "build/sysroot/arm64-peers"
ORT = ROOT / "build/engines/node_modules/onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1"
PEERS = {"xnnpack": "XNNPACK", "onnxruntime": "ONNX Runtime"}
# float32 and 8-bit multiply-adds a cycle, qemu's name (7.2 has no A55; the A76 has its instructions), caches, and what Linux says about it
Core = collections.namedtuple("Core", "peaks cpu caches part variant revision features")
CORES = {
    "a72": Core((4, 8), "cortex-a72", "l1=32768:2,l2=1048576:16", 0xD08, 0, 3, "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"),
    "a55": Core((4, 16), "cortex-a76", "l1=32768:4,l2=524288:16", 0xD05, 2, 0,
                "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"),
}


class Failed(Exception):
    pass


def call(command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines()
        raise Failed(f"{pathlib.Path(command[0]).name}: " + (lines[-1] if lines else f"exit code {done.returncode}"))
    return done.stdout


def guest_root(name):
    """What a program under qemu sees before the host's files: Debian's arm64 libraries and a machine of such cores. Libraries look for
    the number of the host's CPU that they run on, so all of those must be there."""
    core, root = CORES[name], WORK / f"root-{name}"
    host = pathlib.Path("/sys/devices/system/cpu/possible").read_text().strip()
    count = max(8, int(re.findall(r"\d+", host)[-1]) + 1)
    cpus = root / "sys/devices/system/cpu"
    cpus.mkdir(parents=True, exist_ok=True)
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text("".join(
        f"processor\t: {i}\nBogoMIPS\t: 48.00\nFeatures\t: {core.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: {core.variant:#x}\nCPU part\t: {core.part:#05x}\nCPU revision\t: {core.revision}\n\n" for i in range(count)))
    for file in ("possible", "present", "online"):
        (cpus / file).write_text(f"0-{count - 1}\n")
    for i in range(count):
        identification = cpus / f"cpu{i}/regs/identification"
        identification.mkdir(parents=True, exist_ok=True)
        (identification / "midr_el1").write_text(f"{0x410F0000 | core.variant << 20 | core.part << 4 | core.revision:#018x}\n")
    for folder in ("lib", "usr"):
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(SYSROOT / folder)
    return root


def measure(engine, model, core, folder, modelled, symbols):
    """One engine on one core: dict of instructions, cycles and the costliest functions."""
    program = {"ours": [ROOT / "build/aarch64/bench_infer", model.dtr, "cpu", folder],
               "xnnpack": [ROOT / "build/arm-xnnpack/bench_infer", model.dtr, "xnnpack", folder],
               "onnxruntime": [WORK / "bench_ort", ORT, model.onnx, folder]}[engine]
    profile = folder / f"{engine}.txt"
    profile.unlink(missing_ok=True)
    options = f"out={profile},roi=1" + (f",edges=1,{CORES[core].caches}" if modelled else "")
    call(["qemu-aarch64", "-L", guest_root(core), "-cpu", CORES[core].cpu, "-plugin", f"{WORK}/libtbprof.so,{options}", *program])
    with open(profile) as lines:
        total = lines.readline().split()
    if total[:2] != ["total", "insns"] or total[6:7] != ["1"]:
        raise Failed(f"{engine} left no profile of one inference")
    result = {"instructions": int(total[2])}
    if modelled:
        cost = folder / "cost.json"
        call([sys.executable, HERE / "armcost.py", profile, "--cpu", core, "--mca", "none", "--json", cost])
        found = json.loads(cost.read_text())[core]
        result["cycles"] = found["adjusted"]
        names = call(["c++filt"], input="\n".join(found["symbols"])).splitlines()
        result["functions"] = [{"name": n, "cycles": c} for n, c in list(zip(names, found["symbols"].values()))[:symbols]]
    return result


Model = collections.namedtuple("Model", "name dtr onnx info")


def open_model(path, dotori):
    """An .onnx file is converted; beside a .dtr there is none for ONNX Runtime."""
    path = path.resolve()
    if not path.is_file():
        raise Failed(f"{path}: no such file")
    dtr, onnx = path, None
    if path.suffix == ".onnx":
        dtr, onnx = WORK / f"{path.stem}.dtr", path
        call([dotori, "convert", path, "-o", dtr])
    info = json.loads(call([dotori, "inspect", dtr, "--json"])) if os.access(dotori, os.X_OK) else None
    return Model(path.stem, dtr, onnx, info)


def tensors(folder, kind, described, to_source):
    """The raw files of a run as arrays; those of bench_infer are in Dotori's order of axes, and go to the source's."""
    import numpy as np
    found = []
    for i, tensor in enumerate(described):
        order, shape = tensor.get("source_order"), tensor["shape"]
        numbers = np.fromfile(folder / f"{kind}{i}", np.dtype(tensor["type"]))
        if to_source:
            numbers = numbers.reshape(shape).transpose(np.argsort(order)) if order else numbers
        found.append(np.ascontiguousarray(numbers).ravel())
    return found


def difference(ours, theirs):
    """The largest one, in parts of the largest number of that output."""
    import numpy as np
    worst = 0.0
    for a, b in zip(ours, theirs):
        if a.size != b.size:
            return float("inf")
        a, b = a.astype(np.float64), b.astype(np.float64)
        worst = max(worst, float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)))
    return worst


def compare(model, core, args):
    """All engines on one model and core: rows by engine."""
    rows, answers = {}, None
    for engine in ["ours", *args.peers]:
        if engine == "onnxruntime" and model.onnx is None:
            continue
        folder = WORK / f"{model.name}.{core}" / engine
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if engine == "onnxruntime":
            for i, numbers in enumerate(tensors(folder.with_name("ours"), "input", model.info["inputs"], True)):
                numbers.tofile(folder / f"input{i}")
        row = measure(engine, model, core, folder, not args.instructions_only, args.functions)
        if args.peers:
            outputs = tensors(folder, "output", model.info["outputs"], engine != "onnxruntime")
            answers = answers or outputs
            row["difference"] = difference(answers, outputs)
            if not row["difference"] <= (args.tolerance or (0.02 if eight_bits(model) else 1e-3)):
                raise Failed(f"{model.name} on {core}: {PEERS[engine]}'s answer is {row['difference']:.1e} of its maximum apart")
        rows[engine] = row
        report(model, core, engine, rows, args)
    return rows


def eight_bits(model):
    """Whether most multiply-adds are between 8-bit numbers."""
    counted = [(o["macs"], "s8" in o["kernel"] or "u8" in o["kernel"]) for o in model.info["operators"]]
    return 2 * sum(m for m, eight in counted if eight) > sum(m for m, _ in counted)


def report(model, core, engine, rows, args):
    row, own = rows[engine], rows["ours"]
    cycles = row.get("cycles")
    text = f"{model.name:36} {core:4} "
    if args.peers:
        text += f"{PEERS.get(engine, engine):12} "
    text += f"{row['instructions']:14} " + (f"{cycles:14.4g}" if cycles else f"{'-':>14}")
    if args.peers:
        if cycles:
            row["peak"] = CORES[core].peaks[eight_bits(model)]
            row["percent_of_peak"] = 100 * model.info["macs"] / cycles / row["peak"]
        row["instructions_ratio"] = own["instructions"] / row["instructions"]
        row["cycles_ratio"] = own["cycles"] / cycles if cycles else None
        text += (f" {row['percent_of_peak']:7.1f}" if cycles else f" {'-':>7}") + f" {row['instructions_ratio']:7.2f}"
        text += f" {row['cycles_ratio']:7.2f}" if cycles else f" {'-':>7}"
    print(text, flush=True)
    for function in row.get("functions", []):
        print(f"    {function['cycles']:12.4g} {100 * function['cycles'] / cycles:5.1f} %  {function['name']}")


def main():
    parser = argparse.ArgumentParser(prog="bench/arm/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL.dtr|MODEL.onnx")
    parser.add_argument("--cores", type=str.split, default=list(CORES))
    parser.add_argument("--instructions-only", action="store_true")
    parser.add_argument("--peers", type=str.split, default=[])
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="the N costliest functions of each engine")
    parser.add_argument("--tolerance", type=float, help="of the largest number of an output: 0.001, or 0.02 of 8-bit networks")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--dotori", type=pathlib.Path, default=ROOT / "build/release/dotori")
    args = parser.parse_args()
    for given, known in ((args.cores, CORES), (args.peers, PEERS)):
        for name in given:
            if name not in known:
                parser.error(f"unknown '{name}', expected {' or '.join(known)}")
    WORK.mkdir(parents=True, exist_ok=True)
    header = f"{'model':36} core " + (f"{'engine':12} " if args.peers else "") + f"{'instructions':>14} {'cycles':>14}"
    print(header + (f" {'% peak':>7} {'instr.':>7} {'cycles':>7}" if args.peers else ""), flush=True)
    results, failed = [], False
    for path in args.models:
        try:
            model = open_model(path, args.dotori)
            for core in args.cores:
                rows = compare(model, core, args)
                results.append({"model": model.name, "core": core, "macs": model.info and model.info["macs"], "engines": rows})
        except Failed as error:
            print(f"bench/arm/run: {error}", file=sys.stderr, flush=True)
            failed = True
        if args.json:
            args.json.write_text(json.dumps({"modelled": True, "rows": results}, indent=1) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
