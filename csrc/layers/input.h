// The values of each step, gathered from the data into the order of the batch.
#pragma once

#include "../node.h"

namespace tidegate {

template <class T>
class InputNode final : public Node<T> {
 public:
  const T* data = nullptr;  // (rows of the data, size), row-major

  explicit InputNode(long size) : Node<T>(size, true) { this->value.needs_gradient = false; }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    const long size = this->value.size, stride = this->value.stride;
    T* out = this->value.data.resize(batch.num_steps * stride);
    pass.for_row_shares(batch.num_steps, [&](long begin, long end) {
      batch.for_rows(begin, end, [&](long row, long b, long t) {
        copy_row(data + (batch.start[b] + t) * size, size, out + row * stride, stride);
      });
    });
  }

  void backward(Pass<T>& /*pass*/) override {}
};

}  // namespace tidegate
