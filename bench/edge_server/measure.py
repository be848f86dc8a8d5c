#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures edge_server over the loopback; started by bench/edge_server/run. Client and server share this machine's cores."""
import argparse
import http.client
import json
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/edge_server"))
from server import Server  # noqa: E402

OUT = ROOT / "build/edge_server"
TASKS = {"classify": "oranges", "detect": "smear", "segment": "tissue"}
SIZES = {"0.3 MP": (640, 480), "12 MP": (4000, 3000)}


def photos(draw):
    """JPEG files of the drawn pictures, by (task, size)."""
    OUT.mkdir(parents=True, exist_ok=True)
    subprocess.run([draw, OUT], check=True, stdout=subprocess.DEVNULL)
    files = {}
    for task, name in TASKS.items():
        picture = Image.open(OUT / f"{name}.png").convert("RGB")
        for label, size in SIZES.items():
            files[task, label] = OUT / f"{name}_{size[0]}.jpg"
            picture.resize(size, Image.BICUBIC).save(files[task, label], quality=90)
    return files


def one_by_one(server, path, body, count):
    """Milliseconds at the client of each request, and the server's own account of the last."""
    connection, times, timing = server.connect(), [], {}
    for i in range(count + 3):
        start = time.perf_counter()
        status, answer = server.json("POST", path, body, connection=connection)
        assert status == 200, answer
        if i >= 3:
            times.append((time.perf_counter() - start) * 1000)
        timing = answer["timing_ms"]
    connection.close()
    return times, timing


def wrk(server, path, photo, clients, seconds):
    script = OUT / "post.lua"
    script.write_text(f'local file = io.open("{photo}", "rb")\nwrk.method = "POST"\nwrk.body = file:read("*a")\nfile:close()\n'
                      'wrk.headers["Content-Type"] = "image/jpeg"\n')
    run = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "--latency", "-s", script,
                          f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, check=True)

    def ms(text):
        number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
        return float(number) * {"us": 1e-3, "ms": 1, "s": 1000, "m": 60000}[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", run.stdout)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", run.stdout)
    return {"clients": clients, "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout).group(1)),
            "p50": ms(re.search(r"50%\s+(\S+)", run.stdout).group(1)), "p99": ms(re.search(r"99%\s+(\S+)", run.stdout).group(1)),
            "refused": int(bad.group(1)) if bad else 0, "lost": sum(map(int, broken.groups())) if broken else 0}


class SlowClients:
    """Connections that send a byte now and then, opened anew when they are dropped."""

    def __init__(self, port, count):
        self.port, self.count, self.stopping = port, count, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        sockets = []
        while not self.stopping.is_set():
            while len(sockets) < self.count:
                s = socket.create_connection(("127.0.0.1", self.port))
                s.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n")
                sockets.append(s)
            alive = []
            for s in sockets:
                try:
                    s.send(b"x")
                    alive.append(s)
                except OSError:
                    s.close()
            sockets = alive
            self.stopping.wait(0.5)
        for s in sockets:
            s.close()

    def __enter__(self):
        self.thread.start()
        time.sleep(1)

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def reload_often(server, stop, counts):
    while not stop.wait(0.5):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", "/v1/reload")
        counts.append(connection.getresponse().status)
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--seconds", type=int, default=10, help="of each row with wrk (default 10)")
    parser.add_argument("--quick", action="store_true", help="two seconds, ten photos")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    seconds, count = (2, 10) if options.quick else (options.seconds, 50)
    build = options.build.resolve()
    files, result = photos(build / "example_draw_pictures"), {"one": [], "load": []}
    with Server(build / "edge_server", "--request-seconds", "3", models=ROOT / "examples/models") as server:
        names = {"classify": "grocery_int8", "detect": "cells_yolov3_int8", "segment": "membrane_int8"}
        print("| one client | model | JPEG | answer at the client, median | p99 | decode | run |\n|---|---|---|---|---|---|---|")
        for (task, label), file in files.items():
            times, timing = one_by_one(server, f"/v1/{task}?model={names[task]}", file.read_bytes(), count)
            times.sort()
            row = {"task": task, "model": names[task], "photo": label, "bytes": file.stat().st_size, "median": statistics.median(times),
                   "p99": times[int(0.99 * (len(times) - 1))], "timing": timing}
            result["one"].append(row)
            print(f"| {task} | {names[task]} | {label}, {row['bytes'] / 1e6:.2f} MB | {row['median']:.1f} ms | {row['p99']:.1f} ms | "
                  f"{timing['decode']:.1f} ms | {timing['run']:.1f} ms |", flush=True)
        path, small = f"/v1/classify?model={names['classify']}", files["classify", "0.3 MP"]
        print("\n| clients | answers a second | p50 | p99 | refused with 503 | lost |\n|---|---|---|---|---|---|")

        def show(what, row):
            result["load"].append({"what": what, **row})
            time.sleep(1)  # what the last clients left behind
            print(f"| {what} | {row['per_second']:.0f} | {row['p50']:.1f} ms | {row['p99']:.1f} ms | {row['refused']} | {row['lost']} |", flush=True)

        for clients in (1, 2, 4, 16):
            show(str(clients), wrk(server, path, small, clients, seconds))
        with SlowClients(server.port, 200):
            show("4, beside 200 slow ones", wrk(server, path, small, 4, seconds))
        stop, counts = threading.Event(), []
        thread = threading.Thread(target=reload_often, args=(server, stop, counts))
        thread.start()
        show("4, models reloaded twice a second", wrk(server, path, small, 4, seconds))
        stop.set()
        thread.join()
        print(f"\n{len(counts)} reloads, {counts.count(200)} of them good; {server.rss_kb() / 1024:.0f} MB resident")
        result["reloads"] = counts
        code, errors = server.stop()
        assert code == 0, errors
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0 if all(r["lost"] == 0 for r in result["load"]) else 1


if __name__ == "__main__":
    sys.exit(main())
