# SPDX-License-Identifier: Apache-2.0
# The XNNPACK backend: dotori_add_xnnpack(target) when DOTORI_XNNPACK asks for it. To use a build of your own instead of the
# system's, give XNNPACK_INCLUDE_DIR and XNNPACK_LIBRARIES (for a static one with everything it needs, in link order).
set(DOTORI_XNNPACK OFF CACHE STRING "XNNPACK backend: ON, OFF, or AUTO (when it is found)")
set_property(CACHE DOTORI_XNNPACK PROPERTY STRINGS ON OFF AUTO)

# Sets DOTORI_HAS_XNNPACK in the caller's scope.
function(dotori_find_xnnpack)
  set(DOTORI_HAS_XNNPACK OFF PARENT_SCOPE)
  if(NOT DOTORI_XNNPACK)
    return()
  endif()
  find_path(XNNPACK_INCLUDE_DIR xnnpack.h)
  if(NOT XNNPACK_LIBRARIES)
    find_library(XNNPACK_LIBRARY XNNPACK)
    find_library(PTHREADPOOL_LIBRARY pthreadpool)
    if(XNNPACK_LIBRARY AND PTHREADPOOL_LIBRARY)
      set(XNNPACK_LIBRARIES ${XNNPACK_LIBRARY} ${PTHREADPOOL_LIBRARY} CACHE STRING "XNNPACK and what it needs")
    endif()
  endif()
  if(XNNPACK_INCLUDE_DIR AND XNNPACK_LIBRARIES)
    set(DOTORI_HAS_XNNPACK ON PARENT_SCOPE)
  elseif(NOT DOTORI_XNNPACK STREQUAL "AUTO")
    message(FATAL_ERROR "DOTORI_XNNPACK is ${DOTORI_XNNPACK}, but xnnpack.h, libXNNPACK or libpthreadpool was not found. "
                        "Debian: libxnnpack-dev libpthreadpool-dev; else set XNNPACK_INCLUDE_DIR and XNNPACK_LIBRARIES.")
  endif()
endfunction()

# Links XNNPACK and defines what the version found has: DOTORI_XNNPACK_HAS_… 0 or 1.
function(dotori_link_xnnpack target)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${XNNPACK_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${XNNPACK_LIBRARIES})
  foreach(feature
      "RUNTIME_V4=(void*)&xnn_create_runtime_v4,(void*)&xnn_create_workspace"
      "SETUP_V2=(void*)&xnn_reshape_runtime,(void*)&xnn_setup_runtime_v2"
      "CONCATENATE=(void*)&xnn_define_concatenate2,(void*)&xnn_define_concatenate4"
      "TRANSPOSE=(void*)&xnn_define_static_transpose")
    string(REGEX MATCH "^([A-Z0-9_]+)=(.*)$" matched ${feature})
    set(name DOTORI_XNNPACK_HAS_${CMAKE_MATCH_1})
    check_cxx_source_compiles("#include <xnnpack.h>\nint main() { void* used[] = {${CMAKE_MATCH_2}}; return !used[0]; }" ${name})
    target_compile_definitions(${target} PRIVATE ${name}=$<BOOL:${${name}}>)
  endforeach()
  target_include_directories(${target} SYSTEM PRIVATE ${XNNPACK_INCLUDE_DIR})
  target_link_libraries(${target} PRIVATE ${XNNPACK_LIBRARIES})
endfunction()
