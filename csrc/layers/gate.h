// What stands where an input is missing: y = p x + (1 - p) w, row by row, p of one column, 1 where x is there and else 0,
// w a row that is learnt.
#pragma once

#include "../node.h"

namespace tidegate {

template <class T>
class GateNode final : public Node<T> {
 public:
  GateNode(Node<T>* source, Node<T>* present, long first_parameter)
      : Node<T>(source->value.size, source->value.per_step), source_(source), present_(present), stand_in_(first_parameter) {
    this->value.stream = source->value.stream;
  }

  static long num_parameters(long size) { return size; }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override {
    std::copy_n(parameters + stand_in_, this->value.size, packed_.zero(this->value.stride));
  }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), stride = this->value.stride;
    T* out = this->value.data.resize(rows * stride);
    const T* in = source_->value.data.data();
    pass.for_row_shares(rows, [&](long begin, long end) {
      for (long row = begin; row < end; ++row) std::copy_n(is_there(row) ? in + row * stride : packed_.data(), stride, out + row * stride);
    });
  }

  void backward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), size = this->value.size, stride = this->value.stride;
    T* sums = pass.gradients + stand_in_;
    std::fill_n(sums, size, T(0));
    if (!this->value.has_gradient) return;
    const T* gradient = this->value.gradient.data();
    T* to = source_->value.needs_gradient ? source_->value.accumulated_gradient(pass.batch).data : nullptr;
    for (long row = 0; row < rows; ++row) {
      const T* g = gradient + row * stride;
      if (!is_there(row))
        for (long j = 0; j < size; ++j) sums[j] += g[j];
      else if (to)
        for (long j = 0; j < size; ++j) to[row * stride + j] += g[j];
    }
  }

 private:
  bool is_there(long row) const { return present_->value.data.data()[row * present_->value.stride] > T(0.5); }

  Node<T>* source_;
  Node<T>* present_;
  long stand_in_;
  Buffer<T> packed_;
};

}  // namespace tidegate
