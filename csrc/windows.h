// A batch passed in windows of time: window w holds the steps [w * size, (w + 1) * size) of each of its sequences, as far
// as it has them. From one to the next the recurrent layers hand their states, which stand in the layers; pools and losses
// add up what each window gives them; what is per sequence is computed once all windows have passed. Values are those of
// the pass as a whole, to the last bit.
//
// Back through time by recomputation: the way forward keeps the states at the windows' borders alone, the way back
// computes each window again from them. Of T steps in windows of sqrt(T), that is sqrt(T) states and the steps of one
// window (Chen et al. 2016; for recurrent networks Gruslys et al. 2016).
#pragma once

#include <algorithm>
#include <cmath>

#include "layers/loss.h"
#include "recurrent_node.h"

namespace tidegate {

// Steps of a window where gradients are computed by recomputation, of sequences of up to `longest` steps.
inline long recomputed_steps(long longest) {
  constexpr long kFewest = 32;  // below, what a window costs beside its steps would show
  return std::max(kFewest, static_cast<long>(std::ceil(std::sqrt(static_cast<double>(longest)))));
}

template <class T>
class Windows {
 public:
  // The nodes of a network of one stream, its recurrent layers and its losses, and the pass that they are given.
  Windows(const std::vector<std::unique_ptr<Node<T>>>& nodes, const std::vector<RecurrentNode<T>*>& layers,
          const std::vector<LossNode<T>*>& losses, std::vector<Pass<T>>& passes)
      : nodes_(nodes), layers_(layers), losses_(losses), passes_(passes) {}

  // Cuts the batch of the pass; states are zero where the layers have none yet. mask: by row of the data, or null.
  void cut(long size, const std::uint8_t* mask) {
    size_ = size;
    mask_ = mask;
    count_ = std::max(1L, count_of(passes_[0].batch.longest(), size));  // sequences without steps are answered for too
    for (RecurrentNode<T>* layer : layers_) {
      for (long s = 0; !layer->has_initial && s < layer->num_states; ++s)
        layer->states[s].zero(passes_[0].batch.num_sequences * layer->hidden_stride);
      layer->has_initial = true;
    }
  }

  long count() const { return count_; }
  static long count_of(long longest, long size) { return longest / size + (longest % size != 0); }

  // The batch of the pass becomes a window, and no node has a gradient for its steps yet.
  void enter(long window) {
    passes_[0].batch.set_window(window * size_, size_);
    if (mask_) passes_[0].gather_mask(mask_);
    for (auto& node : nodes_)
      if (node->value.per_step) node->value.has_gradient = node->value.has_exponent_gradient = false;
  }

  // Every window in turn, then what is per sequence. visit(): after each, while the values of its steps stand.
  template <class Visit>
  void forward(bool keeps_borders, Visit&& visit) {
    totals_.assign(losses_.size(), {});
    if (keeps_borders) place_borders();
    for (long window = 0; window < count_; ++window) {
      enter(window);
      if (keeps_borders) copy_states(window, [](T* kept, T* states, long n) { std::copy_n(states, n, kept); });
      for (auto& node : nodes_)
        if (node->reads_steps()) node->forward(passes_[0]);
      for_step_losses([](LossSums& sums, LossSums& total) { total += sums; });
      visit();
    }
    if (keeps_borders) copy_states(count_, [](T* kept, T* states, long n) { std::copy_n(states, n, kept); });
    for (auto& node : nodes_)
      if (!node->reads_steps()) node->forward(passes_[0]);
    for_step_losses([](LossSums& sums, LossSums& total) { sums = total; });
  }

  // After forward with keeps_borders; pass.gradients (num_parameters,) gets the sum over all windows, and the states are
  // the final ones again. ranges: the parameters but those of tables, which sum up their own. truncated: no gradient goes
  // from a window to the one before. arrive(), leave(): before and after each, from the last to the first, while the values
  // and the gradients of its steps stand.
  template <class Arrive, class Leave>
  void backward(long num_parameters, const std::vector<Range>& ranges, bool truncated, Arrive&& arrive, Leave&& leave) {
    T* sums = passes_[0].gradients;
    T* of_window = gradients_.resize(num_parameters);
    for (const Range& range : ranges) std::fill_n(sums + range.begin, range.size(), T(0));
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node)
      if (!(*node)->reads_steps()) (*node)->backward(passes_[0]);
    for (long window = count_ - 1; window >= 0; --window) {
      if (window + 1 < count_) {
        enter(window);
        if (truncated && !has_gradient()) continue;
        copy_states(window, [](T* kept, T* states, long n) { std::copy_n(kept, n, states); });
        for (auto& node : nodes_)
          if (node->value.per_step) node->forward(passes_[0]);
        for_step_losses([](LossSums& of_window, LossSums& total) { of_window = total; });
      }
      arrive();
      passes_[0].gradients = of_window;
      for (const Range& range : ranges) std::fill_n(of_window + range.begin, range.size(), T(0));
      for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node)
        if ((*node)->reads_steps()) (*node)->backward(passes_[0]);
      for (const Range& range : ranges)
        for (long i = range.begin; i < range.end; ++i) sums[i] += of_window[i];
      leave();
      for (RecurrentNode<T>* layer : layers_) layer->has_final_gradient = !truncated;
    }
    passes_[0].gradients = sums;
    copy_states(count_, [](T* kept, T* states, long n) { std::copy_n(kept, n, states); });
  }

  // The states that stand in the layers, (layers, states, sequences, hidden_size), in the order of the batch.
  void append_states(std::vector<T>& to) const {
    for_states([&](T* states, long n) { to.insert(to.end(), states, states + n); });
  }
  void set_states(const std::vector<T>& from) {
    std::size_t at = 0;
    for_states([&](T*, long n) { at += n; });
    if (at != from.size())
      throw std::invalid_argument("position expects " + std::to_string(at) + " states within a batch; got " + std::to_string(from.size()));
    at = 0;
    for_states([&](T* states, long n) { std::copy_n(from.data() + std::exchange(at, at + n), n, states); });
  }

 private:
  // Where the states before each window are kept: those of the sequences that have steps from there on; at the end, all.
  void place_borders() {
    const Batch& batch = passes_[0].batch;
    first_kept_.assign(count_ + 1, 0);
    for (const long length : batch.whole_length)  // counted for each window, then summed up
      for (long window = 0; window < count_of(length, size_); ++window) ++first_kept_[window + 1];
    for (long window = 0; window < count_; ++window) first_kept_[window + 1] += first_kept_[window];
    long stride = 0;
    for (const RecurrentNode<T>* layer : layers_) stride += layer->num_states * layer->hidden_stride;
    kept_.resize((first_kept_[count_] + batch.num_sequences) * stride);
    kept_stride_ = stride;
  }

  // copy(kept, states, count) for the states before a window; count(): for the final ones.
  template <class Copy>
  void copy_states(long window, Copy&& copy) {
    const Batch& batch = passes_[0].batch;
    T* kept = kept_.data() + first_kept_[window] * kept_stride_;
    for (long b = 0; b < batch.num_sequences; ++b) {
      if (window < count_ && batch.whole_length[b] <= window * size_) continue;
      for (RecurrentNode<T>* layer : layers_)
        for (long s = 0; s < layer->num_states; ++s, kept += layer->hidden_stride)
          copy(kept, layer->states[s].data() + b * layer->hidden_stride, layer->hidden_stride);
    }
  }

  template <class Visit>
  void for_states(Visit&& visit) const {
    for (RecurrentNode<T>* layer : layers_)
      for (long s = 0; s < layer->num_states; ++s)
        for (long b = 0; b < passes_[0].batch.num_sequences; ++b)
          visit(layer->states[s].data() + b * layer->hidden_stride, layer->hidden_size);
  }

  template <class Visit>
  void for_step_losses(Visit&& visit) {
    for (std::size_t l = 0; l < losses_.size(); ++l)
      if (losses_[l]->value.per_step) visit(losses_[l]->sums, totals_[l]);
  }

  // Whether something gives the steps of the window a gradient other than through the window after it.
  bool has_gradient() const {
    for (const auto& node : nodes_)
      if (node->reads_of(passes_[0].batch)) return true;
    return std::any_of(losses_.begin(), losses_.end(), [](const LossNode<T>* loss) { return loss->value.per_step; });
  }

  const std::vector<std::unique_ptr<Node<T>>>& nodes_;
  const std::vector<RecurrentNode<T>*>& layers_;
  const std::vector<LossNode<T>*>& losses_;
  std::vector<Pass<T>>& passes_;
  long size_ = 0, count_ = 0, kept_stride_ = 0;
  const std::uint8_t* mask_ = nullptr;
  std::vector<LossSums> totals_;
  std::vector<long> first_kept_;  // (windows + 1,) in `kept_`, in sequences
  Buffer<T> kept_, gradients_;
};

}  // namespace tidegate
