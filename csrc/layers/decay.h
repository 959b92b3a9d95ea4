// GRU-D's decay of inputs (Che et al. 2018): where a value is missing, the one seen last loses its worth with the time
// elapsed since. y = m x + (1 - m) g x with g = exp(-max(0, w d + b)), column by column, and m beside it; x is the
// value, or the one seen last less the column's mean, m is 1 where it was seen and else 0, d the time elapsed.
#pragma once

#include "../node.h"

namespace tidegate {

// Its value: the columns of y, then those of m.
template <class T>
class InputDecayNode final : public Node<T> {
  static constexpr int W = kWidth<T>;

 public:
  // sources: x, m and d, of as many columns each.
  InputDecayNode(Sources<T> sources, long first_parameter)
      : Node<T>(2 * sources.front()->value.size, true),
        sources_(std::move(sources)),
        size_(sources_.front()->value.size),
        stride_(sources_.front()->value.stride),
        weight_(first_parameter) {
    this->value.stream = sources_.front()->value.stream;
    if (!sources_[1]->value.needs_gradient) this->value.gradient_size = size_;
  }

  static long num_parameters(long size) { return 2 * size; }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override {
    std::copy_n(parameters + weight_, size_, packed_weight_.zero(stride_));
    std::copy_n(parameters + weight_ + size_, size_, packed_bias_.zero(stride_));
  }

  void forward(Pass<T>& pass) override {
    const long rows = pass.batch.num_steps;
    T* out = this->value.data.resize(rows * this->value.stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      const long size = size_, of_source = stride_, stride = this->value.stride;
      const T *x = data_of(0), *m = data_of(1), *d = data_of(2), *weight = packed_weight_.data(), *bias = packed_bias_.data();
      for (long row = begin; row < end; ++row) {
        T* y = out + row * stride;
        for (long column = 0; column < size; column += W) {
          const long i = row * of_source + column;
          const Vec<T> seen = load<T>(m + i), factor = decay<T>(fma(load<T>(weight + column), load<T>(d + i), load<T>(bias + column)));
          store(y + column, load<T>(x + i) * fma(1 - seen, factor, seen));
        }
        copy_within(m + row * of_source, size, y + size);
      }
    });
  }

  void backward(Pass<T>& pass) override {
    std::fill_n(pass.gradients + weight_, num_parameters(size_), T(0));
    if (!this->value.has_gradient) return;
    const long rows = pass.batch.num_steps, stride = this->value.stride;
    for (Node<T>* source : sources_)
      if (source->value.needs_gradient) source->value.accumulated_gradient(pass.batch);
    T* sums = sums_.resize(2 * stride_);
    // A thread has some of the columns, in all rows: the sums over rows are then the same on any number of threads.
    pass.team->run([&](int thread, int count) {
      const Range part = share(padded<T>(size_), thread, count, W);
      const T *xs = data_of(0), *seen = data_of(1), *elapsed = data_of(2), *weight = packed_weight_.data(), *bias = packed_bias_.data();
      const T *values = this->value.data.data(), *gradients = this->value.gradient.data();
      const long of_source = stride_;
      const auto sum_up = [&]<int kCount>(long column) {
        Vec<T> of_weight[kCount]{}, of_bias[kCount]{};
        for (long row = 0; row < rows; ++row)
          for (int v = 0; v < kCount; ++v) {
            const long at = column + v * W, i = row * of_source + at, own = row * stride + at;
            const Vec<T> d = load<T>(elapsed + i), exponent = fma(load<T>(weight + at), d, load<T>(bias + at));
            const Vec<T> y = load<T>(values + own), g = load<T>(gradients + own);
            // y - m x is the part that decays.
            const Vec<T> slope = exponent > Vec<T>{} ? g * (load<T>(seen + i) * load<T>(xs + i) - y) : Vec<T>{};
            of_bias[v] += slope;
            of_weight[v] = fma(slope, d, of_weight[v]);
          }
        for (int v = 0; v < kCount; ++v) {
          store(sums + column + v * W, of_weight[v]);
          store(sums + stride_ + column + v * W, of_bias[v]);
        }
      };
      long column = part.begin;
      for (; column + 2 * W <= part.end; column += 2 * W) sum_up.template operator()<2>(column);
      if (column < part.end) sum_up.template operator()<1>(column);
    });
    std::copy_n(sums, size_, pass.gradients + weight_);
    std::copy_n(sums + stride_, size_, pass.gradients + weight_ + size_);
    if (sources_[0]->value.needs_gradient || sources_[1]->value.needs_gradient || sources_[2]->value.needs_gradient)
      gradients_of_sources(pass);
  }

 private:
  const T* data_of(int source) const { return sources_[source]->value.data.data(); }

  Vec<T> at(int source, long row, long column) const {
    return load<T>(data_of(source) + row * stride_ + column);
  }

  Vec<T> exponent(long row, long column) const {
    return fma(load<T>(packed_weight_.data() + column), at(2, row, column), load<T>(packed_bias_.data() + column));
  }

  Vec<T> factor(long row, long column) const { return decay<T>(exponent(row, column)); }

  void gradients_of_sources(Pass<T>& pass) {
    pass.for_row_shares(pass.batch.num_steps, [&](long begin, long end) {
      for (long row = begin; row < end; ++row) {
        const T* gradient = this->value.gradient.data() + row * this->value.stride;
        const auto add = [&](int s, long column, Vec<T> v) {
          T* to = sources_[s]->value.gradient.data() + row * stride_ + column;
          if (sources_[s]->value.needs_gradient) store(to, load<T>(to) + v);
        };
        for (long column = 0; column < padded<T>(size_); column += W) {
          const Vec<T> x = at(0, row, column), m = at(1, row, column), f = factor(row, column), g = load<T>(gradient + column);
          add(0, column, g * (m + (1 - m) * f));
          add(1, column, g * x * (1 - f));
          const Vec<T> slope = exponent(row, column) > Vec<T>{} ? -g * x * (1 - m) * f : Vec<T>{};
          add(2, column, slope * load<T>(packed_weight_.data() + column));
        }
        if (!sources_[1]->value.needs_gradient) continue;
        T* to = sources_[1]->value.gradient.data() + row * stride_;
        for (long column = 0; column < size_; ++column) to[column] += gradient[size_ + column];
      }
    });
  }

  Sources<T> sources_;
  long size_, stride_;  // of a source's row
  long weight_;
  Buffer<T> packed_weight_, packed_bias_, sums_;
};

}  // namespace tidegate
