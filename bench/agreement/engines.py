# SPDX-License-Identifier: Apache-2.0
"""Independent engines behind one call: run(inputs) -> list of output arrays in the source file's own axis order."""
import ctypes
import json
import pathlib
import subprocess
import tempfile

import numpy as np

NUMPY_TYPES = {"float32": np.float32, "int64": np.int64, "int32": np.int32, "uint8": np.uint8, "bool": np.bool_}


class OnnxRuntime:
    """npm's onnxruntime-node, in a process of its own."""
    name = "ONNX Runtime"

    def __init__(self, engines_dir, model, threads=1):
        script = pathlib.Path(__file__).with_name("ort.js")
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(["node", str(script), str(engines_dir), str(model), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.input_names = self._answer()["inputs"]

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("ONNX Runtime stopped")
        return json.loads(line)

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def run(self, inputs):
        request = {"run": {}, "out": f"{self.folder.name}/out"}
        for i, (name, array) in enumerate(zip(self.input_names, inputs)):
            file = f"{self.folder.name}/in{i}.raw"
            np.ascontiguousarray(array, np.float32).tofile(file)
            request["run"][name] = {"file": file, "dims": list(array.shape)}
        return [np.fromfile(o["file"], NUMPY_TYPES[o["type"]]).reshape(o["dims"]) for o in self._ask(request)["outputs"]]

    def time(self, runs):
        """Milliseconds of each run on the inputs given last."""
        return self._ask({"time": runs})["ms"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class QuantizationParams(ctypes.Structure):
    _fields_ = [("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]


class LiteRt:
    """The LiteRT C library in npm's tfjs-tflite-node; declarations after TensorFlow Lite's c_api.h."""
    name = "LiteRT"
    TYPES = {1: np.float32, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}

    def __init__(self, engines_dir, model, threads=1, xnnpack=False):
        """`xnnpack`: run 8-bit operators by its XNNPACK delegate instead of its own kernels."""
        self.lib = ctypes.CDLL(str(pathlib.Path(engines_dir) / "node_modules/tfjs-tflite-node/cc_deps/linux_amd64/libtensorflowlite_c.so"))
        pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
        signatures = {
            "ModelCreateFromFile": (pointer, [ctypes.c_char_p]), "InterpreterOptionsCreate": (pointer, []),
            "InterpreterOptionsSetNumThreads": (None, [pointer, integer]), "InterpreterCreate": (pointer, [pointer, pointer]),
            "InterpreterAllocateTensors": (integer, [pointer]), "InterpreterInvoke": (integer, [pointer]),
            "InterpreterGetInputTensor": (pointer, [pointer, integer]),
            "InterpreterGetOutputTensor": (pointer, [pointer, integer]),
            "InterpreterGetOutputTensorCount": (integer, [pointer]), "TensorType": (integer, [pointer]),
            "TensorNumDims": (integer, [pointer]), "TensorDim": (integer, [pointer, integer]),
            "InterpreterOptionsAddDelegate": (None, [pointer, pointer]), "XNNPackDelegateCreate": (pointer, [pointer]),
            "InterpreterGetInputTensorCount": (integer, [pointer]), "TensorName": (ctypes.c_char_p, [pointer]),
            "TensorQuantizationParams": (QuantizationParams, [pointer]),
            "TensorCopyFromBuffer": (integer, [pointer, pointer, size]), "TensorCopyToBuffer": (integer, [pointer, pointer, size]),
        }
        self.call = {}
        for key, (result, arguments) in signatures.items():
            function = getattr(self.lib, "TfLite" + key)
            function.restype, function.argtypes = result, arguments
            self.call[key] = function
        self.model = self.call["ModelCreateFromFile"](str(model).encode())
        options = self.call["InterpreterOptionsCreate"]()
        self.call["InterpreterOptionsSetNumThreads"](options, threads)
        if xnnpack:
            # TfLiteXNNPackDelegateOptions: num_threads, flags (1: signed, 2: unsigned 8-bit operators); the rest is 0.
            self.delegate_options = (ctypes.c_int32 * 16)(threads, 3)
            self.call["InterpreterOptionsAddDelegate"](options, self.call["XNNPackDelegateCreate"](self.delegate_options))
        self.interpreter = self.call["InterpreterCreate"](self.model, options)
        if not self.interpreter or self.call["InterpreterAllocateTensors"](self.interpreter) != 0:
            raise RuntimeError(f"LiteRT cannot load {model}")

    def _shape(self, tensor):
        return [self.call["TensorDim"](tensor, d) for d in range(self.call["TensorNumDims"](tensor))]

    def inputs(self):
        """[(name, shape, type)]"""
        tensors = [self.call["InterpreterGetInputTensor"](self.interpreter, i) for i in range(self.call["InterpreterGetInputTensorCount"](self.interpreter))]
        return [(self.call["TensorName"](t).decode(), self._shape(t), self.TYPES[self.call["TensorType"](t)]) for t in tensors]

    def output_details(self):
        """[(name, scale, zero point)], scale 0 where there is none"""
        details = []
        for i in range(self.call["InterpreterGetOutputTensorCount"](self.interpreter)):
            tensor = self.call["InterpreterGetOutputTensor"](self.interpreter, i)
            q = self.call["TensorQuantizationParams"](tensor)
            details.append((self.call["TensorName"](tensor).decode(), q.scale, q.zero_point))
        return details

    def run(self, inputs):
        """Inputs in the model's own types: uint8 and int8 arrays go in as they are, all others as float32."""
        for i, array in enumerate(inputs):
            tensor = self.call["InterpreterGetInputTensor"](self.interpreter, i)
            array = np.ascontiguousarray(array, array.dtype if array.dtype in (np.uint8, np.int8) else np.float32)
            if self.call["TensorCopyFromBuffer"](tensor, array.ctypes.data, array.nbytes) != 0:
                raise RuntimeError(f"LiteRT refuses input {i}")
        if self.call["InterpreterInvoke"](self.interpreter) != 0:
            raise RuntimeError("LiteRT cannot run the model")
        outputs = []
        for i in range(self.call["InterpreterGetOutputTensorCount"](self.interpreter)):
            tensor = self.call["InterpreterGetOutputTensor"](self.interpreter, i)
            array = np.empty(self._shape(tensor), self.TYPES[self.call["TensorType"](tensor)])
            self.call["TensorCopyToBuffer"](tensor, array.ctypes.data, array.nbytes)
            outputs.append(array)
        return outputs

    def close(self):
        pass


class OpenCvDarknet:
    """OpenCV's DNN module. Its region layers decode boxes, so the convolutions before them are asked for instead."""
    name = "OpenCV DNN"

    def __init__(self, _engines_dir, model, threads=1):
        import cv2
        cv2.setNumThreads(threads)
        cfg, weights = model
        self.net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
        names = self.net.getLayerNames()
        heads = [self.net.getLayer(n) for n in self.net.getUnconnectedOutLayersNames()]
        sections = [line.strip() for line in open(cfg) if line.strip().startswith("[")][1:]
        detects = [i for i, s in enumerate(sections) if s in ("[yolo]", "[region]")]
        # A convolution without batch norm and activation is one layer, named after its section.
        self.outputs = [f"conv_{i - 1}" for i in detects] if detects else [h.name for h in heads]
        missing = [n for n in self.outputs if n not in names]
        if missing:
            raise RuntimeError(f"OpenCV has no layers {missing}")

    def run(self, inputs):
        self.net.setInput(np.ascontiguousarray(inputs[0], np.float32))
        # forward() reuses its buffers.
        return [np.array(o) for o in self.net.forward(self.outputs)]

    def close(self):
        pass
