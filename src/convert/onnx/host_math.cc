// SPDX-License-Identifier: Apache-2.0
// Host evaluation of element-wise operators and reductions. Floats are computed in double and rounded once; integers in
// 64 bits, wrapping.
#include <algorithm>
#include <cmath>
#include <limits>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using Uint = std::uint64_t;

// Integer arithmetic in 64 bits that a hostile file cannot make undefined.
std::int64_t wrapped(Uint v) {
  return static_cast<std::int64_t>(v);
}
Uint bits(std::int64_t v) {
  return static_cast<Uint>(v);
}

std::int64_t integer_quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? wrapped(0 - bits(a)) : a / b;
}

// Remainder with the divisor's sign (Python).
std::int64_t integer_modulo(std::int64_t a, std::int64_t b) {
  if (b == 0 || b == -1) return 0;
  const std::int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : 0;
  Uint result = 1, square = bits(base);
  for (Uint e = bits(exponent); e != 0; e >>= 1) {
    if (e & 1) result *= square;
    square *= square;
  }
  return wrapped(result);
}

struct BinaryEntry {
  const char* op_type;
  bool compares;  // the result is bool
  double (*real)(double, double);
  std::int64_t (*integer)(std::int64_t, std::int64_t);
};

constexpr BinaryEntry kBinary[] = {
    {"Add", false, [](double a, double b) { return a + b; },
     [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + bits(b)); }},
    {"Sum", false, [](double a, double b) { return a + b; },
     [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + bits(b)); }},
    {"Sub", false, [](double a, double b) { return a - b; },
     [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) - bits(b)); }},
    {"Mul", false, [](double a, double b) { return a * b; },
     [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) * bits(b)); }},
    {"Div", false, [](double a, double b) { return a / b; }, integer_quotient},
    {"Pow", false, [](double a, double b) { return std::pow(a, b); }, integer_power},
    {"Min", false, [](double a, double b) { return a < b || std::isnan(a) ? a : b; },
     [](std::int64_t a, std::int64_t b) { return std::min(a, b); }},
    {"Max", false, [](double a, double b) { return a > b || std::isnan(a) ? a : b; },
     [](std::int64_t a, std::int64_t b) { return std::max(a, b); }},
    {"Equal", true, [](double a, double b) { return a == b ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a == b; }},
    {"Less", true, [](double a, double b) { return a < b ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a < b; }},
    {"LessOrEqual", true, [](double a, double b) { return a <= b ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a <= b; }},
    {"Greater", true, [](double a, double b) { return a > b ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a > b; }},
    {"GreaterOrEqual", true, [](double a, double b) { return a >= b ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a >= b; }},
    {"And", true, [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a != 0 && b != 0; }},
    {"Or", true, [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return a != 0 || b != 0; }},
    {"Xor", true, [](double a, double b) { return (a != 0) != (b != 0) ? 1.0 : 0.0; },
     [](std::int64_t a, std::int64_t b) -> std::int64_t { return (a != 0) != (b != 0); }},
};

struct UnaryEntry {
  const char* op_type;
  double (*real)(double);
  std::int64_t (*integer)(std::int64_t);  // nullptr: not for integers
};

constexpr UnaryEntry kUnary[] = {
    {"Neg", [](double a) { return -a; }, [](std::int64_t a) { return wrapped(0 - bits(a)); }},
    {"Abs", [](double a) { return std::fabs(a); }, [](std::int64_t a) { return a < 0 ? wrapped(0 - bits(a)) : a; }},
    {"Sign", [](double a) { return a > 0   ? 1.0
                                   : a < 0 ? -1.0
                                           : a; },
     [](std::int64_t a) -> std::int64_t { return (a > 0) - (a < 0); }},
    {"Not", [](double a) { return a == 0 ? 1.0 : 0.0; }, [](std::int64_t a) -> std::int64_t { return a == 0; }},
    {"Relu", [](double a) { return a < 0 ? 0.0 : a; }, [](std::int64_t a) { return std::max<std::int64_t>(a, 0); }},
    {"Floor", [](double a) { return std::floor(a); }, nullptr},
    {"Ceil", [](double a) { return std::ceil(a); }, nullptr},
    {"Round", [](double a) { return std::nearbyint(a); }, nullptr},
    {"Sqrt", [](double a) { return std::sqrt(a); }, nullptr},
    {"Reciprocal", [](double a) { return 1 / a; }, nullptr},
    {"Exp", [](double a) { return std::exp(a); }, nullptr},
    {"Log", [](double a) { return std::log(a); }, nullptr},
    {"Sin", [](double a) { return std::sin(a); }, nullptr},
    {"Cos", [](double a) { return std::cos(a); }, nullptr},
    {"Tanh", [](double a) { return std::tanh(a); }, nullptr},
    {"Sigmoid", [](double a) { return 1 / (1 + std::exp(-a)); }, nullptr},
};

// Positions of `x`'s elements under broadcasting to `dims`, for each element of `dims` in turn.
class Broadcaster {
 public:
  Broadcaster(const HostTensor& x, const Dims& dims) : dims_(dims), index_(dims.size(), 0), strides_(dims.size(), 0) {
    std::int64_t stride = 1;
    for (std::size_t k = x.dims.size(); k-- > 0;) {
      strides_[k + dims.size() - x.dims.size()] = x.dims[k] == 1 ? 0 : stride;
      stride *= x.dims[k];
    }
  }
  std::int64_t position() const { return position_; }
  void advance() {
    for (std::size_t k = dims_.size(); k-- > 0;) {
      position_ += strides_[k];
      if (++index_[k] < dims_[k]) return;
      position_ -= strides_[k] * dims_[k];
      index_[k] = 0;
    }
  }

 private:
  const Dims& dims_;
  Dims index_, strides_;
  std::int64_t position_ = 0;
};

HostTensor binary(NodeContext& ctx, const BinaryEntry& entry, const HostTensor& a, const HostTensor& b) {
  Element element = a.element;
  if (a.element != b.element) {
    // Pow alone may mix types: the base's decides.
    if (ctx.op_type() != "Pow") {
      ctx.corrupt(ctx.op_type() + " of " + element_name(a.element) + " and " + element_name(b.element));
    }
  }
  const Dims dims = broadcast_dims(a.dims, b.dims);
  if (count_of(dims) > std::max({a.count(), b.count(), kMostMadeElements})) {
    ctx.unsupported(ctx.op_type() + " makes a constant of shape " + dims_text(dims) + ": more than 2^26 elements");
  }
  HostTensor out = HostTensor::make(entry.compares ? Element::kBool : element, dims);
  const bool real = is_float(a.element) || is_float(b.element);
  Broadcaster pa(a, dims), pb(b, dims);
  for (std::int64_t i = 0, n = out.count(); i < n; ++i, pa.advance(), pb.advance()) {
    if (real) {
      out.set_real(i, entry.real(a.real(pa.position()), b.real(pb.position())));
    } else {
      out.set_integer(i, entry.integer(a.integer(pa.position()), b.integer(pb.position())));
    }
  }
  return out;
}

HostTensor unary(NodeContext& ctx, const UnaryEntry& entry, const HostTensor& x) {
  const bool real = is_float(x.element);
  if (!real && entry.integer == nullptr) ctx.corrupt(ctx.op_type() + " of " + element_name(x.element));
  HostTensor out = HostTensor::make(x.element, x.dims);
  for (std::int64_t i = 0, n = out.count(); i < n; ++i) {
    if (real) {
      out.set_real(i, entry.real(x.real(i)));
    } else {
      out.set_integer(i, entry.integer(x.integer(i)));
    }
  }
  return out;
}

HostTensor modulo(NodeContext& ctx, const HostTensor& a, const HostTensor& b) {
  const bool fmod = ctx.attr_int("fmod", 0) != 0;
  const BinaryEntry entry = {
      "Mod", false, [](double x, double y) { return std::fmod(x, y); },
      fmod ? [](std::int64_t x, std::int64_t y) { return y == 0 || y == -1 ? 0 : x % y; } : integer_modulo};
  return binary(ctx, entry, a, b);
}

enum class Reduction { kSum, kProd, kMax, kMin, kMean };

HostTensor reduce(NodeContext& ctx, Reduction reduction, const HostTensor& x) {
  const int rank = static_cast<int>(x.dims.size());
  bool nothing = false;
  const Axes axes = reduce_axes(ctx, rank, &nothing);
  const bool keep = ctx.attr_int("keepdims", 1) != 0;
  if (nothing) return x;
  Dims kept = x.dims, dims;
  for (int axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
  for (int k = 0; k < rank; ++k) {
    if (keep || std::find(axes.begin(), axes.end(), k) == axes.end()) dims.push_back(kept[static_cast<std::size_t>(k)]);
  }
  HostTensor out = HostTensor::make(x.element, kept);
  const std::int64_t n = x.count(), groups = out.count();
  if (n == 0 || groups == 0) ctx.unsupported(ctx.op_type() + " of no elements, shape " + dims_text(x.dims));
  std::vector<double> real(static_cast<std::size_t>(groups));
  std::vector<std::int64_t> integer(static_cast<std::size_t>(groups));
  std::vector<bool> seen(static_cast<std::size_t>(groups));
  Broadcaster group(out, x.dims);
  for (std::int64_t i = 0; i < n; ++i, group.advance()) {
    const auto g = static_cast<std::size_t>(group.position());
    const double r = x.real(i);
    const std::int64_t v = is_float(x.element) ? 0 : x.integer(i);
    if (!seen[g]) {
      real[g] = r;
      integer[g] = v;
      seen[g] = true;
      continue;
    }
    switch (reduction) {
      case Reduction::kSum:
      case Reduction::kMean:
        real[g] += r;
        integer[g] = wrapped(bits(integer[g]) + bits(v));
        break;
      case Reduction::kProd:
        real[g] *= r;
        integer[g] = wrapped(bits(integer[g]) * bits(v));
        break;
      case Reduction::kMax:
        real[g] = std::max(real[g], r);
        integer[g] = std::max(integer[g], v);
        break;
      case Reduction::kMin:
        real[g] = std::min(real[g], r);
        integer[g] = std::min(integer[g], v);
        break;
    }
  }
  const std::int64_t divisor = reduction == Reduction::kMean ? n / groups : 1;
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto k = static_cast<std::size_t>(g);
    if (is_float(x.element)) {
      out.set_real(g, real[k] / static_cast<double>(divisor));
    } else {
      out.set_integer(g, integer_quotient(integer[k], divisor));
    }
  }
  return out.reshaped(dims);
}

}  // namespace

bool evaluate_math(NodeContext& ctx) {
  const std::string& op = ctx.op_type();
  if (ctx.input_count() == 0) return false;
  const auto x = [&]() -> const HostTensor& { return ctx.known(0, "the input"); };
  for (const BinaryEntry& entry : kBinary) {
    if (op != entry.op_type) continue;
    const bool variadic = op == "Min" || op == "Max" || op == "Sum";
    HostTensor out = x();
    if (!variadic && ctx.input_count() != 2) ctx.corrupt(op + " has " + std::to_string(ctx.input_count()) + " inputs");
    for (int i = 1; i < ctx.input_count(); ++i) out = binary(ctx, entry, out, ctx.known(i, "inputs"));
    ctx.set_output(0, std::move(out));
    return true;
  }
  for (const UnaryEntry& entry : kUnary) {
    if (op != entry.op_type) continue;
    ctx.set_output(0, unary(ctx, entry, x()));
    return true;
  }
  if (op == "Mod") {
    ctx.set_output(0, modulo(ctx, x(), ctx.known(1, "the divisor")));
  } else if (op == "Cast") {
    ctx.set_output(0, x().cast(cast_target(ctx)));
  } else if (op == "ReduceSum") {
    ctx.set_output(0, reduce(ctx, Reduction::kSum, x()));
  } else if (op == "ReduceProd") {
    ctx.set_output(0, reduce(ctx, Reduction::kProd, x()));
  } else if (op == "ReduceMax") {
    ctx.set_output(0, reduce(ctx, Reduction::kMax, x()));
  } else if (op == "ReduceMin") {
    ctx.set_output(0, reduce(ctx, Reduction::kMin, x()));
  } else if (op == "ReduceMean") {
    ctx.set_output(0, reduce(ctx, Reduction::kMean, x()));
  } else {
    return false;
  }
  return true;
}

}  // namespace dotori::convert::onnx
