// SPDX-License-Identifier: Apache-2.0
// std::string's functions for the packaged archive: those of the C++ library come with exceptions, which would bring
// the unwinder and the demangler.
#include <string>

template class std::basic_string<char>;
