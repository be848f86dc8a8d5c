// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <dotori/status.h>

namespace dotori::evaluate {

// A whole file as text, 1 GiB at most. Errors: kNotFound, kIoError.
Result<std::string> read_text_file(const std::string& path);

// A whole number, or a finite one, and nothing else, whatever the locale; false otherwise.
bool parse_number(const std::string& text, int* value);
bool parse_number(const std::string& text, double* value);

// Without blanks, tabs and line ends at either end.
std::string trimmed(const std::string& text);

}  // namespace dotori::evaluate
