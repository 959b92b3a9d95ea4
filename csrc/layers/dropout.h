// Inverted dropout (Srivastava et al. 2014). What is dropped follows from a counter, not from the order of drawing, so
// that it is the same whatever the number of threads, and the backward pass draws it again instead of storing it.
#pragma once

#include "../node.h"

namespace tidegate {

// splitmix64's finaliser (Steele, Lea & Flood 2014).
inline std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

template <class T>
class DropoutNode final : public Node<T> {
 public:
  // stream: a number of the node's own, so that two nodes drop different elements.
  DropoutNode(Node<T>* source, double rate, long stream)
      : Node<T>(source->value.size, source->value.per_step),
        source_(source),
        threshold_(static_cast<std::uint64_t>(rate * 0x1p32)),
        scale_(static_cast<T>(1.0 / (1.0 - rate))),
        stream_(static_cast<std::uint64_t>(stream)) {
    this->value.reversed = source->value.reversed;
    this->value.stream = source->value.stream;
    this->value.needs_gradient = source->value.needs_gradient;
  }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch);
    T* out = this->value.data.resize(rows * this->value.stride);
    apply(pass, source_->value.data.data(), out, false);
  }

  void backward(Pass<T>& pass) override {
    if (!source_->value.needs_gradient || !this->value.has_gradient) return;
    apply(pass, this->value.gradient.data(), source_->value.accumulated_gradient(pass.batch).data, true);
  }

 private:
  void apply(Pass<T>& pass, const T* from, T* to, bool add) {
    const long stride = this->value.stride;
    const std::uint64_t key = mix(pass.seed + mix(stream_ + 1));
    pass.for_row_shares(this->value.rows(pass.batch), [&](long begin, long end) {
      for (long i = begin * stride; i < end * stride; ++i) {
        const bool dropped = pass.training && (mix(key + static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ull) >> 32) < threshold_;
        const T v = !pass.training ? from[i] : dropped ? T(0) : from[i] * scale_;
        to[i] = add ? to[i] + v : v;
      }
    });
  }

  Node<T>* source_;
  std::uint64_t threshold_;
  T scale_;
  std::uint64_t stream_;
};

}  // namespace tidegate
