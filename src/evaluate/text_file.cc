// SPDX-License-Identifier: Apache-2.0
#include "evaluate/text_file.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace dotori::evaluate {
namespace {

template <class T>
bool parse_whole(const std::string& text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(path, error)) return not_found(path + ": no such file");
  if (!fs::is_regular_file(path, error)) return io_error(path + ": not a file");
  constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 30;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return io_error(path + ": " + error.message());
  if (size > kMaxBytes) return io_error(path + ": larger than 1 GiB");
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) return io_error(path + ": cannot be read");
  return text;
}

bool parse_number(const std::string& text, int* value) {
  return parse_whole(text, value);
}

bool parse_number(const std::string& text, double* value) {
  return parse_whole(text, value) && std::isfinite(*value);
}

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace dotori::evaluate
