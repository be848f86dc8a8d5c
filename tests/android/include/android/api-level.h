// SPDX-License-Identifier: Apache-2.0
// The compiler defines __ANDROID_API__ itself.
#pragma once
