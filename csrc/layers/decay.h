// GRU-D's decay of inputs (Che et al. 2018): where a value is missing, the one seen last loses its worth with the time
// elapsed since. y = m x + (1 - m) g x with g = exp(-max(0, w d + b)), column by column; x is the value, or the one seen
// last less the column's mean, m is 1 where it was seen and else 0, d the time elapsed.
#pragma once

#include "../node.h"

namespace tidegate {

template <class T>
class InputDecayNode final : public Node<T> {
  static constexpr int W = kWidth<T>;

 public:
  // sources: x, m and d, of as many columns each.
  InputDecayNode(Sources<T> sources, long first_parameter)
      : Node<T>(sources.front()->value.size, true), sources_(std::move(sources)), weight_(first_parameter) {
    this->value.stream = sources_.front()->value.stream;
  }

  static long num_parameters(long size) { return 2 * size; }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override {
    const long size = this->value.size;
    std::copy_n(parameters + weight_, size, packed_weight_.zero(this->value.stride));
    std::copy_n(parameters + weight_ + size, size, packed_bias_.zero(this->value.stride));
  }

  void forward(Pass<T>& pass) override {
    const long rows = pass.batch.num_steps, stride = this->value.stride;
    T* out = this->value.data.resize(rows * stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      for_vectors(begin, end, [&](long i, long column) {
        const Vec<T> x = at(0, i), m = at(1, i);
        store(out + i, x * (m + (1 - m) * factor(i, column)));
      });
    });
  }

  void backward(Pass<T>& pass) override {
    if (!this->value.has_gradient) return;
    const long rows = pass.batch.num_steps, size = this->value.size, stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    T* bias = bias_slopes_.resize(rows * stride);
    T* weight = weight_slopes_.resize(rows * stride);
    T* to[3];
    for (int s = 0; s < 3; ++s)
      to[s] = sources_[s]->value.needs_gradient ? sources_[s]->value.accumulated_gradient(pass.batch).data : nullptr;
    pass.for_row_shares(rows, [&](long begin, long end) {
      for_vectors(begin, end, [&](long i, long column) {
        const Vec<T> x = at(0, i), m = at(1, i), d = at(2, i), f = factor(i, column), g = load<T>(gradient + i);
        const Vec<T> slope = exponent(i, column) > Vec<T>{} ? -g * x * (1 - m) * f : Vec<T>{};
        store(bias + i, slope);
        store(weight + i, slope * d);
        const auto add = [&](int s, Vec<T> v) {
          if (to[s]) store(to[s] + i, load<T>(to[s] + i) + v);
        };
        add(0, g * (m + (1 - m) * f));
        add(1, g * x * (1 - f));
        add(2, slope * load<T>(packed_weight_.data() + column));
      });
    });
    T* sums = sums_.resize(2 * stride);
    pass.team->run([&](int thread, int count) {
      const Range part = share(stride, thread, count, W);
      column_sums<T>(rows, part.begin, part.end, {weight, stride}, sums, false);
      column_sums<T>(rows, part.begin, part.end, {bias, stride}, sums + stride, false);
    });
    std::copy_n(sums, size, pass.gradients + weight_);
    std::copy_n(sums + stride, size, pass.gradients + weight_ + size);
  }

 private:
  Vec<T> at(int source, long i) const { return load<T>(sources_[source]->value.data.data() + i); }

  Vec<T> exponent(long i, long column) const {
    return fma(load<T>(packed_weight_.data() + column), at(2, i), load<T>(packed_bias_.data() + column));
  }

  Vec<T> factor(long i, long column) const { return decay<T>(exponent(i, column)); }

  template <class Visit>
  void for_vectors(long begin, long end, Visit&& visit) const {
    const long stride = this->value.stride;
    for (long row = begin; row < end; ++row)
      for (long column = 0; column < stride; column += W) visit(row * stride + column, column);
  }

  Sources<T> sources_;
  long weight_;
  Buffer<T> packed_weight_, packed_bias_, weight_slopes_, bias_slopes_, sums_;
};

}  // namespace tidegate
