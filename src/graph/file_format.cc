// SPDX-License-Identifier: Apache-2.0
#include "graph/file_format.h"

#include <cstring>
#include <string>

namespace dotori::graph {
namespace {

void store(unsigned char* out, std::uint64_t value, int size_bytes) {
  for (int i = 0; i < size_bytes; ++i) out[i] = static_cast<unsigned char>(value >> (8 * i));
}

bool begins_with(Span<const unsigned char> file, std::size_t at, const char* text) {
  const std::size_t size = std::strlen(text);
  return file.size() >= at + size && std::memcmp(file.data() + at, text, size) == 0;
}

// A guess at what somebody tried to load instead, or nullptr.
const char* recognise(Span<const unsigned char> file) {
  if (begins_with(file, 4, "TFL3")) return "it looks like a TFLite file; convert it first";
  // Field 1 (ir_version) as a small varint, then one of ModelProto's length-delimited fields 2 to 8.
  if (file.size() >= 3 && file[0] == 0x08 && file[1] > 0 && file[1] < 0x20 && (file[2] & 7) == 2 && file[2] >= 0x12 &&
      file[2] <= 0x42) {
    return "it looks like an ONNX file; convert it first";
  }
  if (begins_with(file, 0, "[net]")) return "it looks like a Darknet cfg file; convert it first";
  if (begins_with(file, 0, "PK\3\4")) return "it looks like a zip archive, as PyTorch writes";
  if (begins_with(file, 0, "version https://git-lfs")) {
    return "it looks like a Git LFS pointer; the model itself was not fetched";
  }
  return nullptr;
}

Status wrong_magic(Span<const unsigned char> file) {
  if (const char* guess = recognise(file)) return corrupt_model(std::string("this is not a .dtr file; ") + guess);
  std::string bytes;
  for (std::size_t i = 0; i < file.size() && i < sizeof kFileMagic; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    bytes += {' ', kDigits[file[i] >> 4], kDigits[file[i] & 15]};
  }
  return corrupt_model("this is not a .dtr file; it starts with the bytes" + bytes);
}

Status check_sections(const FileHeader& h, Span<const unsigned char> file) {
  if (h.tables_offset != kHeaderBytes) {
    return corrupt_model("the tables must start at byte " + std::to_string(kHeaderBytes) + ", found " +
                         std::to_string(h.tables_offset));
  }
  if (h.tables_bytes == 0 || h.tables_bytes > kMaxTablesBytes || h.tables_bytes > h.file_bytes - kHeaderBytes) {
    return corrupt_model("the tables cannot have " + std::to_string(h.tables_bytes) + " bytes in a file of " +
                         std::to_string(h.file_bytes));
  }
  const std::uint64_t tables_end = h.tables_offset + h.tables_bytes;
  const std::uint64_t weights_offset = align_section(tables_end);
  if (h.weights_offset != weights_offset) {
    return corrupt_model("the weights must start at byte " + std::to_string(weights_offset) + ", found " +
                         std::to_string(h.weights_offset));
  }
  if (weights_offset > h.file_bytes || h.weights_bytes != h.file_bytes - weights_offset ||
      h.weights_bytes % kSectionAlignment != 0) {
    return corrupt_model("the weights cannot have " + std::to_string(h.weights_bytes) + " bytes from byte " +
                         std::to_string(weights_offset) + " of a file of " + std::to_string(h.file_bytes));
  }
  if (!all_zero(file.data() + tables_end, weights_offset - tables_end)) {
    return corrupt_model("the bytes between the tables and the weights are not zero");
  }
  return {};
}

}  // namespace

void encode_header(const FileHeader& h, unsigned char* out) noexcept {
  std::memcpy(out, kFileMagic, sizeof kFileMagic);
  store(out + 8, h.major_version, 2);
  store(out + 10, h.minor_version, 2);
  store(out + 12, h.features, 4);
  store(out + 16, h.file_bytes, 8);
  store(out + 24, h.tables_offset, 8);
  store(out + 32, h.tables_bytes, 8);
  store(out + 40, h.weights_offset, 8);
  store(out + 48, h.weights_bytes, 8);
  store(out + kHashOffset, h.content_hash, 8);
}

Result<FileHeader> decode_header(Span<const unsigned char> file) {
  const std::size_t shown = file.size() < sizeof kFileMagic ? file.size() : sizeof kFileMagic;
  if (shown == 0) return corrupt_model("the file is empty");
  if (std::memcmp(file.data(), kFileMagic, shown) != 0) return wrong_magic(file);
  if (file.size() < kHeaderBytes) {
    return corrupt_model("the file is truncated: it has " + std::to_string(file.size()) +
                         " bytes, its header alone needs " + std::to_string(kHeaderBytes));
  }
  const unsigned char* p = file.data();
  FileHeader h;
  h.major_version = static_cast<std::uint16_t>(load_u32(p + 8) & 0xFFFF);
  h.minor_version = static_cast<std::uint16_t>(load_u32(p + 8) >> 16);
  h.features = load_u32(p + 12);
  h.file_bytes = load_u64(p + 16);
  h.tables_offset = load_u64(p + 24);
  h.tables_bytes = load_u64(p + 32);
  h.weights_offset = load_u64(p + 40);
  h.weights_bytes = load_u64(p + 48);
  h.content_hash = load_u64(p + kHashOffset);
  if (h.major_version == 0) return corrupt_model("there is no format version 0");
  if (h.major_version > kFormatMajor) {
    return unsupported("the file has format version " + std::to_string(h.major_version) + "." +
                       std::to_string(h.minor_version) + ", this build reads up to version " +
                       std::to_string(kFormatMajor) + "; a newer Dotori is needed");
  }
  if (h.features != 0) {
    return unsupported("the file needs features that this build does not know (flags " + std::to_string(h.features) +
                       ")");
  }
  if (h.file_bytes > file.size()) {
    return corrupt_model("the file is truncated: it should have " + std::to_string(h.file_bytes) + " bytes, found " +
                         std::to_string(file.size()));
  }
  if (h.file_bytes < file.size()) {
    return corrupt_model("the file should have " + std::to_string(h.file_bytes) + " bytes, found " +
                         std::to_string(file.size() - h.file_bytes) + " more behind its end");
  }
  DOTORI_RETURN_IF_ERROR(check_sections(h, file));
  return h;
}

bool all_zero(const unsigned char* bytes, std::uint64_t count) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

const char* text_fault(const char* text, std::size_t size_bytes) noexcept {
  if (size_bytes > kMaxTextBytes) return "is longer than 4096 bytes";
  const auto* p = reinterpret_cast<const unsigned char*>(text);
  const unsigned char* const end = p + size_bytes;
  constexpr const char* kNotUtf8 = "is not valid UTF-8";
  while (p < end) {
    if (*p == 0) return "contains a NUL byte";
    if (*p < 0x80) {
      ++p;
      continue;
    }
    // The length by the lead byte, and the least code point that needs it (anything lower is an overlong form).
    int more = 0;
    std::uint32_t point = 0, least = 0;
    if ((*p & 0xE0) == 0xC0) {
      more = 1, point = *p & 0x1Fu, least = 0x80;
    } else if ((*p & 0xF0) == 0xE0) {
      more = 2, point = *p & 0x0Fu, least = 0x800;
    } else if ((*p & 0xF8) == 0xF0) {
      more = 3, point = *p & 0x07u, least = 0x10000;
    } else {
      return kNotUtf8;
    }
    if (end - p <= more) return kNotUtf8;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xC0) != 0x80) return kNotUtf8;
      point = point << 6 | (p[i] & 0x3Fu);
    }
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return kNotUtf8;
    p += 1 + more;
  }
  return nullptr;
}

}  // namespace dotori::graph
