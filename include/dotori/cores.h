// SPDX-License-Identifier: Apache-2.0
// Which cores of a machine with large and small ones a session runs on; see SessionOptions.
#pragma once

#include <cstdint>

namespace dotori {

// Cores differ by what the system says of them: cpu_capacity, or else cpufreq/cpuinfo_max_freq, of each core in
// /sys/devices/system/cpu. Where that is the same for all, or not known of one, each class is all cores.
enum class CoreClass : std::uint8_t {
  kAll,     // every core
  kBig,     // all but the little ones
  kLittle,  // those of the least capacity
};

// The cores of a class among those the calling thread may use now (sched_getaffinity): bit i is CPU i. A mask speaks of
// the first 64 CPUs. 0 where the system does not tell. Any thread; reads small files of sysfs unless the class is kAll.
std::uint64_t core_mask(CoreClass cores) noexcept;

}  // namespace dotori
