// SPDX-License-Identifier: Apache-2.0
// TFLite metadata: files such as the list of labels are appended to the model as a ZIP archive.
#pragma once

#include <dotori/span.h>

#include <string>
#include <vector>

namespace dotori::convert::tflite {

// The lines of the archive's only label file (a .txt with "label" in its name, else the only .txt), without line ends
// and trailing empty lines. Empty when there is no archive, no or more than one such file, or when it is damaged or
// compressed: labels are an extra.
std::vector<std::string> read_labels(Span<const unsigned char> file);

}  // namespace dotori::convert::tflite
