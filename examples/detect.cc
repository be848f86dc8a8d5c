// SPDX-License-Identifier: Apache-2.0
// Boxes around what a detector sees, drawn into a PNG: example_detect MODEL.dtr PHOTO OUT.png
#include <cstdio>

#include <dotori/dotori.h>
#include <dotori/vision.h>

static int fail(const dotori::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: example_detect MODEL.dtr PHOTO OUT.png\n"), 2;
  auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status());
  dotori::SessionOptions options;
  options.num_threads = 0;  // one for each core
  auto session = dotori::Session::create(*model, options);
  if (!session.ok()) return fail(session.status());

  auto photo = dotori::vision::load_image(argv[2]);
  if (!photo.ok()) return fail(photo.status());
  // The transform remembers how the photo was resized, so that boxes come back in photo pixels.
  auto transform = dotori::vision::fill_input(*photo, model->task().preprocess, session->input(0));
  if (!transform.ok()) return fail(transform.status());
  if (dotori::Status status = session->run(); !status.ok()) return fail(status);

  std::vector<dotori::TensorView> outputs;
  for (int i = 0; i < session->output_count(); ++i) outputs.push_back(session->output(i));
  auto boxes = dotori::vision::decode_detections(model->task().detection, outputs, *transform);
  if (!boxes.ok()) return fail(boxes.status());
  std::printf("%zu boxes\n", boxes->size());
  dotori::vision::draw_boxes(*photo, *boxes, model->task().labels);
  if (dotori::Status status = dotori::vision::save_png(*photo, argv[3]); !status.ok()) return fail(status);
  return 0;
}
