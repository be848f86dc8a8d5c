// SPDX-License-Identifier: Apache-2.0
// Importers: a trained file becomes a Graph. Host only; they may use the STL freely, but let no exception out.
//
// Every error names the file, the layer (the source file's name for it), the operator, the shapes it saw, and what is
// supported. The returned graph passes graph::verify(); it is not optimised yet.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <dotori/status.h>
#include <dotori/tensor.h>

#include "graph/graph.h"

namespace dotori::convert {

struct ImportOptions {
  // Input name -> shape in the source file's own axis order; fixes dynamic dimensions.
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
};

// ONNX (protobuf), opset 7 and newer. Tensors become NHWC: a rank-4 graph input or output [N,C,H,W] becomes [N,H,W,C]
// and its Value::source_order is {0,2,3,1}. Dynamic batch dimensions become 1; other dynamic dimensions need
// ImportOptions::input_shapes. Quantised models (QuantizeLinear / DequantizeLinear around float operators, or operators
// such as QLinearConv) keep their scales: graph::fold_quantization makes them int8.
Result<graph::Graph> import_onnx(const std::string& path, const ImportOptions& options);

// TFLite (FlatBuffers, schema version 3): float32 models, int8 and uint8 models with their own scales, and float32
// models with 8-bit weights, which become float32. Tensors are NHWC there already. Fills graph.task for a detector that
// ends in TFLite_Detection_PostProcess, and the pre-processing of a uint8 image.
Result<graph::Graph> import_tflite(const std::string& path, const ImportOptions& options);

// Darknet: `cfg_path` is the network description, `weights_path` the weights. Fills graph.task for detectors ([yolo]
// and [region] sections: decoder, anchors, classes, strides, scale_x_y, new_coords) and classifiers, with Darknet's
// pre-processing (RGB / 255; letterbox for detectors).
Result<graph::Graph> import_darknet(const std::string& cfg_path, const std::string& weights_path,
                                    const ImportOptions& options);

// Caffe: `description_path` is the deploy .prototxt (phase TEST; layers in today's notation or that of before 2015),
// `weights_path` the .caffemodel. Inputs of rank 4 become [N,H,W,C]. Fills graph.task for an SSD that ends in
// DetectionOutput.
Result<graph::Graph> import_caffe(const std::string& description_path, const std::string& weights_path,
                                  const ImportOptions& options);

// TensorFlow: a frozen GraphDef (.pb) in NHWC, for inference. Outputs are the nodes that no other node reads.
Result<graph::Graph> import_tensorflow(const std::string& path, const ImportOptions& options);

}  // namespace dotori::convert
