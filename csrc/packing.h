// Weights, rearranged for products, and their gradients back.
//
// A row of columns is [vector of units][column][unit in the vector]; see cell.h. `units` are vectors of units: each
// function does its part for those in the range, so that threads can share it out.
#pragma once

#include <vector>

#include "cell.h"
#include "memory.h"
#include "product.h"

namespace tidegate {

// Rows of `size` numbers, `stride` apart and at most a vector's width in both directions, to the columns of a packed vector.
template <class T>
void pack_columns(const T* from, long stride, long rows, long size, Rows<T> to) {
  transpose<T>(rows, size, [&](long row) { return load_up_to(from + row * stride, size); },
               [&](long k, Vec<T> lanes) { store(to.at(k).data, lanes); });
}

// The way back: read(k) is the vector of number k of each row.
template <class T, class Read>
void unpack_columns(long size, long rows, T* to, long stride, Read&& read) {
  transpose<T>(size, rows, read, [&](long row, Vec<T> numbers) { store_up_to(to + row * stride, numbers, size); });
}

// The sum over groups of the vector at `place` in each, in their order.
template <class T>
inline Vec<T> sum_of(const std::vector<const T*>& groups, long place) {
  Vec<T> sum = load<T>(groups[0] + place);
  for (std::size_t g = 1; g < groups.size(); ++g) sum += load<T>(groups[g] + place);
  return sum;
}

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

// How many units the vector `number` of them has.
template <class T>
constexpr long units_in(long number, long hidden_size) {
  return std::min<long>(kWidth<T>, hidden_size - number * kWidth<T>);
}

// To multiply from the left: for each vector of units a panel, whose vectors are the columns.
template <class T>
void pack(const WeightBlocks& b, const T* parameters, long hidden_size, Range units, T* packed) {
  constexpr long W = kWidth<T>;
  for (long u = units.begin; u < units.end; ++u)
    for (long k = 0; k < b.size; k += W)
      for (int column = 0; column < b.count; ++column)
        pack_columns(parameters + b.row(column, u * W, hidden_size) + k, b.stride, units_in<T>(u, hidden_size),
                     std::min(W, b.size - k), packed_vector(packed + u * b.size * b.count * W, b.count, b.size, column).at(k));
}

// Lanes of a vector of units that a transposed product runs through: a layer of less than one vector has no others.
template <class T>
constexpr long lanes_of(long hidden_size) {
  return std::min<long>(kWidth<T>, hidden_size);
}

// The transpose, to multiply gradients of columns: panels of k with a row for each [vector of units][column][lane]. Rows
// of lanes with no unit are left as they are.
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
        for (long lane = 0; lane < units_in<T>(u, hidden_size); ++lane)
          pack_row(parameters + b.row(column, u * W + lane, hidden_size) + first, b.size - first, panel, panels.vectors_of(p),
                   total, (u * b.count + column) * lanes + lane);
  }
}

// The gradient of the blocks, the sum over groups of (size, row of columns of `stride`) at `from`, to its place in
// `gradients`.
template <class T>
void unpack(const WeightBlocks& b, long hidden_size, Range units, int columns, long stride,
            const std::vector<const T*>& groups, long from, T* gradients) {
  constexpr long W = kWidth<T>;
  for (long u = units.begin; u < units.end; ++u)
    for (long k = 0; k < b.size; k += W)
      for (int column = 0; column < b.count; ++column) {
        const long first = from + k * stride + (u * columns + b.first + column) * W;
        unpack_columns(std::min(W, b.size - k), units_in<T>(u, hidden_size), gradients + b.row(column, u * W, hidden_size) + k, b.stride,
                       [&](long row) { return sum_of(groups, first + row * stride); });
      }
}

}  // namespace tidegate
