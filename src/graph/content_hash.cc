// SPDX-License-Identifier: Apache-2.0
#include "graph/content_hash.h"

#include <cstring>

#include "graph/file_format.h"

namespace dotori::graph {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87u;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Fu;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9u;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63u;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5u;
constexpr std::size_t kStripeBytes = 32;

std::uint64_t rotate_left(std::uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

std::uint64_t round(std::uint64_t accumulator, std::uint64_t lane) {
  return rotate_left(accumulator + lane * kPrime2, 31) * kPrime1;
}

// Four lanes that take every fourth 8-byte word.
struct Lanes {
  std::uint64_t v[4] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};

  void add_stripes(const unsigned char* bytes, std::size_t stripes) {
    for (std::size_t i = 0; i < stripes; ++i) {
      for (std::size_t k = 0; k < 4; ++k) v[k] = round(v[k], load_u64(bytes + i * kStripeBytes + k * 8));
    }
  }
  std::uint64_t merged() const {
    std::uint64_t h = rotate_left(v[0], 1) + rotate_left(v[1], 7) + rotate_left(v[2], 12) + rotate_left(v[3], 18);
    for (std::uint64_t lane : v) h = (h ^ round(0, lane)) * kPrime1 + kPrime4;
    return h;
  }
};

// `tail`: the bytes behind the last whole stripe.
std::uint64_t finish(std::uint64_t h, const unsigned char* tail, std::size_t tail_bytes, std::size_t total_bytes) {
  h += total_bytes;
  for (; tail_bytes >= 8; tail += 8, tail_bytes -= 8) {
    h = rotate_left(h ^ round(0, load_u64(tail)), 27) * kPrime1 + kPrime4;
  }
  if (tail_bytes >= 4) {
    h = rotate_left(h ^ load_u32(tail) * kPrime1, 23) * kPrime2 + kPrime3;
    tail += 4;
    tail_bytes -= 4;
  }
  for (; tail_bytes > 0; ++tail, --tail_bytes) h = rotate_left(h ^ *tail * kPrime5, 11) * kPrime1;
  h = (h ^ (h >> 33)) * kPrime2;
  h = (h ^ (h >> 29)) * kPrime3;
  return h ^ (h >> 32);
}

}  // namespace

std::uint64_t xxh64(Span<const unsigned char> bytes) noexcept {
  const std::size_t stripes = bytes.size() / kStripeBytes;
  std::uint64_t h = kPrime5;
  if (stripes > 0) {
    Lanes lanes;
    lanes.add_stripes(bytes.data(), stripes);
    h = lanes.merged();
  }
  const std::size_t striped = stripes * kStripeBytes;
  return finish(h, bytes.data() + striped, bytes.size() - striped, bytes.size());
}

std::uint64_t content_hash(Span<const unsigned char> file) noexcept {
  static_assert(kHeaderBytes % kStripeBytes == 0);
  unsigned char header[kHeaderBytes];
  std::memcpy(header, file.data(), kHeaderBytes);
  std::memset(header + kHashOffset, 0, sizeof(std::uint64_t));
  Lanes lanes;
  lanes.add_stripes(header, kHeaderBytes / kStripeBytes);
  const std::size_t stripes = (file.size() - kHeaderBytes) / kStripeBytes;
  lanes.add_stripes(file.data() + kHeaderBytes, stripes);
  const std::size_t striped = kHeaderBytes + stripes * kStripeBytes;
  return finish(lanes.merged(), file.data() + striped, file.size() - striped, file.size());
}

}  // namespace dotori::graph
