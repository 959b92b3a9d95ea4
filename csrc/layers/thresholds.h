// The logits of an ordinal scale (McCullagh 1980): y_k = x - c_k, x of one column, c_0 = a_0 and c_k = c_{k-1} + exp(a_k), so
// that they fall in k whatever is learnt; sigmoid(y_k) is the probability of a class above k.
#pragma once

#include <cmath>

#include "../node.h"

namespace tidegate {

template <class T>
class ThresholdsNode final : public Node<T> {
 public:
  ThresholdsNode(Node<T>* source, long size, long first_parameter)
      : Node<T>(size, source->value.per_step), source_(source), first_(first_parameter) {
    this->value.stream = source->value.stream;
  }

  static long num_parameters(long size) { return size; }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override {
    const long size = this->value.size;
    T* at = at_.resize(size);
    T* gaps = gaps_.resize(size);
    for (long k = 0; k < size; ++k) {
      gaps[k] = k ? std::exp(parameters[first_ + k]) : parameters[first_];
      at[k] = k ? at[k - 1] + gaps[k] : gaps[k];
    }
  }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), stride = this->value.stride;
    T* out = this->value.data.zero(rows * stride);
    const Value<T>& x = source_->value;
    for (long row = 0; row < rows; ++row)
      for (long k = 0; k < this->value.size; ++k) out[row * stride + k] = x.data.data()[row * x.stride] - at_.data()[k];
  }

  void backward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), size = this->value.size, stride = this->value.stride;
    T* sums = pass.gradients + first_;
    std::fill_n(sums, size, T(0));
    if (!this->value.has_gradient) return;
    const T* gradient = this->value.gradient.data();
    const Rows<T> to = source_->value.needs_gradient ? source_->value.accumulated_gradient(pass.batch) : Rows<T>{nullptr, 0};
    for (long row = 0; row < rows; ++row) {
      T tail = 0;  // of the thresholds from k on, which a_k moves alike
      for (long k = size - 1; k >= 0; --k) {
        tail += gradient[row * stride + k];
        sums[k] -= k ? tail * gaps_.data()[k] : tail;
      }
      if (to.data) to.at(row).data[0] += tail;
    }
  }

 private:
  Node<T>* source_;
  long first_;
  Buffer<T> at_, gaps_;
};

}  // namespace tidegate
