// SPDX-License-Identifier: Apache-2.0
#include "pointwise_backend.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

namespace example {
namespace {

using dotori::DataType;
using dotori::NodeView;
using dotori::Result;
using dotori::Status;
using dotori::ValueView;

Status refuse(const std::string& reason) {
  return Status(dotori::StatusCode::kUnsupported, reason);
}

std::size_t elements(const ValueView& value) {
  return static_cast<std::size_t>(value.shape().elements());
}

bool is(const NodeView& node, const char* op) {
  return std::strcmp(node.op(), op) == 0;
}

// The activation's name where this backend knows it: "identity" and "relu".
Status known_activation(const NodeView& node) {
  const Result<std::string> function = node.text("activation.function");
  if (!function.ok()) return function.status();
  if (*function == "identity" || *function == "relu") return {};
  return refuse("no activation but relu, found " + *function);
}

Status pointwise(const NodeView& node) {
  for (const char* attribute : {"kernel_h", "kernel_w", "stride_h", "stride_w", "groups"}) {
    const Result<double> number = node.number(attribute);
    if (!number.ok()) return number.status();
    if (*number != 1) return refuse(std::string(attribute) + " must be 1");
  }
  for (const char* attribute : {"pad_top", "pad_bottom", "pad_left", "pad_right"}) {
    const Result<double> number = node.number(attribute);
    if (!number.ok()) return number.status();
    if (*number != 0) return refuse("no padding");
  }
  if (node.input(1).constant() == nullptr) return refuse("the weights must be constant");
  if (node.has_input(2) && node.input(2).constant() == nullptr) return refuse("the bias must be constant");
  return known_activation(node);
}

// One node over addresses known since bind().
struct Work {
  enum class Kind { kConvolution, kAdd, kRelu } kind = Kind::kRelu;
  bool relu = false;
  int x = -1, other = -1, y = -1;  // ValueView::index()
  const float *weights = nullptr, *bias = nullptr;
  std::size_t pixels = 0, in = 0, out = 0;  // of a convolution; otherwise `pixels` elements
};

class PointwiseRegion final : public dotori::Region {
 public:
  PointwiseRegion(const dotori::RegionRequest& request, std::atomic<int>& nodes_run) : nodes_run_(nodes_run) {
    for (const ValueView& value : request.inputs) inputs_.push_back(value.index());
    for (const ValueView& value : request.outputs) outputs_.push_back(value.index());
    for (const NodeView& node : request.nodes) append(node);
    // What the region passes on between its own nodes is its own memory.
    for (const NodeView& node : request.nodes) {
      const ValueView y = node.output();
      if (std::find(outputs_.begin(), outputs_.end(), y.index()) == outputs_.end())
        inner_[y.index()].resize(elements(y));
    }
  }

  Status bind(dotori::Span<const void* const> inputs, dotori::Span<void* const> outputs) override {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      addresses_[inputs_[i]] = const_cast<float*>(static_cast<const float*>(inputs[i]));
    for (std::size_t i = 0; i < outputs.size(); ++i) addresses_[outputs_[i]] = static_cast<float*>(outputs[i]);
    for (auto& [index, memory] : inner_) addresses_[index] = memory.data();
    return {};
  }

  Status run() noexcept override {
    for (const Work& work : work_) {
      run(work);
      ++nodes_run_;
    }
    return {};
  }

  std::size_t memory_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const auto& [index, memory] : inner_) bytes += memory.size() * sizeof(float);
    return bytes;
  }

 private:
  void append(const NodeView& node) {
    Work work;
    work.x = node.input(0).index();
    work.y = node.output().index();
    work.pixels = elements(node.output());
    const Result<std::string> function = node.text("activation.function");
    work.relu = function.ok() && *function == "relu";
    if (is(node, "conv2d")) {
      work.kind = Work::Kind::kConvolution;
      work.out = static_cast<std::size_t>(node.input(1).shape()[0]);
      work.in = static_cast<std::size_t>(node.input(1).shape()[3]);
      work.pixels /= work.out;
      work.weights = static_cast<const float*>(node.input(1).constant());
      if (node.has_input(2)) work.bias = static_cast<const float*>(node.input(2).constant());
    } else if (is(node, "binary")) {
      work.kind = Work::Kind::kAdd;
      work.other = node.input(1).index();
    }
    work_.push_back(work);
  }

  void run(const Work& work) noexcept {
    const float* x = addresses_.find(work.x)->second;
    float* y = addresses_.find(work.y)->second;
    const std::size_t count = work.kind == Work::Kind::kConvolution ? work.pixels * work.out : work.pixels;
    switch (work.kind) {
      case Work::Kind::kConvolution:
        for (std::size_t p = 0; p < work.pixels; ++p)
          for (std::size_t o = 0; o < work.out; ++o) {
            float sum = work.bias != nullptr ? work.bias[o] : 0;
            for (std::size_t i = 0; i < work.in; ++i) sum += x[p * work.in + i] * work.weights[o * work.in + i];
            y[p * work.out + o] = sum;
          }
        break;
      case Work::Kind::kAdd: {
        const float* other = addresses_.find(work.other)->second;
        for (std::size_t i = 0; i < count; ++i) y[i] = x[i] + other[i];
        break;
      }
      case Work::Kind::kRelu: std::memcpy(y, x, count * sizeof(float)); break;
    }
    for (std::size_t i = 0; work.relu && i < count; ++i) y[i] = y[i] < 0 ? 0 : y[i];
  }

  std::atomic<int>& nodes_run_;
  std::vector<int> inputs_, outputs_;
  std::vector<Work> work_;
  std::map<int, std::vector<float>> inner_;
  std::map<int, float*> addresses_;
};

}  // namespace

Status PointwiseBackend::supports(const NodeView& node) const {
  if (node.input(0).type() != DataType::kFloat32) return refuse("float32 only");
  if (is(node, "conv2d")) return pointwise(node);
  if (is(node, "unary")) {
    const Result<std::string> function = node.text("activation.function");
    if (!function.ok()) return function.status();
    return *function == "relu" ? Status() : refuse("no function but relu, found " + *function);
  }
  if (is(node, "binary")) {
    const Result<std::string> function = node.text("binary_function");
    if (!function.ok()) return function.status();
    if (*function != "add") return refuse("no binary function but add, found " + *function);
    for (int i = 0; i < 2; ++i)
      if (node.input(i).constant() != nullptr || node.input(i).shape() != node.output().shape())
        return refuse("adds two tensors of one shape only");
    return known_activation(node);
  }
  return refuse(std::string("no ") + node.op());
}

Result<std::unique_ptr<dotori::Region>> PointwiseBackend::compile_region(const dotori::RegionRequest& request) const {
  return std::unique_ptr<dotori::Region>(new PointwiseRegion(request, nodes_run_));
}

}  // namespace example
