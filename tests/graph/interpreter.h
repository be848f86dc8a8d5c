// SPDX-License-Identifier: Apache-2.0
// A plain double-precision interpreter of small float graphs, to see that a rewritten graph still computes the same.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace dotori::testing {

// A dense tensor with NumPy-like access by multi-index.
struct Dense {
  Shape shape;
  std::vector<double> data;

  explicit Dense(const Shape& s = {}) : shape(s), data(static_cast<std::size_t>(s.elements()), 0.0) {}
  std::size_t offset(const std::vector<std::int64_t>& index) const {
    std::int64_t o = 0;
    for (int k = 0; k < shape.rank(); ++k) o = o * shape[k] + index[static_cast<std::size_t>(k)];
    return static_cast<std::size_t>(o);
  }
  double& at(const std::vector<std::int64_t>& index) { return data[offset(index)]; }
  double at(const std::vector<std::int64_t>& index) const { return data[offset(index)]; }
};

// Calls f(index) for every multi-index of `shape`.
template <class F>
void for_each_index(const Shape& shape, F&& f) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()), 0);
  const std::int64_t n = shape.elements();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t rest = i;
    for (int k = shape.rank(); k-- > 0;) {
      index[static_cast<std::size_t>(k)] = rest % shape[k];
      rest /= shape[k];
    }
    f(index);
  }
}

inline double apply_activation(const graph::Activation& a, double x) {
  using graph::Function;
  const double alpha = a.alpha, beta = a.beta;
  switch (a.function) {
    case Function::kIdentity: return x;
    case Function::kRelu: return std::max(x, 0.0);
    case Function::kClip: return std::min(std::max(x, alpha), beta);
    case Function::kSigmoid: return 1 / (1 + std::exp(-x));
    case Function::kTanh: return std::tanh(x);
    case Function::kHardSigmoid: return std::min(std::max(alpha * x + beta, 0.0), 1.0);
    case Function::kHardSwish: return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
    case Function::kSilu: return x / (1 + std::exp(-x));
    case Function::kSoftplus: return std::log1p(std::exp(x));
    case Function::kMish: return x * std::tanh(std::log1p(std::exp(x)));
    default: return std::nan("");  // not needed by these tests: shows up as a mismatch
  }
}

inline double apply_binary(graph::BinaryFunction f, double a, double b) {
  using graph::BinaryFunction;
  switch (f) {
    case BinaryFunction::kAdd: return a + b;
    case BinaryFunction::kSub: return a - b;
    case BinaryFunction::kMul: return a * b;
    case BinaryFunction::kDiv: return a / b;
    default: return std::nan("");
  }
}

class Interpreter {
 public:
  explicit Interpreter(const graph::Graph& g) : graph_(g) {}
  void set(graph::ValueId id, std::vector<double> data) {
    Dense dense(graph_.value(id).type.shape);
    dense.data = std::move(data);
    values_[id.index] = std::move(dense);
  }
  const Dense& get(graph::ValueId id) {
    auto found = values_.find(id.index);
    if (found != values_.end()) return found->second;
    const graph::Value& value = graph_.value(id);
    Dense dense(value.type.shape);
    const float* elements = static_cast<const float*>(value.constant.data);
    for (std::size_t i = 0; i < dense.data.size(); ++i)
      dense.data[i] = elements == nullptr ? std::nan("") : elements[i];
    return values_[id.index] = dense;
  }
  void run() {
    for (const graph::Node& node : graph_.nodes()) run(node);
  }
  // False when the operator is not one that this interpreter knows.
  bool run(const graph::Node& node) {
    Dense out(graph_.value(node.outputs[0]).type.shape);
    const Dense x = get(node.inputs[0]);
    if (const auto* op = std::get_if<graph::Conv2d>(&node.op)) {
      convolve(*op, node, x, out);
    } else if (const auto* transposed = std::get_if<graph::ConvTranspose2d>(&node.op)) {
      convolve_transposed(*transposed, node, x, out);
    } else if (const auto* fully = std::get_if<graph::FullyConnected>(&node.op)) {
      const Dense w = get(node.inputs[1]);
      for_each_index(out.shape, [&](std::vector<std::int64_t> i) {
        const std::int64_t o = i.back();
        double sum = bias(node, o);
        for (std::int64_t k = 0; k < w.shape[1]; ++k) {
          std::vector<std::int64_t> in = i;
          in.back() = k;
          sum += x.at(in) * w.at({o, k});
        }
        out.at(i) = apply_activation(fully->activation, sum);
      });
    } else if (const auto* binary = std::get_if<graph::Binary>(&node.op)) {
      const Dense b = get(node.inputs[1]);
      for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) {
        out.at(i) =
            apply_activation(binary->activation, apply_binary(binary->function, broadcast(x, i), broadcast(b, i)));
      });
    } else if (const auto* unary = std::get_if<graph::Unary>(&node.op)) {
      for (std::size_t i = 0; i < x.data.size(); ++i) out.data[i] = apply_activation(unary->activation, x.data[i]);
    } else if (const auto* pad = std::get_if<graph::Pad>(&node.op)) {
      std::fill(out.data.begin(), out.data.end(), pad->value);
      for_each_index(x.shape, [&](const std::vector<std::int64_t>& i) {
        std::vector<std::int64_t> to = i;
        for (std::size_t k = 0; k < to.size(); ++k) to[k] += pad->before[static_cast<int>(k)];
        out.at(to) = x.at(i);
      });
    } else if (const auto* pool = std::get_if<graph::AveragePool2d>(&node.op)) {
      average(*pool, x, out);
    } else if (std::holds_alternative<graph::Reshape>(node.op) || std::holds_alternative<graph::Cast>(node.op)) {
      out.data = x.data;
    } else if (const auto* transpose = std::get_if<graph::Transpose>(&node.op)) {
      for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) {
        std::vector<std::int64_t> from(i.size());
        for (std::size_t k = 0; k < i.size(); ++k)
          from[static_cast<std::size_t>(transpose->perm[static_cast<int>(k)])] = i[k];
        out.at(i) = x.at(from);
      });
    } else if (const auto* slice = std::get_if<graph::Slice>(&node.op)) {
      for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) {
        std::vector<std::int64_t> from(i.size());
        for (std::size_t k = 0; k < i.size(); ++k) {
          const int axis = static_cast<int>(k);
          from[k] = slice->begin[axis] + i[k] * slice->stride[axis];
        }
        out.at(i) = x.at(from);
      });
    } else {
      return false;
    }
    values_[node.outputs[0].index] = std::move(out);
    return true;
  }

 private:
  double bias(const graph::Node& node, std::int64_t o) {
    return node.inputs.size() > 2 ? get(node.inputs[2]).data[static_cast<std::size_t>(o)] : 0;
  }
  static double broadcast(const Dense& d, const std::vector<std::int64_t>& index) {
    std::vector<std::int64_t> i(static_cast<std::size_t>(d.shape.rank()));
    for (std::size_t k = 0; k < i.size(); ++k) {
      i[k] = d.shape[static_cast<int>(k)] == 1 ? 0 : index[index.size() - i.size() + k];
    }
    return d.at(i);
  }
  void convolve(const graph::Conv2d& op, const graph::Node& node, const Dense& x, Dense& out) {
    const Dense w = get(node.inputs[1]);
    const std::int64_t in_group = w.shape[3], out_group = w.shape[0] / op.groups;
    for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) {
      double sum = bias(node, i[3]);
      for_each_index(w.shape, [&](const std::vector<std::int64_t>& t) {
        const std::int64_t h = i[1] * op.stride_h + t[1] * op.dilation_h - op.pad_top;
        const std::int64_t v = i[2] * op.stride_w + t[2] * op.dilation_w - op.pad_left;
        if (t[0] != i[3] || h < 0 || v < 0 || h >= x.shape[1] || v >= x.shape[2]) return;
        sum += x.at({i[0], h, v, i[3] / out_group * in_group + t[3]}) * w.at(t);
      });
      out.at(i) = apply_activation(op.activation, sum);
    });
  }
  void convolve_transposed(const graph::ConvTranspose2d& op, const graph::Node& node, const Dense& x, Dense& out) {
    const Dense w = get(node.inputs[1]);  // groups 1 only
    for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) { out.at(i) = bias(node, i[3]); });
    for_each_index(x.shape, [&](const std::vector<std::int64_t>& i) {
      for_each_index(w.shape, [&](const std::vector<std::int64_t>& t) {
        const std::int64_t h = i[1] * op.stride_h + t[1] * op.dilation_h - op.pad_top;
        const std::int64_t v = i[2] * op.stride_w + t[2] * op.dilation_w - op.pad_left;
        if (t[3] != i[3] || h < 0 || v < 0 || h >= out.shape[1] || v >= out.shape[2]) return;
        out.at({i[0], h, v, t[0]}) += x.at(i) * w.at(t);
      });
    });
    for (double& y : out.data) y = apply_activation(op.activation, y);
  }
  static void average(const graph::AveragePool2d& op, const Dense& x, Dense& out) {
    for_each_index(out.shape, [&](const std::vector<std::int64_t>& i) {
      double sum = 0;
      int count = 0;
      for (int a = 0; a < op.kernel_h; ++a) {
        for (int b = 0; b < op.kernel_w; ++b) {
          const std::int64_t h = i[1] * op.stride_h + a * op.dilation_h - op.pad_top;
          const std::int64_t v = i[2] * op.stride_w + b * op.dilation_w - op.pad_left;
          const bool inside = h >= 0 && v >= 0 && h < x.shape[1] && v < x.shape[2];
          const bool padded = h < x.shape[1] + op.pad_bottom && v < x.shape[2] + op.pad_right;
          if (inside) sum += x.at({i[0], h, v, i[3]});
          if (inside || (op.count_include_pad && padded)) ++count;
        }
      }
      out.at(i) = sum / count;
    });
  }

  const graph::Graph& graph_;
  std::map<std::int32_t, Dense> values_;
};

// graph::EvaluateNode for fold_constants.
inline Result<graph::Constant> interpret_node(const graph::Graph& g, const graph::Node& node) {
  if (g.value(node.outputs[0]).type.type != DataType::kFloat32) return unsupported("float32 only");
  Interpreter interpreter(g);
  if (!interpreter.run(node)) return unsupported("not interpreted");
  const std::vector<double>& data = interpreter.get(node.outputs[0]).data;
  const std::vector<float> floats(data.begin(), data.end());
  return graph::make_constant(floats.data(), floats.size() * sizeof(float));
}

}  // namespace dotori::testing
