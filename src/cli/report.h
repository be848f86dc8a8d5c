// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <dotori/model.h>

#include "backends/plan.h"

namespace dotori::cli {

// A self-contained HTML page: what the network is, its operators with shapes and cost, and a chart of the memory plan
// (steps to the right, arena bytes upwards, a box for each buffer). No scripts, nothing fetched.
std::string html_report(const Model& model, const backends::Plan& plan);

// The start of a page: head, style and heading.
std::string page_head(const std::string& title);

// "&", "<", ">" and quotes replaced.
std::string html_escape(const std::string& text);

}  // namespace dotori::cli
