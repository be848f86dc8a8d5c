/* SPDX-License-Identifier: Apache-2.0
 * photos MODEL.dtr PHOTO: the smallest program that names what is on a photo (JPEG, PNG or BMP). Measured by
 * bench/size/run. */
#include <dotori/c_api.h>

#include <stdio.h>

int main(int argc, char** argv) {
  dotori_error error;
  dotori_model model;
  dotori_session session;
  dotori_image photo;
  dotori_class best;
  size_t count = 0;
  DOTORI_INIT(error);
  if (argc != 3) return 2;
  if (dotori_model_load_file(argv[1], &model, &error) || dotori_session_create(model, NULL, &session, &error) ||
      dotori_image_load_file(argv[2], 0, &photo, &error) || dotori_session_fill_image(session, photo, &error) ||
      dotori_session_run(session, &error) || dotori_session_classes(session, &best, 1, &count, &error)) {
    puts(error.message);
    return 1;
  }
  printf("%d %.3f\n", (int)best.index, best.score);
  return 0;
}
