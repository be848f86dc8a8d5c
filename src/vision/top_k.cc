// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include <dotori/vision.h>

namespace dotori::vision {

Result<std::vector<ClassScore>> top_k(const TensorView& scores, int k, bool apply_softmax) {
  if (k < 1) return invalid_argument("k must be at least 1, found " + std::to_string(k));
  const std::string found = data_type_name(scores.type) + scores.shape.to_string();
  std::int64_t classes = 1;
  for (std::int64_t d : scores.shape) {
    if (d < 1 || (d > 1 && classes > 1))
      return invalid_argument("class scores must be one row of numbers, found " + found);
    classes *= d;
  }
  constexpr std::int64_t kMaxClasses = 1 << 24;
  if (classes > kMaxClasses) return invalid_argument("too many classes: " + found);
  auto real = dequantize(scores);
  if (!real.ok()) return real.status().with_context("class scores");
  const std::vector<float>& values = *real;

  std::vector<ClassScore> all;
  all.reserve(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < classes; ++i)
    if (std::isfinite(values[static_cast<std::size_t>(i)]))
      all.push_back({static_cast<int>(i), values[static_cast<std::size_t>(i)]});

  const std::size_t count = std::min(all.size(), static_cast<std::size_t>(k));
  const auto better = [](const ClassScore& a, const ClassScore& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  };
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), better);
  if (apply_softmax && !all.empty()) {
    const double largest = all[0].score;
    double sum = 0;
    for (const ClassScore& c : all) sum += std::exp(c.score - largest);
    for (std::size_t i = 0; i < count; ++i) all[i].score = static_cast<float>(std::exp(all[i].score - largest) / sum);
  }
  all.resize(count);
  return all;
}

}  // namespace dotori::vision
