// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <dotori/status.h>

namespace dotori::evaluate {

// The photos of list_photos() by their names without folder and ending. Further error: kInvalidArgument when two share
// a name.
Result<std::map<std::string, std::string>> photos_by_stem(const std::string& folder);

}  // namespace dotori::evaluate
