// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>

namespace dotori::evaluate {

// Which of a dataset's categories a model's class means.
struct CategoryMap {
  std::vector<int> category_of_class;  // -1: none
  std::vector<bool> known;             // by category: whether some class means it
  std::string note;                    // how they were matched, where the reader should know; may be empty
};

// By name: letters and digits compared without regard to case, and Darknet's five own spellings of COCO's names count
// as the same. When no name fits, by order, if there are as many categories as classes. Categories without a class are
// named in the note. Errors: kInvalidArgument (no name fits and the numbers differ).
Result<CategoryMap> match_categories(Span<const std::string> categories, Span<const std::string> labels, int classes);

}  // namespace dotori::evaluate
