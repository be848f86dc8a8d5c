/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of the C API that are written in C. Each returns the number of failures, which it prints. */
#ifndef TESTS_C_API_CHECKS_H_
#define TESTS_C_API_CHECKS_H_

#ifdef __cplusplus
extern "C" {
#endif

typedef struct c_api_files {
  const char *classifier, *detector, *segmenter; /* small models: 8x8x3 inputs; 5 classes; 2 classes; 3 classes */
  const char *damaged, *folder;                  /* not a model; where files may be written */
} c_api_files;

int check_version_and_errors(const c_api_files* files);
int check_models(const c_api_files* files);
int check_sessions(const c_api_files* files);
int check_images(const c_api_files* files);
int check_answers(const c_api_files* files);
int check_handles(const c_api_files* files);
int check_threads(const c_api_files* files);

#ifdef __cplusplus
}
#endif

#endif
