#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's DNN module or libtorch as a line-by-line service with the requests and answers of bench/agreement/ort.js:
peer_server.py opencv|torch MODEL THREADS"""
import json
import os
import sys
import time

import numpy as np


class OpenCv:
    def __init__(self, model, threads):
        import cv2
        cv2.setNumThreads(threads)
        self.net = cv2.dnn.readNetFromONNX(model)
        self.net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        self.names = self.net.getUnconnectedOutLayersNames()

    def set(self, x):
        self.net.setInput(x)

    def run(self):
        return self.net.forward(self.names)


class Torch:
    def __init__(self, model, threads):
        import torch
        torch.set_num_threads(threads)
        self.torch = torch
        self.net = torch.jit.optimize_for_inference(torch.jit.load(os.path.splitext(model)[0] + ".pt").eval())

    def set(self, x):
        self.x = self.torch.from_numpy(x.copy())

    def run(self):
        with self.torch.no_grad():
            y = self.net(self.x)
        return [t.numpy() for t in (y if isinstance(y, (tuple, list)) else [y])]


def main():
    kind, model, threads = sys.argv[1:4]
    begin = time.perf_counter()
    engine = {"opencv": OpenCv, "torch": Torch}[kind](model, int(threads))
    print(json.dumps({"inputs": ["image"], "load_ms": (time.perf_counter() - begin) * 1e3}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            spec = next(iter(request["run"].values()))
            engine.set(np.fromfile(spec["file"], np.float32).reshape(spec["dims"]))
            outputs = []
            for i, y in enumerate(engine.run()):
                np.ascontiguousarray(y, np.float32).tofile(f"{request['out']}{i}.raw")
                outputs.append({"dims": list(y.shape), "type": "float32", "file": f"{request['out']}{i}.raw"})
            print(json.dumps({"outputs": outputs}), flush=True)
        else:
            ms = []
            for _ in range(request["time"]):
                start = time.perf_counter()
                engine.run()
                ms.append((time.perf_counter() - start) * 1e3)
            print(json.dumps({"ms": ms}), flush=True)


if __name__ == "__main__":
    main()
