# SPDX-License-Identifier: Apache-2.0
# cmake -DFILES=a;b -DOUT=file -P embed.cmake: one {"/name", {bytes}} row for each file.
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(MAKE_C_IDENTIFIER ${name} id)
  string(APPEND rows "constexpr unsigned char k_${id}[] = {${bytes}};\n")
endforeach()
file(WRITE ${OUT} "${rows}")
