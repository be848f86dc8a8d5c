# SPDX-License-Identifier: Apache-2.0
# model.fbs -> ${PROJECT_BINARY_DIR}/generated/graph/model_generated.h. The FlatBuffers headers are copied beside it, so that a
# cross build does not see the rest of the host's /usr/include.
find_program(DOTORI_FLATC flatc)
find_path(DOTORI_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h NO_CMAKE_FIND_ROOT_PATH)
if(NOT DOTORI_FLATC OR NOT DOTORI_FLATBUFFERS_INCLUDE)
  message(FATAL_ERROR "FlatBuffers is missing (Debian: flatbuffers-compiler, libflatbuffers-dev)")
endif()
set(generated ${PROJECT_BINARY_DIR}/generated)
file(COPY ${DOTORI_FLATBUFFERS_INCLUDE}/flatbuffers DESTINATION ${generated})
add_custom_command(
  OUTPUT ${generated}/graph/model_generated.h
  COMMAND ${DOTORI_FLATC} --cpp --cpp-std c++17 --gen-object-api -o ${generated}/graph
          ${CMAKE_CURRENT_LIST_DIR}/model.fbs
  DEPENDS ${CMAKE_CURRENT_LIST_DIR}/model.fbs
  COMMENT "flatc model.fbs" VERBATIM)
# The library is a target of another folder, which cannot name a file made here as its source.
add_custom_target(dotori_model_schema DEPENDS ${generated}/graph/model_generated.h)
add_dependencies(dotori dotori_model_schema)
target_include_directories(dotori SYSTEM PRIVATE ${generated})
