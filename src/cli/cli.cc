// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "graph/reader.h"
#include "graph/writer.h"

namespace dotori::cli {

int fail(const Status& status) {
  std::fprintf(stderr, "dotori: %s\n", status.message().c_str());
  return kExitFailed;
}

void print_json(const Json& json) {
  // A label may hold bytes that are not UTF-8; they are replaced rather than letting the output fail.
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

double now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

Json shape_json(const Shape& shape) {
  Json list = Json::array();
  for (std::int64_t d : shape) list.push_back(d);
  return list;
}

namespace {
std::string scaled(double n, double base, const char* const* units, int count) {
  int unit = 0;
  while (std::fabs(n) >= base && unit + 1 < count) {
    n /= base;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f%s" : "%.2f%s", n, units[unit]);
  return text;
}
}  // namespace

std::string human_count(double n) {
  static constexpr const char* kUnits[] = {"", " k", " M", " G", " T"};
  return scaled(n, 1000, kUnits, 5);
}

std::string human_bytes(double n) {
  static constexpr const char* kUnits[] = {" B", " kB", " MB", " GB"};
  return scaled(n, 1000, kUnits, 4);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    std::string part = text.substr(start, end == std::string::npos ? std::string::npos : end - start);
    const std::size_t first = part.find_first_not_of(" \t\r\n");
    const std::size_t last = part.find_last_not_of(" \t\r\n");
    parts.push_back(first == std::string::npos ? std::string() : part.substr(first, last - first + 1));
    if (end == std::string::npos) return parts;
    start = end + 1;
  }
}

Result<float> parse_float(const std::string& text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return invalid_argument("'" + text + "' is not a number");
  return value;
}

Result<std::vector<float>> parse_floats(const std::string& text, char separator) {
  std::vector<float> values;
  for (const std::string& part : split(text, separator)) {
    DOTORI_ASSIGN_OR_RETURN(const float value, parse_float(part));
    values.push_back(value);
  }
  return values;
}

Result<std::string> read_text(const std::string& path, std::size_t max_bytes) {
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path, max_bytes));
  return std::string(static_cast<const char*>(file.data), file.size_bytes);
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

Status write_text(const std::string& path, const std::string& text) {
  return graph::write_file_atomically(
      path, Span<const unsigned char>(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

bool has_ending(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

ProgressBar::ProgressBar(std::string label, std::size_t total)
    : label_(std::move(label)), total_(total), visible_(total > 1 && isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (visible_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::advance() {
  ++done_;
  if (!visible_) return;
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = done_ * kWidth / total_;
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '-');
  std::fprintf(stderr, "\r%s [%s] %zu/%zu", label_.c_str(), bar.c_str(), done_, total_);
  std::fflush(stderr);
}

}  // namespace dotori::cli
