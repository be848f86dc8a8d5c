// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <dotori/vision.h>

namespace dotori::vision {
namespace {

// Neighbouring pixels of one class in one row. Work and memory grow with these, not with the pixels.
struct Run {
  int y = 0, x0 = 0, x1 = 0;  // x1 exclusive
  int class_index = 0;
  std::size_t parent = 0;  // a run of the same region with a lower or the same index
  // Pixels with one of the same class above, to the upper left, to the upper right.
  std::int64_t above = 0, above_left = 0, above_right = 0;
};

// Pixels that two runs have in common once the upper one is moved by `shift`.
std::int64_t overlap(const Run& upper, const Run& lower, int shift) {
  return std::max(0, std::min(upper.x1 + shift, lower.x1) - std::max(upper.x0 + shift, lower.x0));
}

std::size_t find_root(std::vector<Run>& runs, std::size_t i) {
  while (runs[i].parent != i) {
    runs[i].parent = runs[runs[i].parent].parent;
    i = runs[i].parent;
  }
  return i;
}

// The lower index becomes the root, so roots are the regions' first runs in scan order.
void join(std::vector<Run>& runs, std::size_t a, std::size_t b) {
  a = find_root(runs, a);
  b = find_root(runs, b);
  runs[std::max(a, b)].parent = std::min(a, b);
}

std::vector<Run> find_runs(const Mask& mask) {
  std::vector<Run> runs;
  std::size_t above_begin = 0, above_end = 0;
  for (int y = 0; y < mask.height; ++y) {
    const std::uint8_t* row = mask.classes.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width);
    const std::size_t row_begin = runs.size();
    std::size_t above = above_begin;
    for (int x0 = 0, x1 = 0; x0 < mask.width; x0 = x1) {
      while (x1 < mask.width && row[x1] == row[x0]) ++x1;
      if (row[x0] == 0) continue;
      const std::size_t self = runs.size();
      Run run;
      run.y = y;
      run.x0 = x0;
      run.x1 = x1;
      run.class_index = row[x0];
      run.parent = self;
      runs.push_back(run);
      // With diagonals: a run above that ends at x0 or begins at x1 touches.
      while (above < above_end && runs[above].x1 < x0) ++above;
      for (std::size_t i = above; i < above_end && runs[i].x0 <= x1; ++i) {
        if (runs[i].class_index != row[x0]) continue;
        runs[self].above += overlap(runs[i], runs[self], 0);
        runs[self].above_left += overlap(runs[i], runs[self], 1);
        runs[self].above_right += overlap(runs[i], runs[self], -1);
        join(runs, i, self);
      }
    }
    above_begin = row_begin;
    above_end = runs.size();
  }
  return runs;
}

struct Sums {
  Region region;
  double x = 0, y = 0;
  // Of all its runs; how many, and the pixels with a neighbour in each direction.
  std::int64_t runs = 0, above = 0, above_left = 0, above_right = 0;
};

// Each pixel takes two steps in a direction, one to either side; those that stay inside are counted from both ends.
float perimeter_of(const Sums& sums) {
  constexpr double kPi = 3.14159265358979323846;
  const double pixels = static_cast<double>(sums.region.pixels);
  const auto steps = [&](std::int64_t inside) { return 2 * (pixels - static_cast<double>(inside)); };
  const double straight = 2 * static_cast<double>(sums.runs) + steps(sums.above);
  const double diagonal = steps(sums.above_left) + steps(sums.above_right);
  return static_cast<float>(kPi / 8 * (straight + diagonal / std::sqrt(2.0)));
}

}  // namespace

std::vector<Region> connected_regions(const Mask& mask, std::int64_t min_pixels) {
  if (!mask.valid()) return {};
  std::vector<Run> runs = find_runs(mask);
  std::vector<Sums> found;
  std::vector<std::size_t> number(runs.size());  // index in `found`, for roots
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    const std::size_t root = find_root(runs, i);
    if (root == i) {
      number[i] = found.size();
      found.emplace_back();
      Region& first = found.back().region;
      first.class_index = run.class_index;
      first.x0 = run.x0;
      first.y0 = run.y;
      first.x1 = run.x1;
      first.first_x = run.x0;
      first.first_y = run.y;
    }
    Sums& sums = found[number[root]];
    Region& region = sums.region;
    const int pixels = run.x1 - run.x0;
    region.pixels += pixels;
    region.x0 = std::min(region.x0, run.x0);
    region.x1 = std::max(region.x1, run.x1);
    region.y1 = run.y + 1;
    sums.x += 0.5 * (static_cast<double>(run.x0) + run.x1) * pixels;
    sums.y += (run.y + 0.5) * pixels;
    ++sums.runs;
    sums.above += run.above;
    sums.above_left += run.above_left;
    sums.above_right += run.above_right;
  }

  std::vector<Region> regions;
  for (Sums& sums : found) {
    Region& region = sums.region;
    if (region.pixels < min_pixels) continue;
    const double pixels = static_cast<double>(region.pixels);
    region.centre_x = static_cast<float>(sums.x / pixels);
    region.centre_y = static_cast<float>(sums.y / pixels);
    region.equivalent_diameter = static_cast<float>(std::sqrt(4 * pixels / 3.14159265358979323846));
    region.perimeter = perimeter_of(sums);
    const double full = 4 * 3.14159265358979323846 * pixels;
    region.circularity =
        static_cast<float>(std::min(1.0, full / (static_cast<double>(region.perimeter) * region.perimeter)));
    regions.push_back(region);
  }
  std::stable_sort(regions.begin(), regions.end(),
                   [](const Region& a, const Region& b) { return a.pixels > b.pixels; });
  return regions;
}

}  // namespace dotori::vision
