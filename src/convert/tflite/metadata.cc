// SPDX-License-Identifier: Apache-2.0
// ZIP: the "end of central directory" record at the end of the file leads to the list of members, each of which leads
// to its data. All numbers little-endian. Source: PKWARE APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.16.
#include "convert/tflite/metadata.h"

#include <cstdint>

namespace dotori::convert::tflite {
namespace {

constexpr std::size_t kMaxLabelBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxLabels = 65536;

// Little-endian number of `bytes` bytes at `at`, or 0 outside the file.
std::uint64_t number(Span<const unsigned char> file, std::uint64_t at, int bytes) {
  if (at > file.size() || file.size() - at < static_cast<std::uint64_t>(bytes)) return 0;
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | file[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)];
  return value;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The bytes of an uncompressed member; empty when damaged.
Span<const unsigned char> member_data(Span<const unsigned char> file, std::uint64_t archive, std::uint64_t entry) {
  const std::uint64_t local = archive + number(file, entry + 42, 4);
  const std::uint64_t size = number(file, entry + 24, 4);
  if (number(file, entry + 10, 2) != 0 || number(file, local, 4) != 0x04034b50 || size > kMaxLabelBytes) return {};
  const std::uint64_t data = local + 30 + number(file, local + 26, 2) + number(file, local + 28, 2);
  if (data > file.size() || size > file.size() - data) return {};
  return {file.data() + data, static_cast<std::size_t>(size)};
}

std::vector<std::string> lines(Span<const unsigned char> text) {
  std::vector<std::string> result;
  std::string line;
  const auto finish = [&] {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    result.push_back(line);
    line.clear();
  };
  for (unsigned char c : text) {
    if (c == '\n') {
      finish();
    } else {
      line += static_cast<char>(c);
    }
  }
  if (!line.empty()) finish();
  while (!result.empty() && result.back().empty()) result.pop_back();
  return result;
}

}  // namespace

std::vector<std::string> read_labels(Span<const unsigned char> file) {
  constexpr std::uint64_t kEndBytes = 22;
  if (file.size() < kEndBytes) return {};
  const std::uint64_t end = file.size() - kEndBytes;
  if (number(file, end, 4) != 0x06054b50) return {};
  const std::uint64_t count = number(file, end + 10, 2);
  const std::uint64_t directory_bytes = number(file, end + 12, 4);
  const std::uint64_t directory_offset = number(file, end + 16, 4);
  if (directory_bytes > end || directory_offset > end - directory_bytes) return {};
  // Offsets count from the archive's first byte, which may stand behind the model.
  const std::uint64_t archive = end - directory_bytes - directory_offset;
  std::uint64_t entry = archive + directory_offset;
  std::vector<std::uint64_t> labels, texts;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (number(file, entry, 4) != 0x02014b50) return {};
    const std::uint64_t name_bytes = number(file, entry + 28, 2);
    if (entry + 46 + name_bytes > end) return {};
    const std::string name(reinterpret_cast<const char*>(file.data()) + entry + 46,
                           static_cast<std::size_t>(name_bytes));
    if (ends_with(name, ".txt")) {
      texts.push_back(entry);
      if (name.find("label") != std::string::npos) labels.push_back(entry);
    }
    entry += 46 + name_bytes + number(file, entry + 30, 2) + number(file, entry + 32, 2);
  }
  const std::vector<std::uint64_t>& found = labels.empty() ? texts : labels;
  if (found.size() != 1) return {};
  std::vector<std::string> result = lines(member_data(file, archive, found[0]));
  if (result.size() > kMaxLabels) return {};
  return result;
}

}  // namespace dotori::convert::tflite
