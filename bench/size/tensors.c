/* SPDX-License-Identifier: Apache-2.0
 * tensors MODEL.dtr INPUT: the smallest program that runs a network on the bytes of its first input and prints the sum
 * of the bytes of its first output. Measured by bench/size/run. */
#include <dotori/c_api.h>

#include <stdio.h>

int main(int argc, char** argv) {
  dotori_error error;
  dotori_model model;
  dotori_session session;
  dotori_tensor tensor;
  unsigned sum = 0;
  size_t i;
  FILE* file;
  DOTORI_INIT(error);
  DOTORI_INIT(tensor);
  if (argc != 3 || (file = fopen(argv[2], "rb")) == NULL) return 2;
  if (dotori_model_load_file(argv[1], &model, &error) || dotori_session_create(model, NULL, &session, &error) ||
      dotori_session_input(session, 0, &tensor, &error)) {
    puts(error.message);
    return 1;
  }
  if (fread(tensor.data, 1, tensor.size_bytes, file) != tensor.size_bytes) return 2;
  if (dotori_session_run(session, &error) || dotori_session_output(session, 0, &tensor, &error)) {
    puts(error.message);
    return 1;
  }
  for (i = 0; i < tensor.size_bytes; ++i) sum += ((unsigned char*)tensor.data)[i];
  printf("%u\n", sum);
  return 0;
}
