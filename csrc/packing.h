// Weights of a recurrent layer, rearranged for its products, and their gradients back.
//
// A row of columns is [vector of units][column][unit in the vector]; see cell.h.
#pragma once

#include "cell.h"
#include "memory.h"
#include "product.h"

namespace tidegate {

// Rows of a parameter matrix in blocks of H, (blocks * H, stride), of which a product uses columns [from, from + size):
// block[j] of it feeds the layer's column first + j, for j in [0, count).
template <class T>
struct WeightBlocks {
  const T* matrix;
  long stride, from, size;
  int first, count;
  std::array<int, kMaxColumns> block;

  // The weights of one unit in one of the columns, (size,).
  long row(int column, long unit, long hidden_size) const { return (block[column] * hidden_size + unit) * stride + from; }
};

// Calls visit(unit, place of its first column in a row of columns).
template <class T, class Visit>
inline void for_units(long hidden_size, int columns, Visit&& visit) {
  constexpr int W = kWidth<T>;
  for (long unit = 0; unit < hidden_size; ++unit) visit(unit, unit / W * columns * W + unit % W);
}

// To multiply from the left: [vector of units][k][column][unit in the vector].
template <class T>
void pack(const WeightBlocks<T>& b, long hidden_size, Buffer<T>& packed) {
  constexpr int W = kWidth<T>;
  const long width = b.count * W;
  T* out = packed.zero(padded<T>(hidden_size) / W * b.size * width);
  for (int column = 0; column < b.count; ++column)
    for (long unit = 0; unit < hidden_size; ++unit) {
      const T* weights = b.matrix + b.row(column, unit, hidden_size);
      T* to = out + unit / W * b.size * width + column * W + unit % W;
      for (long k = 0; k < b.size; ++k) to[k * width] = weights[k];
    }
}

// The transpose, to multiply gradients of columns: [panel of k][vector of units][column][unit in the vector][k in it].
template <class T>
void pack_transposed(const WeightBlocks<T>& b, long hidden_size, Buffer<T>& packed) {
  constexpr int W = kWidth<T>;
  const Panels panels = plain_panels<T>(b.size);
  const long total = padded<T>(hidden_size) * b.count;
  T* out = packed.zero(panels.total_vectors() * W * total);
  for (long p = 0; p < panels.count; ++p) {
    const long first = p * panels.stride, width = panels.vectors_of(p) * W, used = std::min(width, b.size - first);
    T* panel = out + p * panels.vectors * W * total;
    for (int column = 0; column < b.count; ++column)
      for (long unit = 0; unit < hidden_size; ++unit)
        std::copy_n(b.matrix + b.row(column, unit, hidden_size) + first, used,
                    panel + ((unit / W * b.count + column) * W + unit % W) * width);
  }
}

// The gradient of the blocks, from (size, row of columns) to the place of the parameter matrix in `gradients`.
template <class T>
void unpack(const WeightBlocks<T>& b, long hidden_size, int columns, const T* packed, T* gradients) {
  const long stride = padded<T>(hidden_size) * columns;
  for_units<T>(hidden_size, columns, [&](long unit, long at) {
    for (int column = 0; column < b.count; ++column) {
      T* to = gradients + b.row(column, unit, hidden_size);
      for (long k = 0; k < b.size; ++k) to[k] = packed[k * stride + at + (b.first + column) * kWidth<T>];
    }
  });
}

}  // namespace tidegate
