// SPDX-License-Identifier: Apache-2.0
#include "kernels/isa.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace dotori::kernels {
namespace {

#if defined(__x86_64__)
Isa x86_isa() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return kIsaNone;
  constexpr unsigned kFma = 1u << 12, kOsxsave = 1u << 27, kAvx = 1u << 28;
  if ((ecx & (kFma | kOsxsave | kAvx)) != (kFma | kOsxsave | kAvx)) return kIsaNone;
  unsigned low = 0, high = 0;
  // XCR0: the operating system saves the XMM and YMM registers (bits 1 and 2), and what AVX-512 adds (bits 5 to 7).
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kYmm = 0x06, kZmm = 0xe6;
  if ((low & kYmm) != kYmm || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return kIsaNone;
  constexpr unsigned kAvx2 = 1u << 5, kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31, kVnni = 1u << 11;
  if ((ebx & kAvx2) == 0) return kIsaNone;
#if defined(DOTORI_NO_AVX512)
  return kIsaAvx2;
#endif
  if ((low & kZmm) != kZmm || (ebx & (kF | kDq | kBw | kVl)) != (kF | kDq | kBw | kVl)) return kIsaAvx2;
  return kIsaAvx2 | kIsaAvx512 | ((ecx & kVnni) != 0 ? kIsaVnni : kIsaNone);
}
#endif

// Cortex-A34, A35, A53, A55, A510, A520: the part numbers of the main ID register of ARM's manuals.
bool executes_in_order(unsigned long part) noexcept {
  constexpr unsigned long kParts[] = {0xd02, 0xd04, 0xd03, 0xd05, 0xd46, 0xd80};
  for (unsigned long in_order : kParts)
    if (part == in_order) return true;
  return false;
}

Isa detect() noexcept {
#if defined(__x86_64__)
  return kIsaPortable | x86_isa();
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kAsimd = 1ul << 1, kAsimdDot = 1ul << 20;  // HWCAP_ASIMD, HWCAP_ASIMDDP of the Linux kernel
  const unsigned long caps = getauxval(AT_HWCAP);
  Isa isa = kIsaPortable;
  if (caps & kAsimd) isa |= kIsaNeon;
  if ((caps & kAsimd) && (caps & kAsimdDot)) isa |= kIsaNeonDot;
  if ((caps & kAsimd) && all_cores_in_order("/proc/cpuinfo")) isa |= kInOrder;
  return isa;
#else
  return kIsaPortable;
#endif
}

}  // namespace

bool all_cores_in_order(const char* cpuinfo) noexcept {
  const int file = open(cpuinfo, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4097];
  size_t kept = 0;  // bytes of a line that goes on
  bool all = true, any = false;
  for (ssize_t got; all && (got = read(file, text + kept, sizeof text - 1 - kept)) > 0;) {
    const size_t end = kept + static_cast<size_t>(got);
    text[end] = 0;
    char* line = text;
    for (char* next; all && (next = strchr(line, '\n')) != nullptr; line = next + 1) {
      *next = 0;
      const char* value = strncmp(line, "CPU part", 8) == 0 ? strchr(line, ':') : nullptr;
      if (value == nullptr) continue;
      any = true;
      all = executes_in_order(strtoul(value + 1, nullptr, 16));
    }
    kept = static_cast<size_t>(text + end - line);
    if (kept >= sizeof text - 1) kept = 0;  // no line of interest is as long
    memmove(text, line, kept);
  }
  close(file);
  return all && any;
}

Isa machine_isa() noexcept {
  static const Isa isa = detect();
  return isa;
}

Isa host_isa() noexcept {
  static const Isa isa = [] {
    Isa found = machine_isa();
    const char* cap = getenv("DOTORI_MAX_ISA");
    if (cap == nullptr) return found;
    if (strcmp(cap, "none") == 0) return kIsaNone;
    if (strcmp(cap, "neon") == 0) return found & ~kIsaNeonDot;
    if (strcmp(cap, "avx2") == 0) return found & ~(kIsaAvx512 | kIsaVnni);
    if (strcmp(cap, "avx512") == 0) return found & ~kIsaVnni;
    return found;
  }();
  return isa;
}

const char* isa_name(Isa isa) noexcept {
  if (isa & kIsaVnni) return "avx512_vnni";
  if (isa & kIsaAvx512) return "avx512";
  if (isa & kIsaAvx2) return "avx2";
  if (isa & kIsaNeonDot) return "neon_dot";
  if (isa & kIsaNeon) return "neon";
  return "none";
}

}  // namespace dotori::kernels
