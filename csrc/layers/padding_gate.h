// How far the states move at a step that is padding: y = 1 - d + d sigmoid(b), where d is 1 at padding and else 0, and b has a
// value a column.
#pragma once

#include "../node.h"

namespace tidegate {

template <class T>
class PaddingGateNode final : public Node<T> {
  static constexpr int W = kWidth<T>;

 public:
  // source: d, one column a step.
  PaddingGateNode(Node<T>* source, long size, long first_parameter)
      : Node<T>(size, true), source_(source), bias_(first_parameter) {
    this->value.stream = source->value.stream;
  }

  static long num_parameters(long size) { return size; }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override {
    T* gate = gate_.zero(this->value.stride);
    std::copy_n(parameters + bias_, this->value.size, gate);
    for (long u = 0; u < this->value.stride; u += W) store(gate + u, sigmoid(load<T>(gate + u)));
  }

  void forward(Pass<T>& pass) override {
    const long rows = pass.batch.num_steps, stride = this->value.stride;
    T* out = this->value.data.resize(rows * stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      for (long row = begin; row < end; ++row)
        for (long u = 0; u < stride; u += W) store(out + row * stride + u, (1 - padding(row)) + padding(row) * load<T>(gate_.data() + u));
    });
  }

  void backward(Pass<T>& pass) override {
    std::fill_n(pass.gradients + bias_, this->value.size, T(0));
    if (!this->value.has_gradient) return;
    const long rows = pass.batch.num_steps, stride = this->value.stride;
    const T* gradient = this->value.gradient.data();
    T* sums = sums_.resize(stride);
    pass.team->run([&](int thread, int count) {
      const Range part = share(stride, thread, count, W);
      for (long u = part.begin; u < part.end; u += W) {
        Vec<T> sum{};
        for (long row = 0; row < rows; ++row) sum = fma(load<T>(gradient + row * stride + u), Vec<T>{} + padding(row), sum);
        const Vec<T> gate = load<T>(gate_.data() + u);
        store(sums + u, sum * gate * (1 - gate));
      }
    });
    std::copy_n(sums, this->value.size, pass.gradients + bias_);
  }

 private:
  T padding(long row) const { return source_->value.data.data()[row * source_->value.stride]; }

  Node<T>* source_;
  long bias_;
  Buffer<T> gate_, sums_;
};

}  // namespace tidegate
