// What a network reads, from the caller's memory.
#pragma once

#include "../node.h"

namespace tidegate {

// The values of each step, or of each sequence, gathered from the data into the order of the batch.
template <class T>
class InputNode final : public Node<T> {
 public:
  const T* data = nullptr;  // (rows of the data, size), row-major

  InputNode(long size, bool per_step, long stream) : Node<T>(size, per_step) {
    this->value.needs_gradient = false;
    this->value.stream = stream;
  }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long stride = this->value.stride, rows = this->value.rows(batch);
    T* out = this->value.data.resize(rows * stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      if (this->value.per_step)
        batch.for_steps(begin, end, [&](long row, long b, long t, long count) {
          gather(batch.start.data() + b, t, count, out + row * stride);
        });
      else
        gather(batch.sequence.data() + begin, 0, end - begin, out + begin * stride);
    });
  }

  void backward(Pass<T>& /*pass*/) override {}

 private:
  // `count` rows, each `offset` rows after one of `places` in the data.
  void gather(const long* places, long offset, long count, T* to) const {
    constexpr long kStepsAhead = 8;  // of each sequence, whose rows lie one after the other
    const long size = this->value.size, stride = this->value.stride;
    const T* first = data + offset * size;
    for (long i = 0; i < count; ++i, to += stride) {
      const T* from = first + places[i] * size;
      __builtin_prefetch(from + kStepsAhead * size);
      copy_row(from, size, to);
    }
  }
};

// Rows of which most columns are zero, as a CSR matrix: row r has the columns [offsets[r], offsets[r + 1]).
template <class T>
struct SparseRows {
  const std::int64_t* offsets = nullptr;
  const std::int32_t* columns = nullptr;
  const T* values = nullptr;  // null: all one
};

// Such rows are never laid out: what reads them goes through the entries where they lie.
template <class T>
class SparseInputNode final : public Node<T> {
 public:
  SparseRows<T> data;

  SparseInputNode(long size, bool per_step, long stream) : Node<T>(size, per_step) {
    this->value.needs_gradient = false;
    this->value.stream = stream;
  }

  // Calls visit(row, its row of the data) for the batch's rows of [begin, end).
  template <class Visit>
  void for_rows(const Batch& batch, long begin, long end, Visit&& visit) const {
    if (this->value.per_step)
      batch.for_rows(begin, end, [&](long row, long b, long t) { visit(row, batch.start[b] + t); });
    else
      for (long b = begin; b < end; ++b) visit(b, batch.sequence[b]);
  }

  void forward(Pass<T>& /*pass*/) override {}
  void backward(Pass<T>& /*pass*/) override {}
};

}  // namespace tidegate
