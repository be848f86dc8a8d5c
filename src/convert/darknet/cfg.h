// SPDX-License-Identifier: Apache-2.0
// Darknet's network description: "[section]" lines, each followed by "key = value" lines. Blank lines and everything
// from
// '#' or ';' on are ignored; spaces, tabs and carriage returns around names and values do not matter. Of a repeated key
// the first counts, as in Darknet. Numbers are read without the locale.
#pragma once

#include <dotori/status.h>

#include <string>
#include <vector>

namespace dotori::convert::darknet {

struct Entry {
  std::string key, value;
  int line = 0;  // from 1
};

class Section {
 public:
  std::string name;  // without brackets
  int line = 0;      // of the header, from 1
  int index = -1;    // the layer number: -1 for [net], then 0, 1, …
  std::vector<Entry> entries;

  const Entry* find(const char* key) const noexcept;
  // The number of a key, `otherwise` when the key is missing. Errors name line, section, key, value and the range.
  Result<int> integer(const char* key, int otherwise, int low, int high) const;
  Result<float> number(const char* key, float otherwise, float low, float high) const;
  // Comma-separated; empty when the key is missing. At most `most` numbers.
  Result<std::vector<int>> integers(const char* key, int low, int high, std::size_t most) const;
  Result<std::vector<float>> numbers(const char* key, float low, float high, std::size_t most) const;
  std::string text(const char* key, const char* otherwise) const;
  // "line 12, section 3 [convolutional]".
  std::string where() const;
  // The same with the key's own line: "line 14, section 3 [convolutional], key 'stride'".
  std::string where(const char* key) const;
};

// parse_cfg() of a file; errors begin with its path.
Result<std::vector<Section>> read_cfg(const std::string& path);

// Errors (kCorruptModel) name the line. At most 65,536 sections and 16 MiB.
Result<std::vector<Section>> parse_cfg(const std::string& text);

}  // namespace dotori::convert::darknet
