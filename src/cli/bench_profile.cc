// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_profile.h"

#include <cstdio>

#include "cli/core_peak.h"

namespace dotori::cli {

void print_profile(const Profile& profile, int threads) {
  double total = 0;
  for (const NodeProfile& n : profile.nodes) total += n.min_ms;
  const double peak = measure_core_peak() * threads;
  if (peak > 0)
    std::printf("\npeak of %d core%s: %.1f float32 GMAC/s (int8 kernels and winograd can exceed it)\n", threads,
                threads == 1 ? "" : "s", peak);
  std::printf("\n%8s %6s %9s %6s  %-18s %-34s %s\n", "ms", "share", "GMAC/s", "peak", "operator", "kernel", "layer");
  for (const NodeProfile& n : profile.nodes) {
    const double speed = n.min_ms > 0 ? static_cast<double>(n.macs) * 1e-6 / n.min_ms : 0;
    std::printf("%8.3f %5.1f%% %9.1f %5.0f%%  %-18s %-34s %s\n", n.min_ms, total > 0 ? 100 * n.min_ms / total : 0,
                speed, peak > 0 ? 100 * speed / peak : 0, n.op.c_str(), n.kernel.c_str(), n.name.c_str());
    if (!n.others.empty()) std::printf("%*s%s\n", 34, "", n.others.c_str());
  }
}

}  // namespace dotori::cli
