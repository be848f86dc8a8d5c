// SPDX-License-Identifier: Apache-2.0
#include "convert/darknet/cfg.h"

#include <charconv>

#include "graph/reader.h"

namespace dotori::convert::darknet {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxSections = 65536;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

std::string trimmed(const std::string& text) {
  std::size_t first = 0, last = text.size();
  while (first < last && is_space(text[first])) ++first;
  while (last > first && is_space(text[last - 1])) --last;
  return text.substr(first, last - first);
}

// For messages: printable and short, whatever the file holds.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text.substr(0, 60)) result += c >= ' ' && c < 127 ? c : '?';
  return result + (text.size() > 60 ? "…'" : "'");
}

template <class T>
bool parse(const std::string& text, T* value) {
  const char* first = text.data();
  const char* last = first + text.size();
  if (last - first > 1 && *first == '+' && first[1] != '-') ++first;
  const auto end = std::from_chars(first, last, *value);
  return end.ec == std::errc() && end.ptr == last;
}

std::string to_text(int value) {
  return std::to_string(value);
}
std::string to_text(float value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

template <class T>
Result<T> parse_in_range(const Section& section, const char* key, const std::string& text, T low, T high) {
  T value = 0;
  const bool parsed = parse(text, &value);
  if (!parsed || !(value >= low && value <= high))
    return corrupt_model(section.where(key) + ": expected " + (T(0.5) == 0 ? "an integer" : "a number") + " in [" +
                         to_text(low) + ", " + to_text(high) + "], found " + quoted(text));
  return value;
}

template <class T>
Result<std::vector<T>> parse_list(const Section& section, const char* key, T low, T high, std::size_t most) {
  std::vector<T> result;
  const Entry* entry = section.find(key);
  if (entry == nullptr) return result;
  const std::string& text = entry->value;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    std::size_t end = text.find(',', begin);
    if (end == std::string::npos) end = text.size();
    const std::string item = trimmed(text.substr(begin, end - begin));
    const bool trailing_comma = item.empty() && end == text.size() && !result.empty();
    if (!trailing_comma) {
      DOTORI_ASSIGN_OR_RETURN(const T value, parse_in_range(section, key, item, low, high));
      if (result.size() == most)
        return corrupt_model(section.where(key) + ": more than " + std::to_string(most) + " numbers");
      result.push_back(value);
    }
    begin = end + 1;
  }
  return result;
}

}  // namespace

const Entry* Section::find(const char* key) const noexcept {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

std::string Section::where() const {
  return "line " + std::to_string(line) + (index < 0 ? ", [" : ", section " + std::to_string(index) + " [") + name +
         "]";
}

std::string Section::where(const char* key) const {
  const Entry* entry = find(key);
  return "line " + std::to_string(entry == nullptr ? line : entry->line) + where().substr(where().find(',')) +
         ", key '" + key + "'";
}

Result<int> Section::integer(const char* key, int otherwise, int low, int high) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return otherwise;
  return parse_in_range(*this, key, entry->value, low, high);
}

Result<float> Section::number(const char* key, float otherwise, float low, float high) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return otherwise;
  return parse_in_range(*this, key, entry->value, low, high);
}

Result<std::vector<int>> Section::integers(const char* key, int low, int high, std::size_t most) const {
  return parse_list(*this, key, low, high, most);
}

Result<std::vector<float>> Section::numbers(const char* key, float low, float high, std::size_t most) const {
  return parse_list(*this, key, low, high, most);
}

std::string Section::text(const char* key, const char* otherwise) const {
  const Entry* entry = find(key);
  return entry == nullptr ? otherwise : entry->value;
}

Result<std::vector<Section>> parse_cfg(const std::string& text) {
  if (text.size() > kMaxTextBytes)
    return corrupt_model("the file has " + std::to_string(text.size()) + " bytes, at most " +
                         std::to_string(kMaxTextBytes) + " are supported");
  std::vector<Section> sections;
  std::size_t begin = text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0;  // a UTF-8 byte order mark
  for (int line = 1; begin < text.size(); ++line) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::string content = text.substr(begin, end - begin);
    begin = end + 1;
    content = trimmed(content.substr(0, content.find_first_of("#;")));
    if (content.empty()) continue;
    if (content.front() == '[') {
      if (content.back() != ']' || content.size() < 3)
        return corrupt_model("line " + std::to_string(line) + ": expected [section], found " + quoted(content));
      if (sections.size() == kMaxSections)
        return corrupt_model("line " + std::to_string(line) + ": more than " + std::to_string(kMaxSections) +
                             " sections");
      Section section;
      section.name = trimmed(content.substr(1, content.size() - 2));
      section.line = line;
      section.index = static_cast<int>(sections.size()) - 1;
      sections.push_back(std::move(section));
      continue;
    }
    const std::size_t equals = content.find('=');
    if (equals == std::string::npos)
      return corrupt_model("line " + std::to_string(line) + ": expected key = value, found " + quoted(content));
    if (sections.empty())
      return corrupt_model("line " + std::to_string(line) + ": " + quoted(content) +
                           " stands before the first [section]");
    Entry entry;
    entry.key = trimmed(content.substr(0, equals));
    entry.value = trimmed(content.substr(equals + 1));
    entry.line = line;
    sections.back().entries.push_back(std::move(entry));
  }
  if (sections.empty()) return corrupt_model("the file has no [section]");
  return sections;
}

Result<std::vector<Section>> read_cfg(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path, kMaxTextBytes));
  auto sections = parse_cfg(std::string(static_cast<const char*>(file.data), file.size_bytes));
  if (!sections.ok()) return sections.status().with_context(path);
  return sections;
}

}  // namespace dotori::convert::darknet
