// SPDX-License-Identifier: Apache-2.0
// A buffer ends with its root: the value, its type, and the width of the value in bytes. Offsets count backwards from
// where they stand. A map is a vector of values with their types behind them; before it stand the offset of the vector
// of keys, the width of its elements, and the number of entries. Source: FlatBuffers' docs, "FlexBuffer Internals".
#include "convert/tflite/flexbuffer.h"

#include <cstdint>
#include <cstring>

namespace dotori::convert::tflite {
namespace {

constexpr std::uint64_t kMaxEntries = 4096;
constexpr std::size_t kMaxKeyBytes = 256;

// The types that are read.
enum Type {
  kInt = 1,
  kUint = 2,
  kFloat = 3,
  kIndirectInt = 6,
  kIndirectUint = 7,
  kIndirectFloat = 8,
  kMap = 9,
  kBool = 26
};

// Reads outside the buffer give zeros and are remembered.
class Reader {
 public:
  explicit Reader(Span<const unsigned char> bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool contains(std::uint64_t at, std::uint64_t count) {
    ok_ = ok_ && at <= bytes_.size() && count <= bytes_.size() - at;
    return ok_;
  }
  std::uint64_t unsigned_at(std::uint64_t at, unsigned width) {
    std::uint64_t value = 0;
    if (!contains(at, width)) return 0;
    for (unsigned i = width; i-- > 0;) value = value << 8 | bytes_[static_cast<std::size_t>(at) + i];
    return value;
  }
  std::int64_t signed_at(std::uint64_t at, unsigned width) {
    const std::uint64_t value = unsigned_at(at, width);
    switch (width) {
      case 1: return static_cast<std::int8_t>(value);
      case 2: return static_cast<std::int16_t>(value);
      case 4: return static_cast<std::int32_t>(value);
      default: return static_cast<std::int64_t>(value);
    }
  }
  double float_at(std::uint64_t at, unsigned width) {
    const std::uint64_t bits = unsigned_at(at, width);
    if (width == 4) {
      const std::uint32_t narrow = static_cast<std::uint32_t>(bits);
      float value;
      std::memcpy(&value, &narrow, sizeof value);
      return static_cast<double>(value);
    }
    double value = 0;
    ok_ = ok_ && width == 8;
    if (ok_) std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  // Where the offset at `at` leads.
  std::uint64_t target(std::uint64_t at, unsigned width) {
    const std::uint64_t back = unsigned_at(at, width);
    ok_ = ok_ && back <= at;
    return ok_ ? at - back : 0;
  }
  // Up to the terminating zero.
  std::string text_at(std::uint64_t at) {
    std::string text;
    while (contains(at, 1) && bytes_[static_cast<std::size_t>(at)] != 0) {
      text += static_cast<char>(bytes_[static_cast<std::size_t>(at++)]);
      if (text.size() > kMaxKeyBytes) ok_ = false;
    }
    return text;
  }

 private:
  Span<const unsigned char> bytes_;
  bool ok_ = true;
};

// False for another type.
bool read_number(Reader& reader, std::uint64_t at, unsigned width, unsigned packed_type, double* number) {
  const unsigned own_width = 1u << (packed_type & 3);
  switch (packed_type >> 2) {
    case kInt: *number = static_cast<double>(reader.signed_at(at, width)); return true;
    case kUint:
    case kBool: *number = static_cast<double>(reader.unsigned_at(at, width)); return true;
    case kFloat: *number = reader.float_at(at, width); return true;
    case kIndirectInt:
      *number = static_cast<double>(reader.signed_at(reader.target(at, width), own_width));
      return true;
    case kIndirectUint:
      *number = static_cast<double>(reader.unsigned_at(reader.target(at, width), own_width));
      return true;
    case kIndirectFloat: *number = reader.float_at(reader.target(at, width), own_width); return true;
    default: return false;
  }
}

bool is_width(std::uint64_t width) {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

}  // namespace

Result<std::map<std::string, double>> read_flex_numbers(Span<const unsigned char> buffer) {
  const Status damaged = corrupt_model("the options are no FlexBuffer with a map, or a damaged one");
  if (buffer.size() < 3) return damaged;
  const std::uint64_t size = buffer.size();
  const unsigned root_width = buffer[buffer.size() - 1], root_type = buffer[buffer.size() - 2];
  if (!is_width(root_width) || root_type >> 2 != kMap || root_width > size - 2) return damaged;
  Reader reader(buffer);
  const std::uint64_t map = reader.target(size - 2 - root_width, root_width);
  const unsigned width = 1u << (root_type & 3);
  if (!reader.ok() || map < 3 * width) return damaged;
  const std::uint64_t count = reader.unsigned_at(map - width, width);
  const std::uint64_t key_width = reader.unsigned_at(map - 2 * width, width);
  const std::uint64_t keys = reader.target(map - 3 * width, width);
  if (!reader.ok() || count > kMaxEntries || !is_width(key_width)) return damaged;
  std::map<std::string, double> numbers;
  for (std::uint64_t i = 0; i < count; ++i) {
    const unsigned narrow = static_cast<unsigned>(key_width);
    const std::string key = reader.text_at(reader.target(keys + i * key_width, narrow));
    const unsigned type = static_cast<unsigned>(reader.unsigned_at(map + count * width + i, 1));
    double number = 0;
    if (read_number(reader, map + i * width, width, type, &number)) numbers[key] = number;
    if (!reader.ok()) return damaged;
  }
  return numbers;
}

}  // namespace dotori::convert::tflite
