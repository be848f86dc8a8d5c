// SPDX-License-Identifier: Apache-2.0
#include "cli/npz.h"

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

Result<std::vector<std::pair<std::string, NpyArray>>> parse(const std::string& file) {
  if (file.size() < kEndBytes) return invalid_argument("not a .npz file");
  std::size_t end = file.size() - kEndBytes;
  while (end > 0 && number(file, end, 4) != kEnd) --end;
  if (number(file, end, 4) != kEnd) return invalid_argument("not a .npz file, or cut off");
  const std::size_t entries = number(file, end + 10, 2);
  std::size_t at = number(file, end + 16, 4);
  std::vector<std::pair<std::string, NpyArray>> arrays;
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

}  // namespace

Result<std::vector<std::pair<std::string, NpyArray>>> load_npz(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::string file, read_text(path, std::size_t{4} << 30));
  auto arrays = parse(file);
  if (!arrays.ok()) return arrays.status().with_context(path);
  return arrays;
}

}  // namespace dotori::cli
