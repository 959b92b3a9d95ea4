// A value that flows through a network, and the node that computes it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "batch.h"
#include "memory.h"
#include "product.h"
#include "threads.h"

namespace tidegate {

// What a node computed: (rows, size), a row a step or a row a sequence of the batch; columns are padded to
// whole vectors, so that no loop over units has a tail; what pads them counts for nothing.
template <class T>
struct Value {
  long size = 0, stride = 0;
  bool per_step = true;
  long stream = 0;        // whose steps they are; a row a sequence is the first stream's
  bool reversed = false;  // computed from the last step to the first: its last state stands at step 0
  bool needs_gradient = true;
  bool has_gradient = false;  // whether a reader has written `gradient` in this backward pass
  long gradient_size;     // a recurrent reader writes the gradient of the leading columns alone
  // A decay, exp(-max(0, v)): the layers whose states it multiplies hand it d loss / d v, (rows, stride), beside
  // `gradient`.
  bool is_decay = false, has_exponent_gradient = false;
  Buffer<T> data, gradient, exponent_gradient;

  Value(long columns, bool steps)
      : size(columns), stride(row_stride<T>(columns)), per_step(steps), gradient_size(columns) {}
  long rows(const Batch& batch) const { return per_step ? batch.num_steps : batch.num_sequences; }
  Rows<const T> read() const { return {data.data(), stride}; }
  Rows<T> write() { return {data.data(), stride}; }

  // The gradient to add to, zero where no reader has written it yet.
  Rows<T> accumulated_gradient(const Batch& batch) {
    if (!has_gradient) gradient.zero(rows(batch) * stride);
    has_gradient = true;
    return {gradient.data(), stride};
  }
};

// A row of `size` numbers, and zeros up to whole vectors. A call to copy so few costs more than they do.
template <class T>
inline void copy_row(const T* from, long size, T* to) {
  constexpr long W = kWidth<T>;
  long i = 0;
  for (; i + W <= size; i += W) store(to + i, load<T>(from + i));
  if (i < size) store(to + i, load_first(from + i, size - i));
}

// A row of `size` numbers and nothing beyond: the last vector ends where they do.
template <class T>
inline void copy_within(const T* from, long size, T* to) {
  constexpr long W = kWidth<T>;
  if (size < W) return store_first(to, load_first(from, size), size);
  for (long i = 0; i < size; i += W) store(to + std::min(i, size - W), load<T>(from + std::min(i, size - W)));
}

// What a pass is for.
struct PassKind {
  bool keeps = false;      // what a layer computed is differentiated or read afterwards, and not its output alone
  bool training = false;   // dropout draws
  std::uint64_t seed = 0;  // of this pass' dropout
};

// One pass over one batch of one stream.
template <class T>
struct Pass : PassKind {
  Batch batch;
  Team* team = nullptr;
  Interrupt* interrupt = nullptr;
  const std::vector<const Batch*>* streams = nullptr;  // the batch of each stream; this pass' is one of them
  const std::uint8_t* mask = nullptr;    // (steps,) 0: the step leaves every state as it was; null: none does
  T* gradients = nullptr;

  // mask, from one by row of the data.
  void gather_mask(const std::uint8_t* from) {
    std::uint8_t* to = mask_rows_.resize(batch.num_steps);
    batch.for_rows(0, batch.num_steps, [&](long row, long b, long t) { to[row] = from[batch.start[b] + t]; });
    mask = to;
  }

  // Calls task(begin, end) for shares of `rows` on the team's threads.
  template <class Task>
  void for_row_shares(long rows, Task&& task) {
    team->run([&](int thread, int count) {
      const Range rows_of_thread = share(rows, thread, count, 16);
      if (rows_of_thread.begin < rows_of_thread.end) task(rows_of_thread.begin, rows_of_thread.end);
    });
  }

 private:
  Buffer<std::uint8_t> mask_rows_;
};

template <class T>
class Node {
 public:
  Value<T> value;
  Node(long size, bool per_step) : value(size, per_step) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  // Whether it takes part in each window of time, and not only once all have passed.
  virtual bool reads_steps() const { return value.per_step; }
  // Whether a value per sequence comes of steps of the batch's window.
  virtual bool reads_of(const Batch& /*batch*/) const { return false; }

  // The stream whose pass the node is given.
  virtual long pass_stream() const { return value.stream; }
  // Rearranges the parameters for the products; after every update. `backward`: those of the backward pass too.
  virtual void pack(const T* /*parameters*/, bool /*backward*/, Team& /*team*/) {}
  // Floating-point operations of a forward pass; 0 where they are not worth more than one thread, which the node takes
  // all the same where others have asked for them.
  virtual double operations_to_share(const Batch& /*batch*/) const { return 0; }
  virtual void forward(Pass<T>& pass) = 0;
  // Adds to the gradients of what the node read and writes those of its parameters. value.gradient is complete.
  virtual void backward(Pass<T>& pass) = 0;
};

// The nodes a node reads; their columns stand side by side.
template <class T>
using Sources = std::vector<Node<T>*>;

template <class T>
long total_size(const Sources<T>& sources) {
  long size = 0;
  for (const Node<T>* source : sources) size += source->value.size;
  return size;
}

}  // namespace tidegate
