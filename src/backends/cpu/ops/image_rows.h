// SPDX-License-Identifier: Apache-2.0
// What the operators that compute NHWC images row by row have in common.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <dotori/status.h>
#include <dotori/tensor.h>

#include "backends/thread_pool.h"

namespace dotori::backends::cpu {

// The row kernels count pixels and channels in 32 bits.
inline Status expect_int32_dims(const Shape& shape) {
  for (std::int64_t dim : shape) {
    if (dim > std::numeric_limits<std::int32_t>::max()) {
      return unsupported("every dimension must be below 2^31, found " + shape.to_string());
    }
  }
  return {};
}

// The output rows of a batch, handed to threads in runs of rows that are worth the hand-over.
struct ImageRows {
  std::int64_t images = 1;
  std::int64_t rows = 1;  // of each image
  std::int64_t rows_per_task = 1;

  // `row_elems`: elements of an output row; `elem_operations`: about how many arithmetic operations one costs.
  static ImageRows make(std::int64_t images, std::int64_t rows, std::int64_t row_elems,
                        std::int64_t elem_operations) noexcept {
    constexpr std::int64_t kTaskOperations = 32768;  // a few microseconds
    constexpr std::int64_t kMostTasks = 1 << 20;
    ImageRows r;
    r.images = images;
    r.rows = rows;
    r.rows_per_task = kTaskOperations / elem_operations / row_elems + 1;
    const std::int64_t least = (images * rows + kMostTasks - 1) / kMostTasks;
    if (r.rows_per_task < least) r.rows_per_task = least;
    return r;
  }

  // Calls row(image, y, worker) for every row; see ThreadPool::parallel_for.
  template <class Row>
  void run(ThreadPool& pool, const Row& row) const noexcept {
    const std::int64_t all = images * rows;
    const int tasks = static_cast<int>((all + rows_per_task - 1) / rows_per_task);
    pool.parallel_for(tasks, [&](int task, int worker) noexcept {
      const std::int64_t first = task * rows_per_task;
      const std::int64_t end = first + rows_per_task < all ? first + rows_per_task : all;
      std::int64_t image = first / rows, y = first % rows;
      for (std::int64_t i = first; i < end; ++i) {
        row(image, static_cast<std::int32_t>(y), worker);
        if (++y == rows) {
          y = 0;
          ++image;
        }
      }
    });
  }
};

}  // namespace dotori::backends::cpu
