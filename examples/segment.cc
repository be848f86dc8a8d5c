// SPDX-License-Identifier: Apache-2.0
// The connected regions a segmentation network finds, as CSV: example_segment MODEL.dtr PHOTO [OUT.png]
#include <cstdio>

#include <dotori/dotori.h>
#include <dotori/vision.h>

static int fail(const dotori::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return std::fprintf(stderr, "usage: example_segment MODEL.dtr PHOTO [OUT.png]\n"), 2;
  auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status());
  auto session = dotori::Session::create(*model);
  if (!session.ok()) return fail(session.status());

  auto photo = dotori::vision::load_image(argv[2]);
  if (!photo.ok()) return fail(photo.status());
  auto transform = dotori::vision::fill_input(*photo, model->task().preprocess, session->input(0));
  if (!transform.ok()) return fail(transform.status());
  if (dotori::Status status = session->run(); !status.ok()) return fail(status);

  const dotori::SegmentationInfo& info = model->task().segmentation;
  auto mask = dotori::vision::decode_mask(info, session->output(info.output), *transform);
  if (!mask.ok()) return fail(mask.status());
  std::printf("class,pixels,centre_x,centre_y,equivalent_diameter\n");
  for (const dotori::vision::Region& r : dotori::vision::connected_regions(*mask, 20))
    std::printf("%d,%lld,%.1f,%.1f,%.1f\n", r.class_index, static_cast<long long>(r.pixels),
                static_cast<double>(r.centre_x), static_cast<double>(r.centre_y),
                static_cast<double>(r.equivalent_diameter));
  if (argc == 3) return 0;
  if (dotori::Status status = dotori::vision::overlay_mask(*photo, *mask); !status.ok()) return fail(status);
  if (dotori::Status status = dotori::vision::save_png(*photo, argv[3]); !status.ok()) return fail(status);
  return 0;
}
