// Matrix products, all on one micro-kernel: a tile of rows times a few vectors, kept in registers.
//
// Every output element is one chain of fused multiply-adds over the summed index in ascending order, starting from
// its initial value. Tiles, blocks and threads only choose who computes which element, so they never change its bits.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "simd.h"
#include "threads.h"

namespace tidegate {

// Largest number of tile rows for a tile that is `vectors` vectors wide: three quarters of the registers.
constexpr int tile_rows(int vectors) { return std::min(kVectorRegisters * 3 / 4 / vectors, 16); }
inline constexpr int kTileVectors = 4;

// With AVX2's sixteen registers a tile of six rows and two vectors reads half as much of b as one of three and four, and
// the instructions that count rows and step on are felt, most where a core's other thread takes its half of them.
inline constexpr bool kAvx2 = kVectorBytes == 32;

// A packed panel of `vectors` vectors is cut into slices of as many.
constexpr int slice_vectors(int vectors) { return kAvx2 && vectors % 2 == 0 ? 2 : vectors; }

// How the index runs that a product sums over: through `count` segments of `size`, in the left factor `stride` apart.
struct Segments {
  long size, count = 1, stride = 0;
};

inline constexpr long kAhead = 28;  // rows of b that are fetched ahead of their use: where they are in the last cache

// c[r, v] = initial[r, v] + sum_k a(r, k) * b[k, v] for `kRows` rows and `kVectors` vectors.
//   a: a(r, k) = a[r * lda + k], or a[k * lda + r] where kTransposed, within a segment.
//   b: slices of a packed panel, ldb apart; where kTransposed row k at b + k * ldb.
//   initial: row r at initial + r * ld_initial; null: zero. It may be c itself.
template <class T, int kRows, int kVectors, bool kTransposed>
void tile(Segments summed, const T* a, long lda, const T* b, long ldb, const T* initial, long ld_initial, T* c, long ldc) {
  constexpr int W = kWidth<T>, kSlice = kTransposed ? kVectors : slice_vectors(kVectors);
  const long row_of_b = kTransposed ? ldb : kSlice * W;
  Vec<T> sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[r][v] = initial ? load<T>(initial + r * ld_initial + v * W) : Vec<T>{};
  for (long segment = 0; segment < summed.count; ++segment, a += summed.stride, b += summed.size * row_of_b) {
    const auto add = [&](long k) __attribute__((always_inline)) {
      Vec<T> row[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) row[v] = load<T>(b + v / kSlice * ldb + k * row_of_b + v % kSlice * W);
      if constexpr (kRows > 2) {  // fewer rows wait for the cache anyhow, and a prefetch is one more thing to wait for
        constexpr int kOfLine = 64 / kVectorBytes;
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v += kOfLine) __builtin_prefetch(b + v / kSlice * ldb + (k + kAhead) * row_of_b + v % kSlice * W);
      }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Vec<T> factor = broadcast<T>(kTransposed ? a[k * lda + r] : a[r * lda + k]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(factor, row[v], sum[r][v]);
      }
    };
    constexpr int kUnrolled = kAvx2 && !kTransposed && kRows > 2 ? 8 : 1;
    long k = 0;
    for (; k + kUnrolled <= summed.size; k += kUnrolled)
#pragma GCC unroll 8
      for (int j = 0; j < kUnrolled; ++j) add(k + j);
    for (; k < summed.size; ++k) add(k);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(c + r * ldc + v * W, sum[r][v]);
}

template <class T>
using Tile = void (*)(Segments, const T*, long, const T*, long, const T*, long, T*, long);

// The tile for a number of rows (1 to tile_rows(vectors)) and vectors (1 to 4).
template <class T, bool kTransposed>
Tile<T> tile_for(int rows, int vectors) {
  static constexpr auto row_of = []<int kVectors, int... kRows>(std::integer_sequence<int, kRows...>) {
    std::array<Tile<T>, 17> tiles{};
    ((tiles[kRows + 1] = tile<T, kRows + 1, kVectors, kTransposed>), ...);
    return tiles;
  };
  static constexpr std::array<std::array<Tile<T>, 17>, 4> table = {
      row_of.template operator()<1>(std::make_integer_sequence<int, tile_rows(1)>{}),
      row_of.template operator()<2>(std::make_integer_sequence<int, tile_rows(2)>{}),
      row_of.template operator()<3>(std::make_integer_sequence<int, tile_rows(3)>{}),
      row_of.template operator()<4>(std::make_integer_sequence<int, tile_rows(4)>{})};
  return table[vectors - 1][rows];
}

// Calls visit(first_row, num_rows) for tiles of nearly equal height, none above `most`.
template <class Visit>
inline void for_each_tile(long rows, int most, Visit&& visit) {
  if (rows <= most) return rows ? visit(0L, static_cast<int>(rows)) : void();
  const long tiles = (rows + most - 1) / most;
  for (long i = 0, begin = 0; i < tiles; ++i) {
    const long end = rows * (i + 1) / tiles;
    visit(begin, static_cast<int>(end - begin));
    begin = end;
  }
}

// A view of rows: row r at data + r * stride.
template <class T>
struct Rows {
  T* data;
  long stride;
  Rows at(long row, long column = 0) const { return {data + row * stride + column, stride}; }
};

// How the output columns of a product are cut: panel p covers `vectors` vectors from column p * stride on (the last
// one `last_vectors`). A packed right-hand side holds, for each slice of each panel, its rows one after the other.
struct Panels {
  long count;
  int vectors;
  int last_vectors;
  long stride;

  int vectors_of(long panel) const { return panel + 1 == count ? last_vectors : vectors; }
  long total_vectors() const { return (count - 1) * vectors + last_vectors; }
};

// Panels that cut `columns` plain columns into four vectors each.
template <class T>
constexpr Panels plain_panels(long columns) {
  const long vectors = (columns + kWidth<T> - 1) / kWidth<T>;
  const long count = (vectors + kTileVectors - 1) / kTileVectors;
  const int last = static_cast<int>(vectors - (count - 1) * kTileVectors);
  return {count, count == 1 ? last : kTileVectors, last, kTileVectors * kWidth<T>};
}

// A vector of a packed panel of `depth` rows, by row.
template <class T>
Rows<T> packed_vector(T* panel, int vectors, long depth, int vector) {
  const int slice = slice_vectors(vectors);
  return Rows<T>{panel, slice * kWidth<T>}.at(vector / slice * depth, vector % slice * kWidth<T>);
}

// Row `row` of such a panel, from as many numbers of `count` as it has columns; zeros beyond.
template <class T>
void pack_row(const T* from, long count, T* panel, int vectors, long depth, long row) {
  constexpr long W = kWidth<T>;
  for (int v = 0; v < vectors; ++v, from += W, count -= W)
    store(packed_vector(panel, vectors, depth, v).at(row).data, load_up_to(from, count));
}

// c[r] = initial[r] + a[r] B for rows [0, rows) and one packed panel of B.
// initial: stride 0 repeats one row (a bias); null data: zero; c itself: accumulate.
template <class T>
[[gnu::always_inline]] inline void panel_product(long rows, Rows<const T> a, Segments summed, const T* b, int vectors,
                                                 Rows<const T> initial, Rows<T> c) {
  const long vector = summed.size * summed.count * kWidth<T>;
  const auto multiply = [&](long v, int some) __attribute__((always_inline)) {
    for_each_tile(rows, tile_rows(some), [&](long first, int count) {
      const T* start = initial.data ? initial.at(first, v * kWidth<T>).data : nullptr;
      tile_for<T, false>(count, some)(summed, a.at(first).data, a.stride, b + v * vector, slice_vectors(vectors) * vector, start,
                                      initial.stride, c.at(first, v * kWidth<T>).data, c.stride);
    });
  };
  const int slice = slice_vectors(vectors);
  if (slice == vectors || rows <= tile_rows(vectors)) return multiply(0, vectors);  // so few sums of a slice wait for each other
  for (long v = 0; v < vectors; v += slice) multiply(v, slice);
}

// The same for rows [0, rows) and the panels of `some`: a (rows, summed), B packed by panels.
template <class T>
void product(long rows, Rows<const T> a, Segments summed, const T* packed, const Panels& panels, Range some,
             Rows<const T> initial, Rows<T> c) {
  constexpr long kRowBlock = 96;  // rows of `a` that stay in the cache while the panels pass
  const long depth = summed.size * summed.count;
  for (long block = 0; block < rows; block += kRowBlock)
    for (long p = some.begin; p < some.end; ++p) {
      const long column = p * panels.stride;
      panel_product<T>(std::min(kRowBlock, rows - block), a.at(block), summed, packed + p * panels.vectors * depth * kWidth<T>,
                       panels.vectors_of(p), initial.data ? initial.at(block, column) : initial, c.at(block, column));
    }
}

// c[i, panel columns] = sum over rows r of a[r, i] * g[r, panel columns], added to what stands there if `accumulate`,
// for i of `outputs`: a (rows, ...), g (rows, panel columns), c (..., panel columns). The gradient of a weight that
// `product` multiplied by.
template <class T>
void transposed_product(long rows, Range outputs, Rows<const T> a, Rows<const T> g, const Panels& panels, Rows<T> c,
                        bool accumulate) {
  constexpr long kCopied = 128, kInPlace = 256, W = kWidth<T>;  // rows whose columns of a and g stay in the cache
  alignas(64) T copied[kCopied * kTileVectors * W];  // of g, whose rows are pages apart, for the first-level cache
  const bool copies = outputs.size() > 16 * tile_rows(panels.vectors);
  const long most = copies ? kCopied : kInPlace;
  for (long block = 0; block < rows || block == 0; block += most) {
    const long block_rows = std::min(most, rows - block);
    for (long p = 0; p < panels.count; ++p) {
      const int vectors = panels.vectors_of(p);
      const long column = p * panels.stride;
      Rows<const T> factor = g.at(block, column);
      if (copies) {
        for (long r = 0; r < block_rows; ++r)
          for (int v = 0; v < vectors; ++v) store(copied + (r * vectors + v) * W, load<T>(factor.at(r, v * W).data));
        factor = {copied, vectors * W};
      }
      for_each_tile(outputs.size(), tile_rows(vectors), [&](long first, int count) {
        const long i = outputs.begin + first;
        T* out = c.at(i, column).data;
        tile_for<T, true>(count, vectors)({block_rows}, a.at(block, i).data, a.stride, factor.data, factor.stride,
                                          block || accumulate ? out : nullptr, c.stride, out, c.stride);
      });
    }
  }
}

// sums[column] = sum over rows of g[r, column], added to what stands there if `accumulate`, for whole vectors of columns
// [begin, end).
template <class T>
void column_sums(long rows, long begin, long end, Rows<const T> g, T* sums, bool accumulate) {
  constexpr int kVectors = 8, W = kWidth<T>;  // whole cache lines of a row at a time
  long column = begin;
  const auto sum_up = [&]<int kCount>() {
    Vec<T> sum[kCount];
    for (int v = 0; v < kCount; ++v) sum[v] = accumulate ? load<T>(sums + column + v * W) : Vec<T>{};
    for (long r = 0; r < rows; ++r)
      for (int v = 0; v < kCount; ++v) sum[v] += load<T>(g.at(r, column + v * W).data);
    for (int v = 0; v < kCount; ++v) store(sums + column + v * W, sum[v]);
    column += kCount * W;
  };
  while (column + kVectors * W <= end) sum_up.template operator()<kVectors>();
  while (column + kVectors / 2 * W <= end) sum_up.template operator()<kVectors / 2>();
  while (column < end) sum_up.template operator()<1>();
}

}  // namespace tidegate
