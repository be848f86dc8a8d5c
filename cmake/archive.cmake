# SPDX-License-Identifier: Apache-2.0
# DOTORI_ARCHIVE: package/libdotori.a, the runtime, vision and the C API as one archive that needs libc and libm only, and
# rules to install it with its headers, a CMake package and a pkg-config file.
option(DOTORI_ARCHIVE "Build the self-contained archive package/libdotori.a and its install rules" OFF)
if(NOT DOTORI_ARCHIVE)
  return()
endif()
if(NOT DOTORI_VISION AND NOT DOTORI_HOST_TOOLS)
  message(FATAL_ERROR "DOTORI_ARCHIVE needs DOTORI_VISION=ON: the archive holds the runtime and vision")
endif()
include(GNUInstallDirs)
enable_language(C)

# Position-independent, so that it may go into shared libraries; a section a function, so that --gc-sections takes what a
# program does not use; no unique names, which cannot be made local. The atomics are instructions, because libgcc's functions
# for them begin with a static initialiser.
add_library(dotori_cxx_support OBJECT src/standalone/cxx_support.cc)
add_library(dotori_string STATIC src/standalone/string.cc)
set(archive_parts dotori dotori_vision dotori_string)
if(TARGET dotori_c)
  list(APPEND archive_parts dotori_c)
endif()
foreach(target ${archive_parts} dotori_cxx_support)
  dotori_core_flags(${target})
  target_compile_options(${target} PRIVATE -fPIC -ffunction-sections -fdata-sections -fvisibility-inlines-hidden
    $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique> $<$<CONFIG:MinSizeRel>:-fno-asynchronous-unwind-tables>)
  if(DOTORI_ARCH STREQUAL aarch64)
    target_compile_options(${target} PRIVATE -mno-outline-atomics)
  endif()
endforeach()

set(archive_merged)
get_target_property(vision_links dotori_vision LINK_LIBRARIES)
if("JPEG::JPEG" IN_LIST vision_links)
  find_library(DOTORI_JPEG_ARCHIVE libjpeg.a REQUIRED)
  list(APPEND archive_merged ${DOTORI_JPEG_ARCHIVE})
endif()
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE libstdcxx
                OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "objcopy$" "" tool_prefix ${CMAKE_OBJCOPY})

set(archive ${PROJECT_BINARY_DIR}/package/libdotori.a)
set(archive_files)
foreach(target ${archive_parts})
  list(APPEND archive_files $<TARGET_FILE:${target}>)
endforeach()
add_custom_command(
  OUTPUT ${archive}
  COMMAND ${CMAKE_COMMAND} -E env ARCHIVE_SYMBOLS=${PROJECT_BINARY_DIR}/package/public_symbols
          ARCHIVE_UNWIND=$<NOT:$<CONFIG:MinSizeRel>>
          ${PROJECT_SOURCE_DIR}/cmake/archive/build_archive.sh "${tool_prefix}" ${PROJECT_SOURCE_DIR}/include/dotori
          $<TARGET_OBJECTS:dotori_cxx_support> ${libstdcxx} ${archive} ${archive_files} -- ${archive_merged}
  DEPENDS ${archive_parts} dotori_cxx_support $<TARGET_OBJECTS:dotori_cxx_support> cmake/archive/build_archive.sh
          cmake/archive/renamed_symbols
  COMMENT "libdotori.a" VERBATIM)
add_custom_target(dotori_archive ALL DEPENDS ${archive})

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/dotori)
configure_package_config_file(cmake/dotoriConfig.cmake.in package/dotoriConfig.cmake INSTALL_DESTINATION ${package_folder}
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(package/dotoriConfigVersion.cmake VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
# From where the file lies to the prefix: pkg-config then finds the package wherever it was unpacked.
file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" PC_PREFIX ${PC_PREFIX})
configure_file(cmake/dotori.pc.in package/dotori.pc @ONLY)
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/dotori DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/package/dotoriConfig.cmake ${PROJECT_BINARY_DIR}/package/dotoriConfigVersion.cmake
        DESTINATION ${package_folder})
install(FILES ${PROJECT_BINARY_DIR}/package/dotori.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET dotori_cli)
  install(TARGETS dotori_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
