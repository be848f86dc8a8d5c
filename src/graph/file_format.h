// SPDX-License-Identifier: Apache-2.0
// The frame of a .dtr file, shared by reader and writer; docs/format.md describes it. All numbers are little-endian.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <cstddef>
#include <cstdint>

namespace dotori::graph {

// A reader takes files of its own major version and any minor one.
constexpr std::uint16_t kFormatMajor = 1;
constexpr std::uint16_t kFormatMinor = 2;

constexpr unsigned char kFileMagic[8] = {'D', 'O', 'T', 'O', 'R', 'I', 0, 1};
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kHashOffset = 56;
// Sections and constants start at multiples of this.
constexpr std::size_t kSectionAlignment = 64;
// FlatBuffers offsets are 31 bits wide.
constexpr std::uint64_t kMaxTablesBytes = (std::uint64_t{1} << 31) - 64;
constexpr std::size_t kMaxTextBytes = 4096;

struct FileHeader {
  std::uint16_t major_version = kFormatMajor;
  std::uint16_t minor_version = kFormatMinor;
  std::uint32_t features = 0;  // bits that a reader must know; none so far
  std::uint64_t file_bytes = 0;
  std::uint64_t tables_offset = 0, tables_bytes = 0;
  std::uint64_t weights_offset = 0, weights_bytes = 0;
  std::uint64_t content_hash = 0;
};

// Fills kHeaderBytes bytes.
void encode_header(const FileHeader& header, unsigned char* out) noexcept;
// Reads the header of a whole file and checks everything but the hash: magic, version, size, and that the sections lie
// one behind the other with nothing but zeros between them. Afterwards all offsets and sizes are inside `file`. Errors:
// kCorruptModel, kUnsupported (newer version).
Result<FileHeader> decode_header(Span<const unsigned char> file);

// `n` rounded up to a multiple of kSectionAlignment. `n` must be at most 2^64 - 64.
constexpr std::uint64_t align_section(std::uint64_t n) {
  return (n + (kSectionAlignment - 1)) / kSectionAlignment * kSectionAlignment;
}
// True when all bytes are zero.
bool all_zero(const unsigned char* bytes, std::uint64_t count) noexcept;

// What forbids these bytes as a name or label in a file, such as "is not valid UTF-8"; nullptr when nothing does.
// Static storage. Texts are UTF-8 without NUL of at most kMaxTextBytes bytes.
const char* text_fault(const char* text, std::size_t size_bytes) noexcept;

inline std::uint32_t load_u32(const unsigned char* p) noexcept {
  return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 | std::uint32_t{p[3]} << 24;
}
inline std::uint64_t load_u64(const unsigned char* p) noexcept {
  return std::uint64_t{load_u32(p)} | std::uint64_t{load_u32(p + 4)} << 32;
}

}  // namespace dotori::graph
