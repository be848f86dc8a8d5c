// SPDX-License-Identifier: Apache-2.0
// A 64-bit hash that finds damage in files: XXH64 with seed 0, after the public definition at
// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md. Against accidents only; anybody can make a file with
// the right hash.
#pragma once

#include <dotori/span.h>

#include <cstddef>
#include <cstdint>

namespace dotori::graph {

// The same on every machine. Reads each byte once; no alignment needed.
std::uint64_t xxh64(Span<const unsigned char> bytes) noexcept;

// xxh64 of a .dtr file whose hash field (the last 8 bytes of the header) is taken as zero. `file` holds at least a
// header.
std::uint64_t content_hash(Span<const unsigned char> file) noexcept;

}  // namespace dotori::graph
