// SPDX-License-Identifier: Apache-2.0
#include "graph/quantization_report.h"

namespace dotori::graph {

const char* range_method_name(RangeMethod method) noexcept {
  switch (method) {
    case RangeMethod::kNone: return "none";
    case RangeMethod::kFixed: return "fixed";
    case RangeMethod::kMinMax: return "min-max";
    case RangeMethod::kAverage: return "average";
    case RangeMethod::kPercentile: return "percentile";
    case RangeMethod::kEntropy: return "entropy";
    case RangeMethod::kMse: return "mse";
    case RangeMethod::kShared: return "shared";
    default: return "unknown";
  }
}

}  // namespace dotori::graph
