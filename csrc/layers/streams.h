// From one stream to another: a sequence's row at each of its steps, and a stream's rows at the steps of another.
#pragma once

#include "input.h"

namespace tidegate {

// y[b, t] = x[b] at every step of `like`.
template <class T>
class RepeatNode final : public Node<T> {
 public:
  RepeatNode(Node<T>* source, const Node<T>* like) : Node<T>(source->value.size, true), source_(source) {
    this->value.stream = like->value.stream;
    this->value.needs_gradient = source->value.needs_gradient;
  }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_steps * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(batch.num_steps, [&](long begin, long end) {
      batch.for_rows(begin, end, [&](long row, long b, long) { std::copy_n(in + batch.place[b] * stride, stride, out + row * stride); });
    });
  }

  void backward(Pass<T>& pass) override {
    if (!source_->value.needs_gradient || !this->value.has_gradient) return;
    const Batch& batch = pass.batch;
    const long stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    T* to = source_->value.accumulated_gradient(batch).data;
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b)
        for (long t = 0; t < batch.length[b]; ++t)
          for (long j = 0; j < stride; ++j) to[batch.place[b] * stride + j] += gradient[batch.row(t, b) * stride + j];
    });
  }

 private:
  Node<T>* source_;
};

// y[b, t] = x[b, i[b, t]], x of another stream; zero where i has no entry. i: a sparse input whose columns are steps of x.
template <class T>
class AlignNode final : public Node<T> {
 public:
  AlignNode(Node<T>* source, SparseInputNode<T>* index) : Node<T>(source->value.size, true), source_(source), index_(index) {
    this->value.stream = index->value.stream;
    this->value.needs_gradient = source->value.needs_gradient;
  }

  void forward(Pass<T>& pass) override {
    const Batch &batch = pass.batch, &other = *(*pass.streams)[source_->value.stream];
    const long stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_steps * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(batch.num_steps, [&](long begin, long end) {
      batch.for_rows(begin, end, [&](long row, long b, long t) {
        const long from = row_of(batch, other, b, t);
        if (from < 0) std::fill_n(out + row * stride, stride, T(0));
        else std::copy_n(in + from * stride, stride, out + row * stride);
      });
    });
  }

  void backward(Pass<T>& pass) override {
    if (!source_->value.needs_gradient || !this->value.has_gradient) return;
    const Batch &batch = pass.batch, &other = *(*pass.streams)[source_->value.stream];
    const long stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    T* to = source_->value.accumulated_gradient(other).data;
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b)
        for (long t = 0; t < batch.length[b]; ++t) {
          const long from = row_of(batch, other, b, t);
          for (long j = 0; from >= 0 && j < stride; ++j) to[from * stride + j] += gradient[batch.row(t, b) * stride + j];
        }
    });
  }

 private:
  long row_of(const Batch& batch, const Batch& other, long b, long t) const {
    const SparseRows<T>& index = index_->data;
    const long at = batch.start[b] + t, there = other.of_place[batch.place[b]];
    if (index.offsets[at] == index.offsets[at + 1]) return -1;
    const long step = index.columns[index.offsets[at]];
    return step < other.length[there] ? other.row(step, there) : -1;
  }

  Node<T>* source_;
  SparseInputNode<T>* index_;
};

}  // namespace tidegate
