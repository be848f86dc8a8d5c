// SPDX-License-Identifier: Apache-2.0
// Android declares these in <stdlib.h>, from API level 26 on.
#pragma once

#include <locale.h>
#include <stdlib.h>

float strtof_l(const char* text, char** end, locale_t locale);
double strtod_l(const char* text, char** end, locale_t locale);
long long strtoll_l(const char* text, char** end, int base, locale_t locale);
unsigned long long strtoull_l(const char* text, char** end, int base, locale_t locale);
