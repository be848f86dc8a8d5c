// SPDX-License-Identifier: Apache-2.0
#include "cli/npz.h"

#include <array>
#include <cstdint>

#include "cli/cli.h"

namespace dotori::cli {
namespace {

constexpr std::size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
constexpr std::uint32_t kEnd = 0x06054b50, kEntry = 0x02014b50, kLocal = 0x04034b50, kElsewhere = 0xFFFFFFFF;

std::uint32_t number(const std::string& file, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(file[at + i]);
  return value;
}

bool fits(const std::string& file, std::size_t at, std::size_t bytes) {
  return at <= file.size() && bytes <= file.size() - at;
}

Result<NamedArrays> parse(const std::string& file) {
  if (file.size() < kEndBytes) return invalid_argument("not a .npz file");
  std::size_t end = file.size() - kEndBytes;
  while (end > 0 && number(file, end, 4) != kEnd) --end;
  if (number(file, end, 4) != kEnd) return invalid_argument("not a .npz file, or cut off");
  const std::size_t entries = number(file, end + 10, 2);
  std::size_t at = number(file, end + 16, 4);
  NamedArrays arrays;
  for (std::size_t i = 0; i < entries; ++i) {
    if (!fits(file, at, kEntryBytes) || number(file, at, 4) != kEntry) return invalid_argument("damaged archive");
    const std::size_t name_bytes = number(file, at + 28, 2);
    if (!fits(file, at + kEntryBytes, name_bytes)) return invalid_argument("damaged archive");
    std::string name = file.substr(at + kEntryBytes, name_bytes);
    const std::uint32_t size = number(file, at + 24, 4), start = number(file, at + 42, 4);
    if (number(file, at + 10, 2) != 0)
      return unsupported("'" + name + "' is compressed; write the file by numpy.savez, not numpy.savez_compressed");
    if (size == kElsewhere || start == kElsewhere) return unsupported("'" + name + "': archives above 4 GiB");
    if (!fits(file, start, kLocalBytes) || number(file, start, 4) != kLocal) return invalid_argument("damaged archive");
    const std::size_t data = start + kLocalBytes + number(file, start + 26, 2) + number(file, start + 28, 2);
    if (!fits(file, data, size)) return invalid_argument("'" + name + "' is cut off");
    const std::string ending = ".npy";
    if (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0)
      name.resize(name.size() - ending.size());
    DOTORI_ASSIGN_OR_RETURN(NpyArray array, parse_npy(file.substr(data, size), "'" + name + "'"));
    arrays.emplace_back(std::move(name), std::move(array));
    at += kEntryBytes + name_bytes + number(file, at + 30, 2) + number(file, at + 32, 2);
  }
  return arrays;
}

constexpr std::size_t kVersion = 20;

void put(std::string& to, std::size_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 255);
}

// Source: ISO 3309, the polynomial 0xEDB88320 with its bits reversed.
std::uint32_t crc32(const std::string& bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int k = 0; k < 8; ++k) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0xEDB88320u : 0u);
    }
    return t;
  }();
  std::uint32_t crc = 0xFFFFFFFF;
  for (char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

}  // namespace

Result<NamedArrays> load_npz(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::string file, read_text(path, std::size_t{4} << 30));
  auto arrays = parse(file);
  if (!arrays.ok()) return arrays.status().with_context(path);
  return arrays;
}

Status save_npz(const std::string& path, const NamedArrays& arrays) {
  constexpr std::size_t kMostBytes = 0xFFFFFFFE, kMostArrays = 65535;
  std::string file, directory;
  if (arrays.size() > kMostArrays) return unsupported(path + ": " + std::to_string(arrays.size()) + " arrays");
  for (const auto& [array_name, array] : arrays) {
    const std::string name = array_name + ".npy", content = npy_bytes(array);
    std::string common;    // of both headers, from the flags on
    put(common, 0, 2);     // flags
    put(common, 0, 2);     // method: stored
    put(common, 0, 2);     // time
    put(common, 0x21, 2);  // date: the first of January 1980
    put(common, crc32(content), 4);
    put(common, content.size(), 4);
    put(common, content.size(), 4);
    put(common, name.size(), 2);
    put(common, 0, 2);  // extra field
    const std::size_t start = file.size();
    put(file, kLocal, 4);
    put(file, kVersion, 2);
    file += common + name + content;
    put(directory, kEntry, 4);
    put(directory, kVersion, 2);
    put(directory, kVersion, 2);
    directory += common;
    put(directory, 0, 2);  // comment
    put(directory, 0, 2);  // disk
    put(directory, 0, 2);  // attributes
    put(directory, 0, 4);
    put(directory, start, 4);
    directory += name;
    if (file.size() + directory.size() > kMostBytes) return unsupported(path + ": more than 4 GiB");
  }
  const std::size_t at = file.size();
  file += directory;
  put(file, kEnd, 4);
  put(file, 0, 4);  // disks
  put(file, arrays.size(), 2);
  put(file, arrays.size(), 2);
  put(file, directory.size(), 4);
  put(file, at, 4);
  put(file, 0, 2);
  return write_text(path, file);
}

}  // namespace dotori::cli
