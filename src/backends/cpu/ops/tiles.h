// SPDX-License-Identifier: Apache-2.0
// Splitting a row of independent items into tiles for the thread pool.
#pragma once

#include <cstddef>

#include "backends/thread_pool.h"

namespace dotori::backends::cpu {

// A tile is worth handing to a thread from about this many elements on, and still fits the second-level cache.
constexpr std::size_t kTileElems = 16384;

// A plain value, captured by steps.
struct Tiles {
  std::size_t items = 0;
  std::size_t per_tile = 1;

  // `item_elems`: elements touched for one item.
  static Tiles make(std::size_t items, std::size_t item_elems) noexcept {
    constexpr std::size_t kMostTiles = std::size_t{1} << 20;
    Tiles tiles;
    tiles.items = items;
    tiles.per_tile = item_elems < kTileElems ? kTileElems / (item_elems == 0 ? 1 : item_elems) : 1;
    const std::size_t least = (items + kMostTiles - 1) / kMostTiles;
    if (tiles.per_tile < least) tiles.per_tile = least;
    return tiles;
  }

  // Calls body(begin, end) for every tile of [0, items).
  template <class Body>
  void run(ThreadPool& pool, const Body& body) const noexcept {
    const int count = static_cast<int>((items + per_tile - 1) / per_tile);
    pool.parallel_for(count, [&](int tile, int) noexcept {
      const std::size_t begin = static_cast<std::size_t>(tile) * per_tile;
      body(begin, begin + per_tile < items ? begin + per_tile : items);
    });
  }
};

}  // namespace dotori::backends::cpu
