// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers for tests: the same on every machine and standard library.
#pragma once

#include <cstdint>
#include <vector>

namespace dotori::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  // splitmix64 (Steele, Lea, Flood 2014).
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // In [low, high].
  int integer(int low, int high) { return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1)); }
  // In [low, high), 24 random bits.
  float uniform(float low = -1, float high = 1) {
    return low + (high - low) * (static_cast<float>(bits() >> 40) * (1.0f / 16777216.0f));
  }
  std::vector<float> floats(std::size_t n, float low = -1, float high = 1) {
    std::vector<float> v(n);
    for (float& x : v) x = uniform(low, high);
    return v;
  }

 private:
  std::uint64_t state_;
};

}  // namespace dotori::testing
