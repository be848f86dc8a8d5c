/* SPDX-License-Identifier: Apache-2.0
 * pixels MODEL.dtr RGB WIDTH HEIGHT: the smallest program that names what is on a picture of raw pixels, as a camera
 * gives them. Measured by bench/size/run. */
#include <dotori/c_api.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  dotori_error error;
  dotori_model model;
  dotori_session session;
  dotori_image image;
  dotori_class best;
  size_t count = 0, size;
  uint8_t* pixels;
  int width, height;
  FILE* file;
  DOTORI_INIT(error);
  if (argc != 5 || (file = fopen(argv[2], "rb")) == NULL) return 2;
  width = atoi(argv[3]);
  height = atoi(argv[4]);
  size = (size_t)3 * (size_t)width * (size_t)height;
  pixels = malloc(size);
  if (pixels == NULL || fread(pixels, 1, size, file) != size) return 2;
  if (dotori_model_load_file(argv[1], &model, &error) || dotori_session_create(model, NULL, &session, &error) ||
      dotori_image_from_rgb(pixels, size, width, height, 0, &image, &error) ||
      dotori_session_fill_image(session, image, &error) || dotori_session_run(session, &error) ||
      dotori_session_classes(session, &best, 1, &count, &error)) {
    puts(error.message);
    return 1;
  }
  printf("%d %.3f\n", (int)best.index, best.score);
  return 0;
}
