// SPDX-License-Identifier: Apache-2.0
#pragma once

#define DOTORI_VERSION_MAJOR 0
#define DOTORI_VERSION_MINOR 1
#define DOTORI_VERSION_PATCH 0
#define DOTORI_VERSION_STRING "0.1.0"
