// SPDX-License-Identifier: Apache-2.0
// FlexBuffers: the schema-less sibling of FlatBuffers, in which custom operators keep their options.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <map>
#include <string>

namespace dotori::convert::tflite {

// The numbers and booleans (0 or 1) of a buffer whose root is a map; entries of other types are passed over. Trusts
// nothing. Error: kCorruptModel.
Result<std::map<std::string, double>> read_flex_numbers(Span<const unsigned char> buffer);

}  // namespace dotori::convert::tflite
