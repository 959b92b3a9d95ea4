// One row a sequence out of one row a step: the final state, the mean or the maximum over the steps; zero where there are
// none.
#pragma once

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

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_sequences * stride);
    if (pooling_ == Pooling::kMax) largest_.resize(batch.num_sequences * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(batch.num_sequences, [&](long begin, long end) {
      for (long b = begin; b < end; ++b) {
        T* row = out + batch.place[b] * stride;
        if (pooling_ == Pooling::kMax) std::fill_n(largest_.data() + b * stride, stride, 0L);
        if (batch.length[b] == 0) {
          std::fill_n(row, stride, T(0));
          continue;
        }
        std::copy_n(in + batch.row(pooling_ == Pooling::kLast ? last_step(batch, b) : 0, b) * stride, stride, row);
        if (pooling_ == Pooling::kLast) continue;
        for (long t = 1; t < batch.length[b]; ++t) {
          const T* step = in + batch.row(t, b) * stride;
          for (long j = 0; j < stride; ++j) {
            if (pooling_ == Pooling::kMean) {
              row[j] += step[j];
            } else if (step[j] > row[j]) {  // the first of equal steps is the largest
              row[j] = step[j];
              largest_.data()[b * stride + j] = t;
            }
          }
        }
        if (pooling_ == Pooling::kMean)
          for (long j = 0; j < stride; ++j) row[j] /= static_cast<T>(batch.length[b]);
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
            for (long j = 0; j < stride; ++j) add(last_step(batch, b), j, row[j]);
            break;
          case Pooling::kMean:
            for (long t = 0; t < batch.length[b]; ++t)
              for (long j = 0; j < stride; ++j) add(t, j, row[j] / static_cast<T>(batch.length[b]));
            break;
          case Pooling::kMax:
            for (long j = 0; j < stride; ++j) add(largest_.data()[b * stride + j], j, row[j]);
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

}  // namespace tidegate
