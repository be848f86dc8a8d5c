// SPDX-License-Identifier: Apache-2.0
// A small int8 U-Net with every int8 operator: the hash of each tensor is the one written here, whatever the machine,
// the instruction set and the number of threads. (tests/models/bit_exact.sh compares trained networks between two
// machines.)
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "models/all_tensors.h"
#include "models/small_unet.h"

namespace dotori {
namespace {

TEST(BitExact, SmallUnetOfEveryOperator) {
  // One hash over the hashes of all tensors, in the order of the nodes. A change of the arithmetic changes it.
  constexpr std::uint64_t kExpected = 12619841979009415906ull;
  const Result<Model> model = Model::from_graph(testing::with_all_outputs(testing::small_unet()));
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (BackendKind backend : {BackendKind::kReference, BackendKind::kCpu}) {
    for (int threads = 1; threads <= 8; ++threads) {
      SessionOptions options;
      options.backend = backend;
      options.num_threads = threads;
      Result<Session> session = Session::create(*model, options);
      ASSERT_TRUE(session.ok()) << session.status().message();
      testing::fill_random(*session, 3);
      ASSERT_TRUE(session->run().ok());
      std::vector<std::uint64_t> hashes;
      std::string text;
      for (int i = 0; i < session->output_count(); ++i) {
        hashes.push_back(testing::hash_of(session->output(i)));
        // A tensor of few values would hide a mistake.
        const TensorView y = session->output(i);
        const std::uint8_t* bytes = static_cast<const std::uint8_t*>(y.data);
        const std::size_t different = std::set<std::uint8_t>(bytes, bytes + y.size_bytes).size();
        if (y.elements() >= 64 && y.type == DataType::kInt8) {
          EXPECT_GE(different, 20u) << model->outputs()[static_cast<std::size_t>(i)].name;
        }
        char line[64];
        std::snprintf(line, sizeof line, "%016llx ", static_cast<unsigned long long>(hashes.back()));
        text += line + model->outputs()[static_cast<std::size_t>(i)].name + "\n";
      }
      const std::uint64_t all =
          graph::xxh64({reinterpret_cast<const unsigned char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)});
      ASSERT_EQ(all, kExpected) << (backend == BackendKind::kCpu ? host_isa_name() : "reference") << ", " << threads
                                << " threads\n"
                                << text;
    }
  }
}

}  // namespace
}  // namespace dotori
