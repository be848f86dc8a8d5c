// SPDX-License-Identifier: Apache-2.0
// What the commands of the `dotori` program share. Exit codes: 0 success, 1 the work failed, 2 an option or argument is
// unknown or missing.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <dotori/session.h>
#include <dotori/status.h>

namespace dotori::cli {

using Json = nlohmann::ordered_json;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Each adds one command to the program; its callback stores the exit code.
void add_convert(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_eval(CLI::App& app, int& exit_code);
void add_agree(CLI::App& app, int& exit_code);
void add_diff(CLI::App& app, int& exit_code);
void add_anchors(CLI::App& app, int& exit_code);
void add_quantize(CLI::App& app, int& exit_code);

// Prints "dotori: message" to stderr and returns kExitFailed.
int fail(const Status& status);
// One JSON object and a newline on stdout.
void print_json(const Json& json);
// Milliseconds of a monotonic clock.
double now_ms();
// "[1,224,224,3]" as a JSON array.
Json shape_json(const Shape& shape);
// "1.23 M", "4.5 k": for people.
std::string human_count(double n);
std::string human_bytes(double n);
// The elements between separators, without surrounding blanks.
std::vector<std::string> split(const std::string& text, char separator);
// A float32 number and nothing else, with a decimal point whatever the locale.
Result<float> parse_float(const std::string& text);
Result<std::vector<float>> parse_floats(const std::string& text, char separator = ',');
// A whole file as text. Errors: kNotFound, kIoError; refuses more than `max_bytes`.
Result<std::string> read_text(const std::string& path, std::size_t max_bytes = std::size_t{64} << 20);

// The file holds its old text or all of the new one. Error: kIoError.
Status write_text(const std::string& path, const std::string& text);
// A field of CSV, quoted where it must be (RFC 4180).
std::string csv_field(const std::string& text);
bool has_ending(const std::string& text, const std::string& ending);

// A bar on stderr for work of many items; silent when stderr is no terminal.
class ProgressBar {
 public:
  ProgressBar(std::string label, std::size_t total);
  ~ProgressBar();
  void advance();

 private:
  std::string label_;
  std::size_t total_, done_ = 0;
  bool visible_;
};

}  // namespace dotori::cli
