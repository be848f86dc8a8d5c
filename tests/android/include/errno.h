// SPDX-License-Identifier: Apache-2.0
// errno as Android's C library has it.
#pragma once

#include_next <errno.h>
#undef errno
#ifdef __cplusplus
extern "C"
#endif
    int*
    __errno(void);
#define errno (*__errno())
