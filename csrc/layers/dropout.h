// Dropout (Srivastava et al. 2014) of a node's value, or of ones: masks for the states of recurrent layers, and zoneout. What
// is dropped follows from the sequence, its step and the column, not from the order of drawing, so that it is the same
// whatever the batch and the number of threads, and the backward pass draws it again instead of storing it.
#pragma once

#include "../node.h"

namespace tidegate {

// splitmix64's finaliser (Steele, Lea & Flood 2014).
inline std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

struct DropoutSettings {
  double rate;
  bool per_sequence;  // a sequence's steps all drop the same columns (Gal & Ghahramani 2016)
  bool inverted;      // what is kept is divided by 1 - rate in training; else everything is times 1 - rate outside it
};

template <class T>
class DropoutNode final : public Node<T> {
 public:
  // source: null for ones, `size` a step of the stream. number: the node's own, so that two nodes drop different elements.
  DropoutNode(Node<T>* source, long size, const DropoutSettings& settings, long number, long stream)
      : Node<T>(size, source ? source->value.per_step : true),
        source_(source),
        threshold_(static_cast<std::uint64_t>(settings.rate * 0x1p32)),
        per_sequence_(settings.per_sequence),
        scale_in_training_(static_cast<T>(settings.inverted ? 1.0 / (1.0 - settings.rate) : 1.0)),
        scale_(static_cast<T>(settings.inverted ? 1.0 : 1.0 - settings.rate)),
        number_(static_cast<std::uint64_t>(number)) {
    this->value.needs_gradient = source && source->value.needs_gradient;
    this->value.stream = source ? source->value.stream : stream;
    if (source) this->value.reversed = source->value.reversed;
  }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch);
    T* out = this->value.data.resize(rows * this->value.stride);
    apply(pass, source_ ? source_->value.data.data() : nullptr, out, false);
  }

  void backward(Pass<T>& pass) override {
    if (!this->value.needs_gradient || !this->value.has_gradient) return;
    apply(pass, this->value.gradient.data(), source_->value.accumulated_gradient(pass.batch).data, true);
  }

 private:
  // from: null for ones.
  void apply(Pass<T>& pass, const T* from, T* to, bool add) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ull;
    const long stride = this->value.stride;
    const std::uint64_t key = mix(pass.seed + mix(number_ + 1)), threshold = pass.training ? threshold_ : 0;
    const T scale = pass.training ? scale_in_training_ : scale_;
    const auto apply_row = [&](long row, long b, long step) {
      std::uint64_t counter = mix(key + static_cast<std::uint64_t>(pass.batch.sequence[b] + 1) * kOdd);
      if (!per_sequence_) counter = mix(counter + static_cast<std::uint64_t>(step + 1) * kOdd);
      for (long i = row * stride; i < (row + 1) * stride; ++i) {
        counter += kOdd;
        const bool dropped = threshold > 0 && (mix(counter) >> 32) < threshold;
        const T v = dropped ? T(0) : from ? from[i] * scale : scale;
        to[i] = add ? to[i] + v : v;
      }
    };
    pass.for_row_shares(this->value.rows(pass.batch), [&](long begin, long end) {
      if (this->value.per_step)
        pass.batch.for_rows(begin, end, [&](long row, long b, long t) { apply_row(row, b, pass.batch.first_step + t); });
      else
        for (long row = begin; row < end; ++row) apply_row(row, row, 0);
    });
  }

  Node<T>* source_;
  std::uint64_t threshold_;
  bool per_sequence_;
  T scale_in_training_, scale_;
  std::uint64_t number_;
};

}  // namespace tidegate
