// Weights of a recurrent layer, rearranged for its products, and their gradients back.
//
// A row of columns is [vector of units][column][unit in the vector]; see cell.h. `units` are vectors of units: each
// function does its part for those in the range, so that threads can share it out.
#pragma once

#include <vector>

#include "cell.h"
#include "memory.h"
#include "product.h"

namespace tidegate {

// Rows of a parameter matrix in blocks of H, (blocks * H, stride), of which a product uses columns [from, from + size):
// block[j] of it feeds the layer's column first + j, for j in [0, count).
struct WeightBlocks {
  long offset, stride, from, size;  // offset of the matrix in the parameters
  int first, count;
  std::array<int, kMaxColumns> block;

  // Where the weights of one unit in one of the columns begin, (size,).
  long row(int column, long unit, long hidden_size) const {
    return offset + (block[column] * hidden_size + unit) * stride + from;
  }
  template <class T>
  long packed_size(long hidden_size) const { return padded<T>(hidden_size) * count * size; }
  template <class T>
  long packed_transposed_size(long hidden_size) const {
    return plain_panels<T>(size).total_vectors() * kWidth<T> * padded<T>(hidden_size) * count;
  }
};

// Calls visit(lane, unit) for the units of one vector that are there.
template <class T, class Visit>
inline void for_lanes(long vector, long hidden_size, Visit&& visit) {
  const long first = vector * kWidth<T>, count = std::min<long>(kWidth<T>, hidden_size - first);
  for (long lane = 0; lane < count; ++lane) visit(lane, first + lane);
}

inline constexpr long kPackBlock = 32;  // columns of the matrix whose packed cache lines stay while the units pass

// To multiply from the left: for each vector of units a panel, whose vectors are the columns. Lanes of no unit are left as
// they are.
template <class T>
void pack(const WeightBlocks& b, const T* parameters, long hidden_size, Range units, T* packed) {
  for (long u = units.begin; u < units.end; ++u)
    for (long block = 0; block < b.size; block += kPackBlock) {
      const long end = std::min(block + kPackBlock, b.size);
      for (int column = 0; column < b.count; ++column) {
        const Rows<T> to = packed_vector(packed + u * b.size * b.count * kWidth<T>, b.count, b.size, column);
        for_lanes<T>(u, hidden_size, [&](long lane, long unit) {
          const T* weights = parameters + b.row(column, unit, hidden_size);
          for (long k = block; k < end; ++k) *to.at(k, lane).data = weights[k];
        });
      }
    }
}

// Lanes of a vector of units that a transposed product runs through: a layer of less than one vector has no others.
template <class T>
constexpr long lanes_of(long hidden_size) {
  return std::min<long>(kWidth<T>, hidden_size);
}

// The transpose, to multiply gradients of columns: panels of k with a row for each [vector of units][column][lane].
template <class T>
void pack_transposed(const WeightBlocks& b, const T* parameters, long hidden_size, Range units, T* packed) {
  constexpr int W = kWidth<T>;
  const Panels panels = plain_panels<T>(b.size);
  const long lanes = lanes_of<T>(hidden_size), total = padded<T>(hidden_size) / W * b.count * lanes;
  for (long p = 0; p < panels.count; ++p) {
    const long first = p * panels.stride;
    T* panel = packed + p * panels.vectors * W * total;
    for (long u = units.begin; u < units.end; ++u)
      for (int column = 0; column < b.count; ++column)
        for_lanes<T>(u, hidden_size, [&](long lane, long unit) {
          pack_row(parameters + b.row(column, unit, hidden_size) + first, b.size - first, panel, panels.vectors_of(p), total,
                   (u * b.count + column) * lanes + lane);
        });
  }
}

// The gradient of the blocks, the sum over groups of (size, row of columns of `stride`) at `from`, to its place in
// `gradients`.
template <class T>
void unpack(const WeightBlocks& b, long hidden_size, Range units, int columns, long stride,
            const std::vector<const T*>& groups, long from, T* gradients) {
  constexpr int W = kWidth<T>;
  for (long u = units.begin; u < units.end; ++u)
    for (int column = 0; column < b.count; ++column) {
      const long at = (u * columns + b.first + column) * W;
      for (long block = 0; block < b.size; block += kPackBlock) {
        const long count = std::min(kPackBlock, b.size - block);
        T sums[kPackBlock][W];
        for (long k = 0; k < count; ++k) {
          const long place = from + (block + k) * stride + at;
          Vec<T> sum = load<T>(groups[0] + place);
          for (std::size_t g = 1; g < groups.size(); ++g) sum += load<T>(groups[g] + place);
          store(sums[k], sum);
        }
        for_lanes<T>(u, hidden_size, [&](long lane, long unit) {
          T* to = gradients + b.row(column, unit, hidden_size) + block;
          for (long k = 0; k < count; ++k) to[k] = sums[k][lane];
        });
      }
    }
}

}  // namespace tidegate
