// SPDX-License-Identifier: Apache-2.0
// The int8 operators that reduce, move and convert elements: bytes by the stated arithmetic, on every backend.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "ops/int8_rule.h"
#include "ops/op_case.h"
#include "ops/quantized_graph.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::ValueId;

// ---------------------------------------------------------------- reduce, arg_max

void check_reduce(graph::ReduceFunction f, const Shape& shape, const Shape& axes, bool keep_dims) {
  SCOPED_TRACE(std::string(graph::reduce_function_name(f)) + " " + shape.to_string() + " axes " + axes.to_string());
  const Bytes x = inputs_for(shape, 9);
  const Quantization in = per_tensor(0.05f, -11);
  const Quantization out = per_tensor(f == graph::ReduceFunction::kSum ? 2.3f : 0.03f, 17);
  graph::Reduce op;
  op.function = f;
  op.axes = axes;
  op.keep_dims = keep_dims;
  graph::Graph g;
  const ValueId id = add_quantized_input(g, "x", shape, in);
  add_quantized_output(g, op, {id}, out);
  const Bytes y = run_quantized(g, {x});

  Shape kept = shape;
  std::int64_t count = 1;
  for (std::int64_t axis : axes) {
    kept[static_cast<int>(axis)] = 1;
    count *= shape[static_cast<int>(axis)];
  }
  std::vector<std::vector<int>> groups(static_cast<std::size_t>(kept.elements()));
  for_each_index(shape, [&](const Shape& index) {
    Shape at = index;
    for (std::int64_t axis : axes) at[static_cast<int>(axis)] = 0;
    groups[flat(kept, at)].push_back(x[flat(shape, index)] + 11);
  });
  Bytes want;
  for (const std::vector<int>& group : groups) {
    int acc = 0;
    for (int d : group) acc += d;
    if (f == graph::ReduceFunction::kMax) acc = *std::max_element(group.begin(), group.end());
    if (f == graph::ReduceFunction::kMin) acc = *std::min_element(group.begin(), group.end());
    const double divisor = f == graph::ReduceFunction::kMean ? static_cast<double>(count) : 1;
    want.push_back(to_byte(static_cast<float>(acc) * rounded(scale_of(in) / (scale_of(out) * divisor)), out));
  }
  EXPECT_EQ(y, want);
}

TEST(ReduceS8Op, EveryFunctionOverEveryAxes) {
  for (int i = 0; i < static_cast<int>(graph::ReduceFunction::kCount); ++i) {
    const auto f = static_cast<graph::ReduceFunction>(i);
    check_reduce(f, {2, 7, 7, 75}, {1, 2}, true);
    check_reduce(f, {2, 7, 7, 75}, {1, 2}, false);
    check_reduce(f, {1, 7, 7, 200}, {1, 2}, false);
    check_reduce(f, {2, 3, 4, 37}, {3}, true);
    check_reduce(f, {2, 3, 4, 5}, {0, 2}, true);
    check_reduce(f, {2, 3, 4, 5}, {1, 3}, false);
    check_reduce(f, {2, 3, 4, 5}, {0, 1, 2, 3}, true);
    check_reduce(f, {3, 1, 1, 9}, {1, 2}, true);
  }
}

TEST(ReduceS8Op, ManyTiles) {
  check_reduce(graph::ReduceFunction::kMean, {1, 40, 40, 130}, {1, 2}, true);
  check_reduce(graph::ReduceFunction::kMean, {300, 177}, {1}, true);
}

TEST(ArgMaxS8Op, BothIndexTypes) {
  const Shape shape = {1, 40, 35, 21};
  const Bytes x = inputs_for(shape, 10);
  for (int axis : {1, 3})
    for (bool last : {false, true})
      for (DataType type : {DataType::kInt32, DataType::kInt64}) {
        graph::ArgMax op;
        op.axis = axis;
        op.select_last = last;
        op.output_type = type;
        graph::Graph g;
        const ValueId id = add_quantized_input(g, "x", shape, per_tensor(0.1f, 3));
        const Result<ValueId> out = g.add_node("node", op, {id});
        ASSERT_TRUE(out.ok()) << out.status().message();
        g.outputs = {*out};
        const Bytes bytes = run_quantized(g, {x});
        Shape kept = shape;
        kept[axis] = 1;
        const std::size_t size = data_type_bytes(type);
        ASSERT_EQ(bytes.size(), static_cast<std::size_t>(kept.elements()) * size);
        for_each_index(kept, [&](const Shape& index) {
          Shape at = index;
          std::int64_t best = 0;
          int most = -129;
          for (at[axis] = 0; at[axis] < shape[axis]; ++at[axis]) {
            const int q = x[flat(shape, at)];
            if (q > most || (last && q == most)) most = q, best = at[axis];
          }
          std::int64_t got = 0;  // little-endian: the low bytes first
          std::memcpy(&got, bytes.data() + flat(kept, index) * size, size);
          ASSERT_EQ(got, best);
        });
      }
}

// ---------------------------------------------------------------- concat, pad, moves

void check_concat(const Shape& out_shape, int axis, const std::vector<std::int64_t>& sizes, bool same) {
  SCOPED_TRACE(out_shape.to_string() + " axis " + std::to_string(axis));
  const Quantization out = per_tensor(0.05f, -12);
  graph::Graph g;
  std::vector<ValueId> ids;
  std::vector<Bytes> parts;
  std::vector<Quantization> quantizations;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = out_shape;
    shape[axis] = sizes[i];
    // Every second part has the output's quantisation.
    quantizations.push_back(same || i % 2 == 1 ? out : per_tensor(0.02f + 0.06f * static_cast<float>(i), 7));
    ids.push_back(add_quantized_input(g, "x" + std::to_string(i), shape, quantizations.back()));
    parts.push_back(inputs_for(shape, 20 + i));
  }
  graph::Concat op;
  op.axis = axis;
  add_quantized_output(g, op, ids, out);
  const Bytes y = run_quantized(g, parts);
  Bytes want;
  for_each_index(out_shape, [&](const Shape& index) {
    Shape at = index;
    std::size_t part = 0;
    for (; at[axis] >= sizes[part]; ++part) at[axis] -= sizes[part];
    Shape shape = out_shape;
    shape[axis] = sizes[part];
    const std::int8_t q = parts[part][flat(shape, at)];
    const Quantization& in = quantizations[part];
    if (in == out) return want.push_back(q);
    want.push_back(to_byte(static_cast<float>(q - in.zero_points[0]) * rounded(scale_of(in) / scale_of(out)), out));
  });
  EXPECT_EQ(y, want);
}

TEST(ConcatS8Op, PartsOfAnotherQuantisation) {
  for (bool same : {false, true}) {
    check_concat({1, 6, 7, 100}, 3, {32, 3, 65}, same);
    check_concat({2, 3, 4, 6}, 0, {1, 1}, same);
    check_concat({2, 9, 4, 6}, 1, {4, 5}, same);
    check_concat({5}, 0, {5}, same);
    check_concat({1, 40, 40, 48}, 3, {16, 32}, same);
    check_concat({1, 30, 40, 48}, 1, {11, 19}, same);  // a row of several tiles
  }
}

TEST(PadS8Op, FillsWithTheQuantisedValue) {
  const Shape shape = {1, 3, 4, 5};
  const Bytes x = inputs_for(shape, 11);
  const Quantization q = per_tensor(0.25f, -20);
  for (const auto& [value, fill] :
       {std::pair<float, int>{0, -20}, {1.125f, -16}, {1.375f, -14}, {1e9f, 127}, {-1e9f, -128}}) {
    graph::Pad op;
    op.before = {0, 1, 2, 0};
    op.after = {0, 0, 1, 3};
    op.value = value;
    graph::Graph g;
    const ValueId id = add_quantized_input(g, "x", shape, q);
    add_quantized_output(g, op, {id}, q);
    const Bytes y = run_quantized(g, {x});
    const Shape out = {1, 4, 7, 8};
    Bytes want;
    for_each_index(out, [&](const Shape& index) {
      const Shape at = {0, index[1] - 1, index[2] - 2, index[3]};
      const bool inside = at[1] >= 0 && at[2] >= 0 && at[2] < 4 && at[3] < 5;
      want.push_back(inside ? x[flat(shape, at)] : static_cast<std::int8_t>(fill));
    });
    EXPECT_EQ(y, want) << value;
  }
}

TEST(MovesS8Op, OneByteElements) {
  const Shape shape = {1, 4, 6, 8};
  const Bytes x = inputs_for(shape, 12);
  const Quantization q = per_tensor(0.25f, -20);
  const auto check = [&](const graph::Op& op, const Shape& out, const std::function<Shape(const Shape&)>& source) {
    SCOPED_TRACE(graph::op_name(op));
    graph::Graph g;
    std::vector<ValueId> ids = {add_quantized_input(g, "x", shape, q)};
    if (std::holds_alternative<graph::Gather>(op)) {
      const std::int64_t indices[] = {7, 0, -2};
      Result<ValueId> constant = g.add_constant("indices", DataType::kInt64, {3}, indices, sizeof indices);
      ASSERT_TRUE(constant.ok());
      ids.push_back(*constant);
    }
    add_quantized_output(g, op, ids, q);
    const Bytes y = run_quantized(g, {x});
    Bytes want;
    for_each_index(out, [&](const Shape& index) { want.push_back(x[flat(shape, source(index))]); });
    EXPECT_EQ(y, want);
  };
  graph::Transpose transpose;
  transpose.perm = {0, 3, 1, 2};
  check(transpose, {1, 8, 4, 6}, [](const Shape& i) { return Shape{i[0], i[2], i[3], i[1]}; });
  graph::Slice slice;
  slice.begin = {0, 1, 0, 2};
  slice.size = {1, 2, 3, 5};
  slice.stride = {1, 1, 2, 1};
  check(slice, {1, 2, 3, 5}, [](const Shape& i) { return Shape{0, i[1] + 1, i[2] * 2, i[3] + 2}; });
  graph::Gather gather;
  gather.axis = 3;
  check(gather, {1, 4, 6, 3}, [](const Shape& i) {
    const std::int64_t picked[] = {7, 0, 6};
    return Shape{0, i[1], i[2], picked[i[3]]};
  });
  graph::DepthToSpace depth_to_space;
  depth_to_space.block = 2;
  check(depth_to_space, {1, 8, 12, 2}, [](const Shape& i) {
    return Shape{0, i[1] / 2, i[2] / 2, (i[1] % 2 * 2 + i[2] % 2) * 2 + i[3]};
  });
  graph::SpaceToDepth space_to_depth;
  space_to_depth.block = 2;
  check(space_to_depth, {1, 2, 3, 32}, [](const Shape& i) {
    return Shape{0, i[1] * 2 + i[3] / 16, i[2] * 2 + i[3] / 8 % 2, i[3] % 8};
  });
  graph::Reshape reshape;
  reshape.shape = {24, 8};
  check(reshape, {24, 8}, [](const Shape& i) { return Shape{0, i[0] / 6, i[0] % 6, i[1]}; });
}

// ---------------------------------------------------------------- quantize, dequantize

template <class T>
Bytes as_bytes(const std::vector<T>& v) {
  Bytes bytes(v.size() * sizeof(T));
  std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

TEST(QuantizeOp, FromFloat) {
  const Shape shape = {1, 50, 40, 11};
  Random random(13);
  std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()), -20, 20);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  x[4] = std::numeric_limits<float>::infinity();
  x[5] = 0.375f;
  for (DataType type : {DataType::kInt8, DataType::kUint8}) {
    const int shift = type == DataType::kUint8 ? 128 : 0;
    const Quantization q = per_tensor(0.125f, -17 + shift);
    graph::Quantize op;
    op.type = type;
    graph::Graph g;
    const ValueId id = g.add_input("x", DataType::kFloat32, shape);
    add_quantized_output(g, op, {id}, q);
    const Bytes y = run_quantized(g, {as_bytes(x)});
    ASSERT_EQ(y.size(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const int got = shift == 0 ? int{y[i]} : int{static_cast<std::uint8_t>(y[i])};
      double want = q.zero_points[0];
      if (x[i] == x[i]) want += std::nearbyint(static_cast<double>(x[i] / 0.125f));
      ASSERT_EQ(got, std::fmin(std::fmax(want, shift - 128), shift + 127)) << x[i];
    }
  }
}

TEST(QuantizeOp, BetweenByteTypesAndScales) {
  const Shape shape = {1, 50, 40, 11};
  const Bytes x = inputs_for(shape, 14);
  for (DataType from : {DataType::kInt8, DataType::kUint8})
    for (DataType to : {DataType::kInt8, DataType::kUint8})
      for (float factor : {1.0f, 1.7f}) {
        const int in_shift = from == DataType::kUint8 ? 128 : 0, out_shift = to == DataType::kUint8 ? 128 : 0;
        const Quantization in = per_tensor(0.05f, -17 + in_shift), out = per_tensor(0.05f * factor, -17 + out_shift);
        graph::Quantize op;
        op.type = to;
        graph::Graph g;
        const ValueId id = g.add_input("x", from, shape);
        g.value(id).quantization = in;
        add_quantized_output(g, op, {id}, out);
        const Bytes y = run_quantized(g, {x});
        ASSERT_EQ(y.size(), x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
          const int q = from == DataType::kUint8 ? int{static_cast<std::uint8_t>(x[i])} : int{x[i]};
          const int got = to == DataType::kUint8 ? int{static_cast<std::uint8_t>(y[i])} : int{y[i]};
          const float v = static_cast<float>(q - in.zero_points[0]) * rounded(scale_of(in) / scale_of(out));
          const double want = std::nearbyint(static_cast<double>(v)) + out.zero_points[0];
          ASSERT_EQ(got, std::fmin(std::fmax(want, out_shift - 128), out_shift + 127));
        }
      }
}

TEST(DequantizeOp, BothByteTypes) {
  const Shape shape = {1, 50, 40, 11};
  const Bytes x = inputs_for(shape, 15);
  for (DataType type : {DataType::kInt8, DataType::kUint8}) {
    const int zero_point = type == DataType::kUint8 ? 140 : -7;
    graph::Graph g;
    const ValueId id = g.add_input("x", type, shape);
    g.value(id).quantization = per_tensor(0.037f, zero_point);
    const Result<ValueId> out = g.add_node("node", graph::Dequantize{}, {id});
    ASSERT_TRUE(out.ok()) << out.status().message();
    g.outputs = {*out};
    const Bytes bytes = run_quantized(g, {x});
    ASSERT_EQ(bytes.size(), x.size() * sizeof(float));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const int q = type == DataType::kUint8 ? int{static_cast<std::uint8_t>(x[i])} : int{x[i]};
      float got = 0;
      std::memcpy(&got, bytes.data() + i * sizeof(float), sizeof(float));
      ASSERT_EQ(got, static_cast<float>(q - zero_point) * 0.037f);
    }
  }
}

}  // namespace
}  // namespace dotori::testing
