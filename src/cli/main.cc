// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <dotori/version.h>

#include "cli/cli.h"

int main(int argc, char** argv) {
  CLI::App app{"Dotori runs trained vision networks on small CPUs: convert once, then run everywhere."};
  app.footer(
      "Examples:\n"
      "  dotori convert mobilenet.tflite -o mobilenet.dtr --preset mobilenet-tf --labels labels.txt\n"
      "  dotori run mobilenet.dtr photo.jpg\n"
      "  dotori inspect mobilenet.dtr\n"
      "  dotori bench mobilenet.dtr --threads 2 --profile");
  const std::string version =
      std::string("dotori ") + DOTORI_VERSION_STRING + " (isa: " + dotori::host_isa_name() + ")";
  app.set_version_flag("--version", version);
  app.require_subcommand(1);

  int exit_code = 0;
  dotori::cli::add_convert(app, exit_code);
  dotori::cli::add_check(app, exit_code);
  dotori::cli::add_run(app, exit_code);
  dotori::cli::add_inspect(app, exit_code);
  dotori::cli::add_bench(app, exit_code);
  dotori::cli::add_eval(app, exit_code);
  dotori::cli::add_agree(app, exit_code);
  dotori::cli::add_diff(app, exit_code);
  dotori::cli::add_anchors(app, exit_code);
  dotori::cli::add_quantize(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : dotori::cli::kExitUsage;
  } catch (const std::exception& error) {
    // Memory that the STL of the host tools could not get.
    std::fprintf(stderr, "dotori: %s\n", error.what());
    return dotori::cli::kExitFailed;
  }
  return exit_code;
}
