// SPDX-License-Identifier: Apache-2.0
#include "backends/cores.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

namespace dotori::backends {
namespace {

// The system calls themselves: the C libraries' wrappers differ in the size of their sets.
bool get_cores(CoreSet& cores) noexcept {
  cores = CoreSet();
  return syscall(SYS_sched_getaffinity, 0, sizeof(CoreSet), cores.words()) > 0;
}

// 0 or the error.
int set_cores(const CoreSet& cores) noexcept {
  return syscall(SYS_sched_setaffinity, 0, sizeof(CoreSet), cores.words()) == 0 ? 0 : errno;
}

CoreSet every_core() noexcept {
  CoreSet cores;
  for (int i = 0; i < CoreSet::kMost / 64; ++i) cores.words()[i] = ~std::uint64_t{0};
  return cores;
}

// The number a file holds, which is above 0; 0 when there is none. A line end may follow, nothing else.
std::int64_t read_number(const char* path) noexcept {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[32];
  const ssize_t size = read(file, text, sizeof text);
  close(file);
  std::int64_t number = 0;
  ssize_t i = 0;
  for (; i < size && text[i] >= '0' && text[i] <= '9' && number < kMost; ++i) number = 10 * number + (text[i] - '0');
  if (i < size && text[i] == '\n') ++i;
  return i == size ? number : 0;
}

// The cores of the least number in the file `name` of each core. Empty unless all of `allowed` have one.
CoreSet cores_of_least(const CoreSet& allowed, const char* root, const char* name) noexcept {
  CoreSet least;
  std::int64_t least_number = 0;
  for (int core = 0; core < CoreSet::kMost; ++core) {
    if (!allowed.has(core)) continue;
    char path[512];
    const int length = std::snprintf(path, sizeof path, "%s/cpu%d/%s", root, core, name);
    const std::int64_t number = length > 0 && length < static_cast<int>(sizeof path) ? read_number(path) : 0;
    if (number <= 0) return CoreSet();
    if (least_number == 0 || number < least_number) {
      least = CoreSet();
      least_number = number;
    }
    if (number == least_number) least.add(core);
  }
  return least;
}

}  // namespace

CoreSet CoreSet::of_mask(std::uint64_t mask) noexcept {
  CoreSet cores;
  cores.words_[0] = mask;
  return cores;
}

int CoreSet::count() const noexcept {
  int n = 0;
  // Not __builtin_popcountll, which is a function of libgcc on an x86-64 without the instruction.
  for (std::uint64_t word : words_)
    for (; word != 0; word &= word - 1) ++n;
  return n;
}

bool CoreSet::contains(const CoreSet& other) const noexcept {
  for (int i = 0; i < kMost / 64; ++i)
    if ((other.words_[i] & ~words_[i]) != 0) return false;
  return true;
}

CoreSet CoreSet::without(const CoreSet& other) const noexcept {
  CoreSet cores = *this;
  for (int i = 0; i < kMost / 64; ++i) cores.words_[i] &= ~other.words_[i];
  return cores;
}

std::string CoreSet::text() const {
  std::string text;
  for (int first = 0; first < kMost; ++first) {
    if (!has(first)) continue;
    int last = first;
    while (last + 1 < kMost && has(last + 1)) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last > first) text += "-" + std::to_string(last);
    first = last;
  }
  return text.empty() ? "none" : text;
}

CoreSet allowed_cores() noexcept {
  CoreSet cores;
  return get_cores(cores) ? cores : CoreSet();
}

CoreSet cores_of_class(CoreClass wanted, const CoreSet& allowed, const char* root) noexcept {
  if (wanted == CoreClass::kAll) return allowed;
  CoreSet little = cores_of_least(allowed, root, "cpu_capacity");
  if (little.empty()) little = cores_of_least(allowed, root, "cpufreq/cpuinfo_max_freq");
  if (little.empty() || little == allowed) return allowed;
  return wanted == CoreClass::kLittle ? little : allowed.without(little);
}

Result<CoreSet> choose_cores(CoreClass wanted, std::uint64_t mask, const CoreSet& allowed, const char* root) {
  if (wanted != CoreClass::kAll && wanted != CoreClass::kBig && wanted != CoreClass::kLittle)
    return invalid_argument("cores is " + std::to_string(static_cast<int>(wanted)) +
                            ", expected kAll, kBig or kLittle");
  if (mask == 0 && wanted == CoreClass::kAll) return CoreSet();
  if (allowed.empty()) return unsupported("the system does not say which cores this process may use");
  if (mask == 0) return cores_of_class(wanted, allowed, root);
  const CoreSet cores = CoreSet::of_mask(mask), missing = cores.without(allowed);
  if (missing.empty()) return cores;
  return invalid_argument("core_mask: core" + std::string(missing.count() == 1 ? " " : "s ") + missing.text() +
                          (missing.count() == 1 ? " does" : " do") +
                          " not exist or may not be used here; expected some of " + allowed.text());
}

CoreVisit::CoreVisit(const CoreSet& cores) noexcept {
  if (cores.empty()) return;
  if (!get_cores(before_)) {
    error_ = errno;
    return;
  }
  if (cores.contains(before_)) return;
  const CoreSet every = every_core();
  CoreSet widest;
  if (set_cores(every) == 0 && get_cores(widest) && widest == before_) before_ = every;
  error_ = set_cores(cores);
  moved_ = true;
  if (error_ == 0) return;
  set_cores(before_);
  moved_ = false;
}

CoreVisit::~CoreVisit() {
  if (moved_) set_cores(before_);
}

Status refused_cores(const CoreSet& cores, int error) {
  const std::string why = error == EPERM    ? "EPERM, not permitted"
                          : error == EINVAL ? "EINVAL, none of them can be used"
                          : error == ENOSYS ? "ENOSYS, it has no such call"
                                            : "error " + std::to_string(error);
  return unsupported("the system refuses to run this session on cores " + cores.text() + " (" + why + ")");
}

}  // namespace dotori::backends

namespace dotori {

std::uint64_t core_mask(CoreClass cores) noexcept {
  return backends::cores_of_class(cores, backends::allowed_cores(), backends::kSystemCores).mask();
}

}  // namespace dotori
