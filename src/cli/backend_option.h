// SPDX-License-Identifier: Apache-2.0
// --backend cpu|reference|xnnpack|auto, the same for every command that runs a model.
#pragma once

#include <CLI/CLI.hpp>

#include <dotori/session.h>

namespace dotori::cli {

// "cpu", "reference", "xnnpack", "auto". Static storage.
const char* backend_word(BackendKind kind) noexcept;
// "avx2", "none" …: of the kernels beside a backend's own.
const char* backend_isa(BackendKind kind) noexcept;
// Adds --backend; without `auto` for commands that run nothing. `backend` must outlive the parsing.
enum class AutoBackend { kAllowed, kRefused };
void add_backend_option(CLI::App& command, BackendKind& backend, AutoBackend automatic = AutoBackend::kAllowed);

}  // namespace dotori::cli
