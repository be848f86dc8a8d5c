// SPDX-License-Identifier: Apache-2.0
// infer() of every operator: the shapes it gives and what it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "graph/op.h"
#include "support/random.h"

namespace dotori::graph {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

Operand f32(const Shape& shape) {
  return {{DataType::kFloat32, shape}, nullptr};
}
Operand of(DataType type, const Shape& shape) {
  return {{type, shape}, nullptr};
}

Result<TensorType> infer_op(const Op& op, const std::vector<Operand>& inputs) {
  TensorType out;
  const Status status = infer(op, inputs, Span<TensorType>(&out, 1));
  if (!status.ok()) return status;
  return out;
}
std::string shape_of(const Op& op, const std::vector<Operand>& inputs) {
  const Result<TensorType> out = infer_op(op, inputs);
  return out.ok() ? out->shape.to_string() : out.status().message();
}
bool refuses(const Op& op, const std::vector<Operand>& inputs) {
  const Result<TensorType> out = infer_op(op, inputs);
  return !out.ok() && out.status().code() == StatusCode::kInvalidArgument && !out.status().message().empty();
}

Conv2d conv(int kernel, int stride = 1, int pad = 0, int groups = 1) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = groups;
  return op;
}

TEST(Infer, Arity) {
  TensorType two[2];
  const Operand x = f32({2});
  EXPECT_FALSE(infer(Op{Unary{}}, Span<const Operand>(&x, 1), Span<TensorType>(two, 2)).ok());
  EXPECT_FALSE(infer(Op{Unary{}}, Span<const Operand>(&x, 1), {}).ok());
#define DOTORI_OP(type, file) EXPECT_TRUE(refuses(type{}, {})) << #file;
#include "graph/ops.inc"
#undef DOTORI_OP
  EXPECT_TRUE(refuses(Op{}, {x}));
}

TEST(Infer, Conv2d) {
  const Operand x = f32({2, 224, 225, 3}), w = f32({16, 3, 3, 3});
  EXPECT_EQ(shape_of(conv(3, 2, 1), {x, w}), "[2,112,113,16]");
  EXPECT_EQ(shape_of(conv(3, 2, 1), {x, w, f32({16})}), "[2,112,113,16]");
  Conv2d dilated = conv(3, 1, 2);
  dilated.dilation_h = 2;
  EXPECT_EQ(shape_of(dilated, {x, w}), "[2,224,227,16]");
  EXPECT_EQ(shape_of(conv(3, 1, 0, 4), {f32({1, 3, 3, 8}), f32({12, 3, 3, 2})}), "[1,1,1,12]");
  EXPECT_TRUE(refuses(conv(3, 2, 1), {x, w, f32({15})}));
  EXPECT_TRUE(refuses(conv(3, 2, 1), {x, w, f32({1, 16})}));
  EXPECT_TRUE(refuses(conv(5), {x, w})) << "kernel disagrees with the weights";
  EXPECT_TRUE(refuses(conv(3, 1, 0, 2), {x, w})) << "groups do not divide";
  EXPECT_TRUE(refuses(conv(3, 1, 0, 0), {x, w}));
  EXPECT_TRUE(refuses(conv(3, 1, 0, -3), {x, w}));
  EXPECT_TRUE(refuses(conv(3, 0), {x, w}));
  EXPECT_TRUE(refuses(conv(3, 4097), {x, w}));
  EXPECT_TRUE(refuses(conv(3, 1, -1), {x, w}));
  EXPECT_TRUE(refuses(conv(3, 1, 4097), {x, w}));
  EXPECT_TRUE(refuses(conv(3), {f32({1, 2, 9, 3}), w})) << "kernel larger than the input";
  EXPECT_TRUE(refuses(conv(3), {of(DataType::kInt8, {1, 9, 9, 3}), w}));
  EXPECT_TRUE(refuses(conv(3), {f32({9, 9, 3}), w}));
  Conv2d wide = conv(3);
  wide.dilation_w = INT32_MAX;
  EXPECT_TRUE(refuses(wide, {x, w}));
}

TEST(Infer, ConvTranspose2d) {
  ConvTranspose2d op;
  op.kernel_h = op.kernel_w = 3;
  op.stride_h = op.stride_w = 2;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = 1;
  const Operand x = f32({1, 5, 7, 4}), w = f32({6, 3, 3, 4});
  EXPECT_EQ(shape_of(op, {x, w}), "[1,9,13,6]");
  op.output_pad_h = op.output_pad_w = 1;
  EXPECT_EQ(shape_of(op, {x, w}), "[1,10,14,6]");
  op.pad_top = op.pad_bottom = 6;
  EXPECT_TRUE(refuses(op, {x, w})) << "nothing left";
  op.pad_top = op.pad_bottom = 0;
  op.output_pad_h = -1;
  EXPECT_TRUE(refuses(op, {x, w}));
}

TEST(Infer, FullyConnected) {
  EXPECT_EQ(shape_of(FullyConnected{}, {f32({2, 3, 8}), f32({5, 8}), f32({5})}), "[2,3,5]");
  EXPECT_EQ(shape_of(FullyConnected{}, {f32({8}), f32({5, 8})}), "[5]");
  EXPECT_TRUE(refuses(FullyConnected{}, {f32({}), f32({5, 8})}));
  EXPECT_TRUE(refuses(FullyConnected{}, {f32({7}), f32({5, 8})}));
  EXPECT_TRUE(refuses(FullyConnected{}, {f32({8}), f32({5, 8}), f32({8})}));
}

template <class Pool>
Pool pool(int kernel, int stride, int before, int after, bool ceil_mode, int dilation = 1) {
  Pool op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.dilation_h = op.dilation_w = dilation;
  op.pad_top = op.pad_left = before;
  op.pad_bottom = op.pad_right = after;
  op.ceil_mode = ceil_mode;
  return op;
}

TEST(Infer, Pools) {
  EXPECT_EQ(shape_of(pool<MaxPool2d>(3, 2, 1, 1, false), {f32({1, 112, 113, 8})}), "[1,56,57,8]");
  EXPECT_EQ(shape_of(pool<MaxPool2d>(3, 2, 0, 0, false), {f32({1, 6, 6, 1})}), "[1,2,2,1]");
  EXPECT_EQ(shape_of(pool<MaxPool2d>(3, 2, 0, 0, true), {f32({1, 6, 6, 1})}), "[1,3,3,1]");
  EXPECT_EQ(shape_of(pool<AveragePool2d>(2, 2, 0, 0, true), {f32({1, 5, 5, 1})}), "[1,3,3,1]");
  // (4 + 2 - 2) / 3 + 1 = 2.33: a third window would start at 6 = 4 + pad_top + 1, in the padding.
  EXPECT_EQ(shape_of(pool<AveragePool2d>(2, 3, 1, 1, true), {f32({1, 4, 4, 1})}), "[1,2,2,1]");
  // A stride above the kernel: the window after the last starts behind the input.
  EXPECT_EQ(shape_of(pool<MaxPool2d>(1, 4, 0, 0, true), {f32({1, 4, 4, 1})}), "[1,1,1,1]");
  EXPECT_TRUE(refuses(pool<MaxPool2d>(3, 2, 3, 0, false), {f32({1, 6, 6, 1})})) << "padding as wide as the kernel";
  EXPECT_TRUE(refuses(pool<MaxPool2d>(3, 2, 0, 3, false), {f32({1, 6, 6, 1})}));
  EXPECT_TRUE(refuses(pool<MaxPool2d>(7, 1, 0, 0, false), {f32({1, 6, 6, 1})}));
  EXPECT_TRUE(refuses(pool<MaxPool2d>(0, 1, 0, 0, false), {f32({1, 6, 6, 1})}));
  // Taps at -5 and 5 around a single pixel at 0.
  EXPECT_TRUE(refuses(pool<MaxPool2d>(2, 1, 5, 5, false, 10), {f32({1, 1, 1, 1})}));
  EXPECT_EQ(shape_of(pool<MaxPool2d>(2, 10, 10, 10, false, 10), {f32({1, 1, 1, 1})}), "[1,2,2,1]");
}

TEST(Infer, EveryPoolWindowHasAnElementAndStartsBeforeTheEnd) {
  testing::Random random(3);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const int in = random.integer(1, 9);
    MaxPool2d op = pool<MaxPool2d>(random.integer(1, 4), random.integer(1, 5), random.integer(0, 6),
                                   random.integer(0, 6), random.integer(0, 1) != 0, random.integer(1, 5));
    const Result<TensorType> out = infer_op(op, {f32({1, in, in, 1})});
    if (!out.ok()) continue;
    ++accepted;
    for (std::int64_t o = 0; o < out->shape[1]; ++o) {
      bool inside = false;
      for (int k = 0; k < op.kernel_h; ++k) {
        const std::int64_t at = o * op.stride_h - op.pad_top + k * op.dilation_h;
        inside = inside || (at >= 0 && at < in);
      }
      ASSERT_TRUE(inside) << "in " << in << " " << op_to_string(op);
      ASSERT_LT(o * op.stride_h - op.pad_top, in);
    }
  }
  EXPECT_GT(accepted, 3000);
}

TEST(Infer, Resize2d) {
  Resize2d op;
  op.out_h = 20;
  op.out_w = 15;
  const Operand x = f32({1, 10, 10, 3});
  EXPECT_EQ(shape_of(op, {x}), "[1,20,15,3]");
  op.scale_h = 2;
  op.scale_w = 1.55f;
  EXPECT_EQ(shape_of(op, {x}), "[1,20,15,3]");
  for (float bad : {kNan, kInf, -2.0f, 1e-30f, 3.0f}) {
    Resize2d wrong = op;
    wrong.scale_h = bad;
    EXPECT_TRUE(refuses(wrong, {x})) << bad;
  }
  for (int bad : {0, -1, 65537}) {
    Resize2d wrong = op;
    wrong.out_w = bad;
    EXPECT_TRUE(refuses(wrong, {x})) << bad;
  }
  op.coordinates = static_cast<CoordinateRule>(6);
  EXPECT_TRUE(refuses(op, {x}));
}

TEST(Infer, Binary) {
  EXPECT_EQ(shape_of(Binary{}, {f32({2, 1, 4}), f32({3, 1})}), "[2,3,4]");
  EXPECT_EQ(shape_of(Binary{}, {f32({}), f32({3})}), "[3]");
  EXPECT_TRUE(refuses(Binary{}, {f32({2}), f32({3})}));
  EXPECT_TRUE(refuses(Binary{}, {f32({2}), of(DataType::kInt32, {2})}));
  const Operand i = of(DataType::kInt64, {2});
  EXPECT_EQ(infer_op(Binary{}, {i, i})->type, DataType::kInt64);
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kPow, {}}), {i, i}));
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kAdd, {Function::kRelu, 0, 0}}), {i, i}));
  const Operand q = of(DataType::kInt8, {2});
  EXPECT_EQ(infer_op(Binary{}, {q, q})->type, DataType::kInt8);
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kDiv, {}}), {q, q}));
  EXPECT_EQ(infer_op(Binary{BinaryFunction::kAdd, {Function::kLeakyRelu, 0.1f, 0}}, {q, q})->type, DataType::kInt8);
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kAdd, {Function::kLeakyRelu, 1.5f, 0}}), {q, q}));
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kAdd, {Function::kSilu, 0, 0}}), {q, q}));
  EXPECT_TRUE(refuses(Binary{}, {of(DataType::kUint8, {2}), of(DataType::kUint8, {2})}));
  EXPECT_TRUE(refuses((Binary{BinaryFunction::kCount, {}}), {f32({2}), f32({2})}));
  const std::int64_t big = std::int64_t{1} << 30;
  EXPECT_TRUE(refuses(Binary{}, {f32({big, 1}), f32({1, big})})) << "broadcast beyond 2^40 elements";
}

TEST(Infer, Activations) {
  const Operand x = f32({1, 2});
  EXPECT_EQ(shape_of(Unary{{Function::kClip, 0, 6}}, {x}), "[1,2]");
  EXPECT_EQ(shape_of(Unary{{Function::kClip, -kInf, kInf}}, {x}), "[1,2]") << "no bound";
  EXPECT_TRUE(refuses((Unary{{Function::kClip, 6, 0}}), {x}));
  EXPECT_TRUE(refuses((Unary{{Function::kClip, kNan, 0}}), {x}));
  EXPECT_TRUE(refuses((Unary{{Function::kClip, 0, kNan}}), {x}));
  EXPECT_TRUE(refuses((Unary{{Function::kLeakyRelu, kInf, 0}}), {x}));
  EXPECT_TRUE(refuses((Unary{{Function::kHardSigmoid, 0.2f, kNan}}), {x}));
  EXPECT_TRUE(refuses((Unary{{Function::kCount, 0, 0}}), {x}));
  EXPECT_TRUE(refuses(Unary{}, {of(DataType::kInt32, {1})}));
  Conv2d op;
  op.activation.function = static_cast<Function>(255);
  EXPECT_TRUE(refuses(op, {f32({1, 1, 1, 1}), f32({1, 1, 1, 1})}));
}

TEST(Infer, Prelu) {
  EXPECT_EQ(shape_of(Prelu{}, {f32({1, 4, 4, 3}), f32({3})}), "[1,4,4,3]");
  EXPECT_TRUE(refuses(Prelu{}, {f32({1, 4, 4, 3}), f32({4})}));
  EXPECT_TRUE(refuses(Prelu{}, {f32({3}), f32({4, 3})})) << "the slope must not enlarge x";
}

TEST(Infer, Concat) {
  EXPECT_EQ(shape_of(Concat{1}, {f32({2, 3}), f32({2, 4}), f32({2, 1})}), "[2,8]");
  EXPECT_TRUE(refuses(Concat{2}, {f32({2, 3})}));
  EXPECT_TRUE(refuses(Concat{-1}, {f32({2, 3})}));
  EXPECT_TRUE(refuses(Concat{0}, {f32({})}));
  EXPECT_TRUE(refuses(Concat{1}, {f32({2, 3}), f32({3, 3})}));
  EXPECT_TRUE(refuses(Concat{1}, {f32({2, 3}), f32({2, 3, 1})}));
  EXPECT_TRUE(refuses(Concat{0}, {f32({2}), of(DataType::kInt32, {2})}));
  EXPECT_TRUE(refuses(Concat{0}, std::vector<Operand>(1025, f32({1}))));
  EXPECT_EQ(shape_of(Concat{0}, std::vector<Operand>(1024, f32({1}))), "[1024]");
}

TEST(Infer, Slice) {
  const Operand x = of(DataType::kUint8, {10, 4});
  EXPECT_EQ(shape_of(Slice{{1, 0}, {3, 4}, {4, 1}}, {x}), "[3,4]");
  EXPECT_EQ(shape_of(Slice{{9, 3}, {4, 2}, {-3, -3}}, {x}), "[4,2]");
  EXPECT_TRUE(refuses((Slice{{2, 0}, {3, 4}, {4, 1}}), {x})) << "reads index 10";
  EXPECT_TRUE(refuses((Slice{{8, 3}, {4, 2}, {-3, -3}}), {x})) << "reads index -1";
  EXPECT_TRUE(refuses((Slice{{0, 0}, {0, 4}, {1, 1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{0, 0}, {1, 4}, {0, 1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{10, 0}, {1, 4}, {1, 1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{0}, {1}, {1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{0, 0}, {2, 4}, {kHuge, 1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{0, 0}, {2, 4}, {-kHuge - 1, 1}}), {x}));
  EXPECT_TRUE(refuses((Slice{{0, 0}, {kHuge, 4}, {1, 1}}), {x}));
}

TEST(Infer, Pad) {
  const Operand x = f32({1, 4, 5, 2});
  EXPECT_EQ(shape_of(Pad{PadMode::kConstant, {0, 1, 2, 0}, {0, 3, 4, 0}, 0}, {x}), "[1,8,11,2]");
  EXPECT_EQ(shape_of(Pad{PadMode::kReflect, {0, 3, 4, 0}, {0, 0, 0, 0}, 0}, {x}), "[1,7,9,2]");
  EXPECT_TRUE(refuses((Pad{PadMode::kReflect, {0, 4, 0, 0}, {0, 0, 0, 0}, 0}), {x}));
  EXPECT_EQ(shape_of(Pad{PadMode::kSymmetric, {0, 4, 0, 0}, {0, 0, 0, 0}, 0}, {x}), "[1,8,5,2]");
  EXPECT_TRUE(refuses((Pad{PadMode::kSymmetric, {0, 5, 0, 0}, {0, 0, 0, 0}, 0}), {x}));
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {0, -1, 0, 0}, {0, 0, 0, 0}, 0}), {x}));
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {0, kHuge, 0, 0}, {0, kHuge, 0, 0}, 0}), {x}));
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {0, 1}, {0, 1}, 0}), {x}));
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {0, 0, 0, 0}, {0, 0, 0, 0}, kNan}), {x}));
  EXPECT_EQ(shape_of(Pad{PadMode::kConstant, {1}, {0}, -kInf}, {f32({2})}), "[3]");
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {1}, {0}, 256}), {of(DataType::kUint8, {2})}));
  EXPECT_TRUE(refuses((Pad{PadMode::kConstant, {1}, {0}, 0.5f}), {of(DataType::kInt32, {2})}));
  EXPECT_EQ(shape_of(Pad{PadMode::kConstant, {1}, {0}, 0.5f}, {of(DataType::kInt8, {2})}), "[3]");
  EXPECT_TRUE(refuses((Pad{PadMode::kCount, {1}, {0}, 0}), {f32({2})}));
}

TEST(Infer, ReshapeAndTranspose) {
  EXPECT_EQ(shape_of(Reshape{{6, 4}}, {of(DataType::kBool, {2, 3, 4})}), "[6,4]");
  EXPECT_EQ(shape_of(Reshape{{}}, {f32({1, 1})}), "[]");
  EXPECT_TRUE(refuses(Reshape{{5, 4}}, {f32({2, 3, 4})}));
  EXPECT_TRUE(refuses((Reshape{{-6, -4}}), {f32({2, 3, 4})}));
  EXPECT_TRUE(refuses((Reshape{{kHuge, kHuge}}), {f32({1})}));
  EXPECT_EQ(shape_of(Transpose{{2, 0, 1}}, {f32({2, 3, 4})}), "[4,2,3]");
  EXPECT_TRUE(refuses((Transpose{{0, 0, 1}}), {f32({2, 3, 4})}));
  EXPECT_TRUE(refuses((Transpose{{0, 1}}), {f32({2, 3, 4})}));
  EXPECT_TRUE(refuses((Transpose{{0, 1, 3}}), {f32({2, 3, 4})}));
  EXPECT_TRUE(refuses((Transpose{{0, 1, -1}}), {f32({2, 3, 4})}));
}

TEST(Infer, SoftmaxReduceArgMax) {
  EXPECT_EQ(shape_of(Softmax{1, 1}, {f32({2, 3})}), "[2,3]");
  EXPECT_TRUE(refuses((Softmax{2, 1}), {f32({2, 3})}));
  EXPECT_TRUE(refuses((Softmax{1, kInf}), {f32({2, 3})}));
  EXPECT_EQ(shape_of(Reduce{ReduceFunction::kMean, {1, 2}, true}, {f32({1, 7, 7, 9})}), "[1,1,1,9]");
  EXPECT_EQ(shape_of(Reduce{ReduceFunction::kMean, {1, 2}, false}, {f32({1, 7, 7, 9})}), "[1,9]");
  EXPECT_EQ(shape_of(Reduce{ReduceFunction::kMax, {0}, false}, {f32({4})}), "[]");
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kMean, {2, 1}, true}), {f32({1, 7, 7, 9})}));
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kMean, {1, 1}, true}), {f32({1, 7, 7, 9})}));
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kMean, {4}, true}), {f32({1, 7, 7, 9})}));
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kMean, {-1}, true}), {f32({1, 7, 7, 9})}));
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kMean, {}, true}), {f32({1})}));
  EXPECT_TRUE(refuses((Reduce{ReduceFunction::kCount, {0}, true}), {f32({1})}));
  const Result<TensorType> best = infer_op(ArgMax{3, false, false, DataType::kInt32}, {f32({1, 4, 4, 21})});
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(best->shape, (Shape{1, 4, 4}));
  EXPECT_EQ(best->type, DataType::kInt32);
  EXPECT_EQ(shape_of(ArgMax{1, true, true, DataType::kInt64}, {f32({1, 4, 5})}), "[1,1,5]");
  EXPECT_TRUE(refuses((ArgMax{3, true, false, DataType::kInt64}), {f32({1, 4, 5})}));
  EXPECT_TRUE(refuses((ArgMax{1, true, false, DataType::kFloat32}), {f32({1, 4, 5})}));
}

TEST(Infer, DepthAndSpace) {
  EXPECT_EQ(shape_of(DepthToSpace{2, false}, {f32({1, 3, 4, 12})}), "[1,6,8,3]");
  EXPECT_TRUE(refuses((DepthToSpace{2, false}), {f32({1, 3, 4, 10})}));
  EXPECT_TRUE(refuses((DepthToSpace{0, false}), {f32({1, 3, 4, 12})}));
  EXPECT_TRUE(refuses((DepthToSpace{INT32_MIN, false}), {f32({1, 3, 4, 12})}));
  EXPECT_EQ(shape_of(SpaceToDepth{2}, {f32({1, 6, 8, 3})}), "[1,3,4,12]");
  EXPECT_TRUE(refuses(SpaceToDepth{2}, {f32({1, 5, 8, 3})}));
}

TEST(Infer, CastAndGather) {
  EXPECT_EQ(infer_op(Cast{DataType::kBool}, {f32({2})})->type, DataType::kBool);
  EXPECT_TRUE(refuses(Cast{DataType::kCount}, {f32({2})}));
  const std::int32_t small[] = {0, -4, 3};
  const std::int64_t wide[] = {0, 4};
  const Operand x = f32({2, 4, 5});
  EXPECT_EQ(shape_of(Gather{1}, {x, {{DataType::kInt32, {3}}, small}}), "[2,3,5]");
  EXPECT_EQ(shape_of(Gather{1}, {x, {{DataType::kInt32, {}}, small}}), "[2,5]");
  EXPECT_EQ(shape_of(Gather{1}, {x, {{DataType::kInt32, {3, 1}}, small}}), "[2,3,1,5]");
  EXPECT_TRUE(refuses(Gather{1}, {x, {{DataType::kInt64, {2}}, wide}})) << "index 4 of 4";
  EXPECT_TRUE(refuses(Gather{0}, {x, {{DataType::kInt32, {3}}, small}})) << "index -4 of 2";
  EXPECT_TRUE(refuses(Gather{3}, {x, {{DataType::kInt32, {1}}, small}}));
  EXPECT_TRUE(refuses(Gather{1}, {x, f32({3})}));
  EXPECT_TRUE(refuses(Gather{1}, {x, {{DataType::kInt32, {1, 1, 1, 1, 1}}, small}})) << "rank 7";
  EXPECT_EQ(infer_op(Gather{1}, {x, of(DataType::kInt32, {3})}).status().code(), StatusCode::kUnsupported);
}

// Values from ONNX's reference: resize positions for 4 -> 8 and friends.
TEST(Resize, SourcePositions) {
  using R = CoordinateRule;
  EXPECT_FLOAT_EQ(resize_source_position(R::kHalfPixel, 0, 4, 8, 0), -0.25f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kHalfPixel, 0, 4, 8, 7), 3.25f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kHalfPixel, 0.6f, 4, 2, 1), 2.0f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kPytorchHalfPixel, 0, 4, 1, 0), 0.0f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kHalfPixel, 0, 4, 1, 0), 1.5f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kPytorchHalfPixel, 0, 4, 2, 1), 2.5f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kAlignCorners, 0, 4, 7, 6), 3.0f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kAlignCorners, 0, 4, 7, 1), 0.5f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kAlignCorners, 0, 4, 1, 0), 0.0f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kAsymmetric, 0, 4, 8, 3), 1.5f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kTfHalfPixelForNn, 0, 4, 8, 3), 1.75f);
  // 0.6 * 4 = 2.4 pixels, rounded to 2: centre 2, adjustment 2 / 2.4, offset 2 * (1 - 0.8333).
  EXPECT_NEAR(resize_source_position(R::kHalfPixelSymmetric, 0.6f, 4, 2, 0), 0.3333333f + 0.8333333f - 0.5f, 1e-6f);
  EXPECT_FLOAT_EQ(resize_source_position(R::kHalfPixelSymmetric, 2, 4, 8, 5),
                  resize_source_position(R::kHalfPixel, 2, 4, 8, 5));
}

TEST(Resize, NearestIndex) {
  using N = NearestRule;
  EXPECT_EQ(resize_nearest_index(N::kRoundPreferFloor, 1.5f, 4), 1);
  EXPECT_EQ(resize_nearest_index(N::kRoundPreferCeil, 1.5f, 4), 2);
  EXPECT_EQ(resize_nearest_index(N::kRoundPreferFloor, 1.6f, 4), 2);
  EXPECT_EQ(resize_nearest_index(N::kFloor, 1.9f, 4), 1);
  EXPECT_EQ(resize_nearest_index(N::kCeil, 1.1f, 4), 2);
  EXPECT_EQ(resize_nearest_index(N::kRoundPreferCeil, 0.49999997f, 4), 0);
  EXPECT_EQ(resize_nearest_index(N::kRoundPreferFloor, 0.49999997f, 4), 0);
  for (int r = 0; r < static_cast<int>(N::kCount); ++r) {
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), -3.5f, 4), 0);
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), 7.5f, 4), 3);
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), kInf, 4), 3);
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), -kInf, 4), 0);
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), kNan, 4), 0);
    EXPECT_EQ(resize_nearest_index(static_cast<N>(r), 2.0f, 4), 2);
  }
}

}  // namespace
}  // namespace dotori::graph
