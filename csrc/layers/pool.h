// One row a sequence out of one row a step: the final state, the mean or the maximum over the steps, or the steps
// themselves side by side; zero where there are none. Windows of time add to it one after the other.
#pragma once

#include <algorithm>
#include <string>

#include "../node.h"

namespace tidegate {

enum class Pooling { kLast, kMean, kMax };

template <class T>
class PoolNode final : public Node<T> {
 public:
  PoolNode(Node<T>* source, Pooling pooling) : Node<T>(source->value.size, false), source_(source), pooling_(pooling) {
    this->value.needs_gradient = source->value.needs_gradient;
  }

  long pass_stream() const override { return source_->value.stream; }
  bool reads_steps() const override { return true; }

  bool reads_of(const Batch& batch) const override {
    if (pooling_ != Pooling::kLast) return true;
    for (long b = 0; b < batch.num_sequences; ++b)
      if (batch.ends(b)) return true;
    return false;
  }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_sequences * stride);
    if (pooling_ == Pooling::kMax) largest_.resize(batch.num_sequences * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b) {
        T* row = out + batch.place[b] * stride;
        if (batch.length[b] == 0) {
          if (batch.whole_length[b] == 0) std::fill_n(row, stride, T(0));
          continue;
        }
        if (pooling_ == Pooling::kLast || batch.first_step == 0)
          std::copy_n(in + batch.row(pooling_ == Pooling::kLast ? last_step(batch, b) : 0, b) * stride, stride, row);
        if (pooling_ == Pooling::kLast) continue;
        if (pooling_ == Pooling::kMax && batch.first_step == 0) std::fill_n(largest_.data() + b * stride, stride, 0L);
        for (long t = batch.first_step == 0; t < batch.length[b]; ++t) {
          const T* step = in + batch.row(t, b) * stride;
          for (long j = 0; j < stride; ++j) {
            if (pooling_ == Pooling::kMean) {
              row[j] += step[j];
            } else if (step[j] > row[j]) {  // the first of equal steps is the largest
              row[j] = step[j];
              largest_.data()[b * stride + j] = batch.first_step + t;
            }
          }
        }
        if (pooling_ == Pooling::kMean && batch.ends(b))
          for (long j = 0; j < stride; ++j) row[j] /= static_cast<T>(batch.whole_length[b]);
      }
    });
  }

  void backward(Pass<T>& pass) override {
    if (!source_->value.needs_gradient || !this->value.has_gradient) return;
    const Batch& batch = pass.batch;
    const long stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    T* to = source_->value.accumulated_gradient(batch).data;
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b) {
        if (batch.length[b] == 0) continue;
        const T* row = gradient + batch.place[b] * stride;
        const auto add = [&](long t, long j, T v) { to[batch.row(t, b) * stride + j] += v; };
        switch (pooling_) {
          case Pooling::kLast:
            for (long j = 0; batch.ends(b) && j < stride; ++j) add(last_step(batch, b), j, row[j]);
            break;
          case Pooling::kMean:
            for (long t = 0; t < batch.length[b]; ++t)
              for (long j = 0; j < stride; ++j) add(t, j, row[j] / static_cast<T>(batch.whole_length[b]));
            break;
          case Pooling::kMax:
            for (long j = 0; j < stride; ++j) {
              const long t = largest_.data()[b * stride + j] - batch.first_step;
              if (t >= 0 && t < batch.length[b]) add(t, j, row[j]);
            }
            break;
        }
      }
    });
  }

 private:
  long last_step(const Batch& batch, long b) const { return source_->value.reversed ? 0 : batch.length[b] - 1; }

  Node<T>* source_;
  Pooling pooling_;
  Buffer<long> largest_;  // (sequences, stride) step of the maximum
};

// The first num_steps steps side by side; zero where a sequence has fewer.
template <class T>
class StepsNode final : public Node<T> {
 public:
  StepsNode(Node<T>* source, long num_steps)
      : Node<T>(num_steps * source->value.size, false), source_(source), num_steps_(num_steps) {
    this->value.needs_gradient = source->value.needs_gradient;
  }

  long pass_stream() const override { return source_->value.stream; }
  bool reads_steps() const override { return true; }
  bool reads_of(const Batch& batch) const override { return batch.first_step < num_steps_; }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long size = source_->value.size, from = source_->value.stride, stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_sequences * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b) {
        if (batch.first_step == 0) std::fill_n(out + batch.place[b] * stride, stride, T(0));
        for (long t = 0; t < steps(batch, b); ++t)
          std::copy_n(in + batch.row(t, b) * from, size, out + batch.place[b] * stride + (batch.first_step + t) * size);
      }
    });
  }

  void backward(Pass<T>& pass) override {
    if (!source_->value.needs_gradient || !this->value.has_gradient) return;
    const Batch& batch = pass.batch;
    const long size = source_->value.size, stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    const Rows<T> to = source_->value.accumulated_gradient(batch);
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b)
        for (long t = 0; t < steps(batch, b); ++t)
          for (long j = 0; j < size; ++j)
            to.data[batch.row(t, b) * to.stride + j] += gradient[batch.place[b] * stride + (batch.first_step + t) * size + j];
    });
  }

 private:
  // Of the batch's window.
  long steps(const Batch& batch, long b) const { return std::min(batch.length[b], num_steps_ - batch.first_step); }

  Node<T>* source_;
  long num_steps_;
};

}  // namespace tidegate
