// The parameters of one recurrent layer, packed for its products, and their gradients.
//
// In the parameter vector: weight_ih, weight_hh, bias, recurrent biases, weight_ch, one after the other.
#pragma once

#include <vector>

#include "node.h"
#include "packing.h"

namespace tidegate {

template <class T, class Cell>
class RecurrentWeights {
  static constexpr CellLayout kLayout = Cell::layout;
  static constexpr int W = kWidth<T>, kColumns = kLayout.num_columns;

 public:
  RecurrentWeights(const Sources<T>& sources, long hidden_size, long first_parameter)
      : hidden_size(hidden_size),
        units(padded<T>(hidden_size) / W),
        stride(row_stride<T>(units * kColumns * W)),
        input_panels{units, kLayout.input_count, kLayout.input_count, kColumns * W},
        input_size_(total_size(sources)),
        weight_hh_(first_parameter + kLayout.num_gates * hidden_size * input_size_),
        bias_(weight_hh_ + kLayout.num_gates * hidden_size * hidden_size),
        weight_ch_(bias_ + (kLayout.num_gates + kLayout.num_recurrent_biases) * hidden_size),
        num_sources_(sources.size()) {
    long from = 0, place = 0;
    for (const Node<T>* source : sources) {
      const long size = source->value.size;
      add({first_parameter, input_size_, from, size, kLayout.input_first, kLayout.input_count, kLayout.input_block}, place,
          source->value.needs_gradient, source->value.gradient_size);
      from += size;
      place += size * stride;
    }
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& product = kLayout.products[p];
      const long matrix = product.matrix == Matrix::kRecurrent ? weight_hh_ : weight_ch_;
      add({matrix, hidden_size, 0, hidden_size, product.first, product.count, product.block}, place, true, hidden_size);
      place += hidden_size * stride;
    }
    bias_gradient_ = place;
    diagonal_gradients_ = place + stride;
    gradient_size = diagonal_gradients_ + kLayout.num_diagonals * units * W;
  }

  static long num_parameters(long input_size, long hidden_size) {
    const long peephole = kLayout.num_diagonals ? 1 : hidden_size;
    return hidden_size * (kLayout.num_gates * (input_size + hidden_size + 1) + kLayout.num_recurrent_biases +
                          kLayout.num_peepholes * peephole);
  }

  const long hidden_size;
  const long units;           // vectors of units
  const long stride;          // from one row of columns to the next
  const Panels input_panels;  // the columns that W x is added to
  long gradient_size;         // of one group's gradients, below

  // Bytes of the weights that every step reads, as rows of all columns: their gradients' size, and an upper bound.
  long bytes_of_products() const { return kLayout.num_products * hidden_size * stride * static_cast<long>(sizeof(T)); }
  long bytes_of_inputs() const { return input_size_ * stride * static_cast<long>(sizeof(T)); }

  // ---- packed ----

  void pack(const T* parameters, bool backward, Team& team) {
    T* bias = packed_bias_.zeroed(stride);
    T* diagonal = packed_diagonal_.zeroed(kLayout.num_peepholes * units * W);
    for (Product& one : products_) {
      one.packed.zeroed(one.blocks.template packed_size<T>(hidden_size));
      if (backward && one.needs_transpose) one.transposed.zeroed(one.differentiated.template packed_transposed_size<T>(hidden_size));
    }
    team.run([&](int thread, int count) {
      const Range part = share(units, thread, count);
      for (Product& one : products_) {
        tidegate::pack(one.blocks, parameters, hidden_size, part, one.packed.data());
        if (backward && one.needs_transpose) pack_transposed(one.differentiated, parameters, hidden_size, part, one.transposed.data());
      }
      const auto row = [&](long block, long u) { return load_up_to(parameters + block + u * W, units_in<T>(u, hidden_size)); };
      for (long u = part.begin; u < part.end; ++u) {
        for (int column = 0; column < kColumns; ++column)
          store(bias + (u * kColumns + column) * W, row(bias_ + kLayout.bias_block[column] * hidden_size, u));
        if constexpr (kLayout.num_diagonals > 0)
          for (int block = 0; block < kLayout.num_peepholes; ++block)
            store(diagonal + (block * units + u) * W, row(weight_ch_ + block * hidden_size, u));
      }
    });
  }

  const T* bias() const { return packed_bias_.data(); }          // a row of columns
  const T* diagonal() const { return packed_diagonal_.data(); }  // (peepholes, units)
  const T* input(std::size_t source) const { return products_[source].packed.data(); }
  const T* input_transposed(std::size_t source) const { return products_[source].transposed.data(); }
  const T* product(int p) const { return products_[num_sources_ + p].packed.data(); }
  const T* product_transposed(int p) const { return products_[num_sources_ + p].transposed.data(); }

  // ---- the gradients of one group of sequences: rows of columns for each column of an input and each unit of a
  // product, a row of columns for the bias, and a row of units for each diagonal ----

  T* input_gradient(T* group, std::size_t source) const { return group + products_[source].place; }
  T* product_gradient(T* group, int p) const { return group + products_[num_sources_ + p].place; }
  T* bias_gradient(T* group) const { return group + bias_gradient_; }
  T* diagonal_gradient(T* group, int d) const { return group + diagonal_gradients_ + d * units * W; }

  // Their sum over the groups, in order, to its place in the gradients of the parameters.
  void unpack(const std::vector<const T*>& groups, T* gradients, Team& team) const {
    team.run([&](int thread, int count) {
      const Range part = share(units, thread, count);
      for (const Product& one : products_)
        tidegate::unpack(one.blocks, hidden_size, part, kColumns, stride, groups, one.place, gradients);
      const auto row = [&](long place, long block, long u) {
        store_up_to(gradients + block + u * W, sum_of(groups, place), units_in<T>(u, hidden_size));
      };
      for (long u = part.begin; u < part.end; ++u) {
        for (int column = 0; column < kColumns; ++column)
          row(bias_gradient_ + (u * kColumns + column) * W, bias_ + kLayout.bias_block[column] * hidden_size, u);
        for (int d = 0; d < kLayout.num_diagonals; ++d)
          row(diagonal_gradients_ + (d * units + u) * W, weight_ch_ + kLayout.diagonals[d].block * hidden_size, u);
      }
    });
  }

 private:
  struct Product {
    WeightBlocks blocks, differentiated;  // the second: of the columns whose gradient is needed
    long place;  // among a group's gradients
    bool needs_transpose;
    Buffer<T> packed, transposed;
  };

  void add(WeightBlocks blocks, long place, bool needs_transpose, long gradient_size) {
    products_.push_back({blocks, blocks, place, needs_transpose, {}, {}});
    products_.back().differentiated.size = gradient_size;
  }

  long input_size_, weight_hh_, bias_, weight_ch_;  // offsets in the parameter vector
  long bias_gradient_, diagonal_gradients_;         // among a group's gradients
  std::size_t num_sources_;
  std::vector<Product> products_;                   // of the sources, then the recurrent ones
  Buffer<T> packed_bias_, packed_diagonal_;
};

}  // namespace tidegate
