// SPDX-License-Identifier: Apache-2.0
// One operator as a network of its own, run on every backend and compared with numbers made by the test.
#pragma once

#include <dotori/dotori.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace dotori::testing {

template <class T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr DataType kType = DataType::kFloat32;
};
template <>
struct TypeOf<std::int8_t> {
  static constexpr DataType kType = DataType::kInt8;
};
template <>
struct TypeOf<std::uint8_t> {
  static constexpr DataType kType = DataType::kUint8;
};
template <>
struct TypeOf<std::int32_t> {
  static constexpr DataType kType = DataType::kInt32;
};
template <>
struct TypeOf<std::int64_t> {
  static constexpr DataType kType = DataType::kInt64;
};

// A Boolean tensor's bytes.
struct Bool8 {
  std::uint8_t value;
  friend bool operator==(Bool8 a, Bool8 b) { return a.value == b.value; }
  explicit operator double() const { return value; }
};
template <>
struct TypeOf<Bool8> {
  static constexpr DataType kType = DataType::kBool;
};

// Build with input() and constant() in the operator's order, then expect().
class OpCase {
 public:
  template <class T>
  OpCase& input(const Shape& shape, const std::vector<T>& elements) {
    ids_.push_back(graph_.add_input("x" + std::to_string(ids_.size()), TypeOf<T>::kType, shape));
    std::vector<unsigned char> bytes(elements.size() * sizeof(T));
    std::memcpy(bytes.data(), elements.data(), bytes.size());
    EXPECT_EQ(shape.elements(), static_cast<std::int64_t>(elements.size()));
    data_.push_back(std::move(bytes));
    return *this;
  }
  template <class T>
  OpCase& constant(const Shape& shape, const std::vector<T>& elements) {
    Result<graph::ValueId> id = graph_.add_constant("c" + std::to_string(ids_.size()), TypeOf<T>::kType, shape,
                                                    elements.data(), elements.size() * sizeof(T));
    EXPECT_TRUE(id.ok()) << id.status().message();
    if (id.ok()) ids_.push_back(*id);
    return *this;
  }

  // The output must have `shape` and, on the reference, on the fast backend with 1 and 3 threads and on XNNPACK where
  // the build has it, elements within `relative` * |want| + `absolute` of `want` (NaN where want is NaN, equal
  // infinities). 1 and 3 threads must give the same bits.
  template <class T>
  void expect(const graph::Op& op, const Shape& shape, const std::vector<double>& want, double relative = 0,
              double absolute = 0) {
    ASSERT_EQ(shape.elements(), static_cast<std::int64_t>(want.size()));
    const Result<graph::ValueId> out = graph_.add_node("op", op, ids_);
    ASSERT_TRUE(out.ok()) << out.status().message();
    graph_.outputs.push_back(*out);
    const Result<Model> model = Model::from_graph(graph_);
    ASSERT_TRUE(model.ok()) << model.status().message();
    std::vector<T> first;
    for (const auto& [backend, threads] : {std::pair<BackendKind, int>{BackendKind::kReference, 1},
                                           {BackendKind::kCpu, 1},
                                           {BackendKind::kCpu, 3},
                                           {BackendKind::kXnnpack, 1},
                                           {BackendKind::kXnnpack, 2}}) {
      if (!backend_available(backend)) continue;
      const std::string name = backend == BackendKind::kCpu         ? "cpu"
                               : backend == BackendKind::kReference ? "reference"
                                                                    : "xnnpack";
      const std::string where = name + ", threads " + std::to_string(threads);
      SessionOptions options;
      options.backend = backend;
      options.num_threads = threads;
      Result<Session> session = Session::create(*model, options);
      ASSERT_TRUE(session.ok()) << where << ": " << session.status().message();
      for (int i = 0; i < session->input_count(); ++i) {
        const std::vector<unsigned char>& bytes = data_[static_cast<std::size_t>(i)];
        ASSERT_EQ(session->input(i).size_bytes, bytes.size());
        std::memcpy(session->input(i).data, bytes.data(), bytes.size());
      }
      ASSERT_TRUE(session->run().ok()) << where;
      const TensorView y = session->output(0);
      ASSERT_EQ(y.type, TypeOf<T>::kType);
      ASSERT_EQ(y.shape, shape) << y.shape.to_string() << ", expected " << shape.to_string();
      std::vector<T> got(want.size());
      std::memcpy(got.data(), y.data, got.size() * sizeof(T));
      for (std::size_t i = 0; i < want.size(); ++i) {
        const double value = static_cast<double>(got[i]);
        const bool same = value == want[i] || (std::isnan(value) && std::isnan(want[i]));
        ASSERT_TRUE(same || std::fabs(value - want[i]) <= relative * std::fabs(want[i]) + absolute)
            << where << ": element " << i << " of " << shape.to_string() << " is " << value << ", expected " << want[i];
      }
      if (backend != BackendKind::kCpu) continue;
      if (first.empty()) first = got;
      ASSERT_EQ(std::memcmp(first.data(), got.data(), got.size() * sizeof(T)), 0) << "the threads change the bits";
      // A second run on the same input gives the same.
      ASSERT_TRUE(session->run().ok());
      ASSERT_EQ(std::memcmp(session->output(0).data, got.data(), got.size() * sizeof(T)), 0) << "second run";
    }
  }

 private:
  graph::Graph graph_;
  std::vector<graph::ValueId> ids_;
  std::vector<std::vector<unsigned char>> data_;
};

// 0, 1, 2 … times `step` plus `start`.
template <class T>
std::vector<T> counting(const Shape& shape, double start = 1, double step = 1) {
  std::vector<T> v;
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    v.push_back(static_cast<T>(start + step * static_cast<double>(i)));
  return v;
}

// Visits every index of `shape` in order.
template <class Visit>
void for_each_index(const Shape& shape, const Visit& visit) {
  Shape index = shape;
  for (std::int64_t i = 0; i < shape.elements(); ++i) {
    std::int64_t rest = i;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    visit(index);
  }
}

// The flat position of `index` in a dense tensor of `shape`.
inline std::size_t flat(const Shape& shape, const Shape& index) {
  std::int64_t at = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) at = at * shape[axis] + index[axis];
  return static_cast<std::size_t>(at);
}

}  // namespace dotori::testing
