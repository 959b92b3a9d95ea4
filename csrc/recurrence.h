// The one time loop, over any cell: phases, lengths, directions, masked steps and a multiplier of the state.
//
// Memory of one layer in one direction, for S = vectors of units * columns * vector width:
//   columns (steps, S)     pre-activations, then activations, then their gradients, in place
//   previous (steps, H)    each state of the step before, after the multiplier: what the products and equations read
//   kept (steps, H)        the vector that a cell hands from one phase to the next (r * h, or the new c)
// The batch is split over threads by sequences, every n-th to a thread, so that long and short ones are shared out.
#pragma once

#include <memory>

#include "cell.h"
#include "node.h"
#include "packing.h"

namespace tidegate {

// What the network asks of a recurrent layer beside forward and backward: its states, (sequences, H padded), in the
// order of the batch.
template <class T>
class RecurrentNode : public Node<T> {
 public:
  long hidden_size, hidden_stride, num_states;
  std::array<Buffer<T>, kMaxStates> states;           // before the pass the initial ones, after it the final ones
  std::array<Buffer<T>, kMaxStates> state_gradients;  // before the backward pass of the final, after it of the initial
  bool has_initial = false, has_final_gradient = false;

  RecurrentNode(long hidden, long count) : Node<T>(hidden, true), hidden_size(hidden), hidden_stride(padded<T>(hidden)), num_states(count) {}
};

template <class T, class Cell>
class Recurrence final : public RecurrentNode<T> {
  static constexpr CellLayout kLayout = Cell::layout;
  static constexpr int W = kWidth<T>, kColumns = kLayout.num_columns, kStates = kLayout.num_states;

 public:
  // multipliers: for each state the node whose value multiplies it before each step, or null.
  Recurrence(Sources<T> sources, std::vector<Node<T>*> multipliers, long hidden_size, bool reverse, long first_parameter)
      : RecurrentNode<T>(hidden_size, kStates),
        sources_(std::move(sources)),
        multipliers_(std::move(multipliers)),
        hidden_size_(hidden_size),
        units_(padded<T>(hidden_size) / W),
        stride_(units_ * kColumns * W),
        input_size_(total_size(sources_)),
        input_panels_{units_, kLayout.input_count, kLayout.input_count, kColumns * W},
        reverse_(reverse),
        weight_ih_(first_parameter),
        weight_hh_(weight_ih_ + kLayout.num_gates * hidden_size * input_size_),
        bias_(weight_hh_ + kLayout.num_gates * hidden_size * hidden_size),
        weight_ch_(bias_ + (kLayout.num_gates + kLayout.num_recurrent_biases) * hidden_size) {
    this->value.reversed = reverse;
    packed_input_.resize(sources_.size());
    packed_input_transposed_.resize(sources_.size());
  }

  // Parameters of the layer: weight_ih, weight_hh, bias, recurrent biases, weight_ch, one after the other.
  static long num_parameters(long input_size, long hidden_size) {
    const long peephole = kLayout.num_diagonals ? 1 : hidden_size;
    return hidden_size * (kLayout.num_gates * (input_size + hidden_size + 1) + kLayout.num_recurrent_biases +
                          kLayout.num_peepholes * peephole);
  }

  void pack(const T* parameters, bool backward) override {
    T* bias = packed_bias_.zero(stride_);
    for_units<T>(hidden_size_, kColumns, [&](long unit, long at) {
      for (int column = 0; column < kColumns; ++column)
        bias[at + column * W] = parameters[bias_ + kLayout.bias_block[column] * hidden_size_ + unit];
    });
    long column = 0;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const long size = sources_[s]->value.size;
      const WeightBlocks<T> blocks = input_blocks(parameters, column, size);
      tidegate::pack(blocks, hidden_size_, packed_input_[s]);
      if (backward && sources_[s]->value.needs_gradient) pack_transposed(blocks, hidden_size_, packed_input_transposed_[s]);
      column += size;
    }
    for (int p = 0; p < kLayout.num_products; ++p) {
      tidegate::pack(blocks_of(p, parameters), hidden_size_, packed_product_[p]);
      if (backward) pack_transposed(blocks_of(p, parameters), hidden_size_, packed_product_transposed_[p]);
    }
    if constexpr (kLayout.num_diagonals > 0) {
      T* diagonal = packed_diagonal_.zero(kLayout.num_peepholes * units_ * W);
      for (int block = 0; block < kLayout.num_peepholes; ++block)
        std::copy_n(parameters + weight_ch_ + block * hidden_size_, hidden_size_, diagonal + block * units_ * W);
    }
  }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    columns_.resize(batch.num_steps * stride_);
    this->value.data.resize(batch.num_steps * this->hidden_stride);
    if constexpr (kLayout.keeps_vector) kept_.resize(batch.num_steps * this->hidden_stride);
    for (int s = 0; s < kStates; ++s) {
      previous_[s].resize(batch.num_steps * this->hidden_stride);
      if (multiplier(s)) unmultiplied_[s].resize(batch.num_steps * this->hidden_stride);
      if (!this->has_initial) this->states[s].zero(batch.num_sequences * this->hidden_stride);
    }
    pass.for_row_shares(batch.num_steps, [&](long begin, long end) { input_products(begin, end); });
    pass.team->run(
        [&](int thread, int count) {
          for (long i = 0; i < batch.max_length && !pass.interrupt->requested(); ++i) {
            if (thread == 0) pass.interrupt->check();
            step_forward(pass, reverse_ ? batch.max_length - 1 - i : i, thread, count);
          }
        },
        pass.recurrence_threads);
    pass.interrupt->throw_if_requested();
  }

  void backward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    for (int s = 0; s < kStates; ++s)
      if (!this->has_final_gradient) this->state_gradients[s].zero(batch.num_sequences * this->hidden_stride);
    if constexpr (kLayout.keeps_vector) kept_gradient_.resize(batch.num_sequences * this->hidden_stride);
    if constexpr (kLayout.num_held > 0) held_.resize(kLayout.num_held * batch.num_sequences * this->hidden_stride);
    for (int s = 0; s < kStates; ++s)
      if (multiplier(s) && multiplier(s)->value.needs_gradient) multiplier(s)->value.accumulated_gradient(batch);
    pass.team->run(
        [&](int thread, int count) {
          for (long i = 0; i < batch.max_length && !pass.interrupt->requested(); ++i) {
            if (thread == 0) pass.interrupt->check();
            step_backward(pass, reverse_ ? i : batch.max_length - 1 - i, thread, count);
          }
        },
        pass.recurrence_threads);
    pass.interrupt->throw_if_requested();
    input_gradients(pass);
    parameter_gradients(pass);
  }

 private:
  Node<T>* multiplier(int state) const { return multipliers_.empty() ? nullptr : multipliers_[state]; }

  long matrix_offset(Matrix matrix) const { return matrix == Matrix::kRecurrent ? weight_hh_ : weight_ch_; }

  // Of weight_ih, for `size` of the columns it reads; and of the matrix of a recurrent product. The offsets of their
  // gradients are the same: with null parameters only the shape counts.
  WeightBlocks<T> input_blocks(const T* parameters, long from, long size) const {
    return {parameters ? parameters + weight_ih_ : nullptr, input_size_, from, size, kLayout.input_first, kLayout.input_count,
            kLayout.input_block};
  }
  WeightBlocks<T> blocks_of(int p, const T* parameters) const {
    const RecurrentProduct& product = kLayout.products[p];
    return {parameters ? parameters + matrix_offset(product.matrix) : nullptr, hidden_size_, 0, hidden_size_, product.first, product.count, product.block};
  }

  Panels panels_of(const RecurrentProduct& product) const { return {units_, product.count, product.count, kColumns * W}; }

  // out[r] += gradients of columns [first, first + count) times the transposed block.
  void transposed_columns_product(long rows, Rows<const T> columns, const Buffer<T>& packed, long size, int first, int count,
                                  Rows<const T> initial, Rows<T> out) const {
    const Panels panels = plain_panels<T>(size);
    const long total = units_ * count * W;
    if (count == kColumns) return product<T>(rows, columns, {packed.data(), total}, panels, initial, out);
    for (long u = 0; u < units_; ++u)
      product<T>(rows, columns.at(0, (u * kColumns + first) * W), {packed.data(), total, u * count * W, count * W}, panels,
                 u ? Rows<const T>{out.data, out.stride} : initial, out);
  }

  // columns = bias + W x, for steps [begin, end).
  void input_products(long begin, long end) {
    const Rows<T> columns = Rows<T>{columns_.data(), stride_}.at(begin);
    for (int column = 0; column < kColumns; ++column) {
      if (column >= kLayout.input_first && column < kLayout.input_first + kLayout.input_count) continue;
      for (long r = 0; r < end - begin; ++r)
        for (long u = 0; u < units_; ++u) {
          const long at = (u * kColumns + column) * W;
          store(columns.at(r, at).data, load<T>(packed_bias_.data() + at));
        }
    }
    const Rows<T> sums = columns.at(0, kLayout.input_first * W);
    Rows<const T> initial{packed_bias_.data() + kLayout.input_first * W, 0};
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Value<T>& x = sources_[s]->value;
      product<T>(end - begin, x.read().at(begin), {packed_input_[s].data(), x.size}, input_panels_, initial, sums);
      initial = {sums.data, sums.stride};
    }
  }

  // The rows of one step that one thread computes: sequences thread, thread + count, ...
  struct Share {
    long row, sequence, rows, stride;  // first row, first sequence, how many, from one to the next
  };
  static Share share_of(const Batch& batch, long t, int thread, int count) {
    const long active = batch.active[t];
    return {batch.first[t] + thread, thread, active > thread ? (active - thread + count - 1) / count : 0, count};
  }

  static bool is_masked(const Pass<T>& pass, long row) { return pass.mask && !pass.mask[row]; }

  const T* source(int index) const { return index == kKept ? kept_.data() : previous_[index].data(); }

  void step_forward(Pass<T>& pass, long t, int thread, int count) {
    const Share part = share_of(pass.batch, t, thread, count);
    const long hidden = this->hidden_stride;
    for (int s = 0; s < kStates; ++s)
      for (long i = 0; i < part.rows; ++i) {
        const T* state = this->states[s].data() + (part.sequence + i * part.stride) * hidden;
        const long at = (part.row + i * part.stride) * hidden;
        if (const Node<T>* m = multiplier(s)) {
          std::copy_n(state, hidden, unmultiplied_[s].data() + at);
          for (long u = 0; u < hidden; u += W)
            store(previous_[s].data() + at + u, load<T>(state + u) * load<T>(m->value.data.data() + at + u));
        } else {
          std::copy_n(state, hidden, previous_[s].data() + at);
        }
      }
    phases_forward(pass, part, std::make_integer_sequence<int, kLayout.num_phases>{});
  }

  template <int... kPhases>
  void phases_forward(Pass<T>& pass, const Share& part, std::integer_sequence<int, kPhases...>) {
    (phase_forward<kPhases>(pass, part), ...);
  }

  template <int kPhase>
  void phase_forward(Pass<T>& pass, const Share& part) {
    const long hidden = this->hidden_stride;
    for (long u = 0; u < units_; ++u)
      for_each_tile(part.rows, tile_rows(kColumns), [&](long first, int rows) {
        const long row = part.row + first * part.stride;
        T* columns = columns_.data() + row * stride_ + u * kColumns * W;
        for (int p = 0; p < kLayout.num_products; ++p) {
          const RecurrentProduct& product = kLayout.products[p];
          if (product.phase != kPhase) continue;
          T* sums = columns + product.first * W;
          tile_for<T, false>(rows, product.count)(
              hidden_size_, source(product.source) + row * hidden, part.stride * hidden,
              packed_product_[p].data() + u * hidden_size_ * product.count * W, product.count * W, sums,
              part.stride * stride_, sums, part.stride * stride_);
        }
        for (int r = 0; r < rows; ++r) {
          const long sequence = part.sequence + (first + r) * part.stride;
          ForwardStep<T> step;
          const long at = (row + r * part.stride) * hidden + u * W, state_at = sequence * hidden + u * W;
          step.columns = columns + r * part.stride * stride_;
          for (int s = 0; s < kStates; ++s) {
            step.previous_states[s] = previous_[s].data() + at;
            step.states[s] = this->states[s].data() + state_at;
          }
          step.output = this->value.data.data() + at;
          step.kept_vector = kept_.data() + (kLayout.keeps_vector ? at : 0);
          step.diagonal = packed_diagonal_.data() + (kLayout.num_diagonals ? u * W : 0);
          step.hidden_stride = hidden;
          step.masked = is_masked(pass, row + r * part.stride);
          Cell::template forward<kPhase>(step);
        }
      });
  }

  void step_backward(Pass<T>& pass, long t, int thread, int count) {
    const Share part = share_of(pass.batch, t, thread, count);
    phases_backward(pass, part, std::make_integer_sequence<int, kLayout.num_phases>{});
    const long hidden = this->hidden_stride;
    for (int s = 0; s < kStates; ++s) {
      Node<T>* m = multiplier(s);
      if (!m) continue;
      for (long i = 0; i < part.rows; ++i) {
        T* gradient = this->state_gradients[s].data() + (part.sequence + i * part.stride) * hidden;
        const long at = (part.row + i * part.stride) * hidden;
        for (long u = 0; u < hidden; u += W) {
          const Vec<T> g = load<T>(gradient + u);
          if (m->value.needs_gradient) {
            T* to = m->value.gradient.data() + at + u;
            store(to, fma(g, load<T>(unmultiplied_[s].data() + at + u), load<T>(to)));
          }
          store(gradient + u, g * load<T>(m->value.data.data() + at + u));
        }
      }
    }
  }

  template <int... kPhases>
  void phases_backward(Pass<T>& pass, const Share& part, std::integer_sequence<int, kPhases...>) {
    (phase_backward<kLayout.num_phases - 1 - kPhases>(pass, part), ...);
  }

  template <int kPhase>
  void phase_backward(Pass<T>& pass, const Share& part) {
    const long hidden = this->hidden_stride;
    const T* output_gradient = this->value.has_gradient ? this->value.gradient.data() : nullptr;
    for (long i = 0; i < part.rows; ++i)
      for (long u = 0; u < units_; ++u) {
        const long sequence = part.sequence + i * part.stride, row = part.row + i * part.stride;
        const long at = row * hidden + u * W, state_at = sequence * hidden + u * W;
        BackwardStep<T> step;
        step.columns = columns_.data() + row * stride_ + u * kColumns * W;
        for (int s = 0; s < kStates; ++s) {
          step.previous_states[s] = previous_[s].data() + at;
          step.gradients[s] = this->state_gradients[s].data() + state_at;
        }
        step.output_gradient = output_gradient ? output_gradient + at : nullptr;
        step.kept_vector = kept_.data() + (kLayout.keeps_vector ? at : 0);
        step.kept_vector_gradient = kept_gradient_.data() + (kLayout.keeps_vector ? state_at : 0);
        step.held_gradients = held_.data() + (kLayout.num_held ? state_at : 0);
        step.held_stride = pass.batch.num_sequences * hidden;
        step.diagonal = packed_diagonal_.data() + (kLayout.num_diagonals ? u * W : 0);
        step.hidden_stride = hidden;
        step.masked = is_masked(pass, row);
        Cell::template backward<kPhase>(step);
      }
    const Rows<const T> columns{columns_.data() + part.row * stride_, part.stride * stride_};
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& product = kLayout.products[p];
      if (product.phase != kPhase) continue;
      Buffer<T>& target = product.source == kKept ? kept_gradient_ : this->state_gradients[product.source];
      const Rows<T> out{target.data() + part.sequence * hidden, part.stride * hidden};
      transposed_columns_product(part.rows, columns, packed_product_transposed_[p], hidden_size_, product.first,
                                 product.count, {out.data, out.stride}, out);
    }
  }

  void input_gradients(Pass<T>& pass) {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      Value<T>& x = sources_[s]->value;
      if (!x.needs_gradient) continue;
      const bool fresh = !x.has_gradient;
      if (fresh) x.gradient.resize(pass.batch.num_steps * x.stride);
      x.has_gradient = true;
      pass.for_row_shares(pass.batch.num_steps, [&](long begin, long end) {
        const Rows<T> out = Rows<T>{x.gradient.data(), x.stride}.at(begin);
        transposed_columns_product(end - begin, Rows<const T>{columns_.data(), stride_}.at(begin), packed_input_transposed_[s],
                                   x.size, kLayout.input_first, kLayout.input_count,
                                   fresh ? Rows<const T>{nullptr, 0} : Rows<const T>{out.data, out.stride}, out);
      });
    }
  }

  void parameter_gradients(Pass<T>& pass) {
    const long rows = pass.batch.num_steps;
    const Rows<const T> columns{columns_.data(), stride_};
    T* bias = bias_gradient_.resize(stride_);
    pass.team->run([&](int thread, int count) {
      const Range part = share(stride_, thread, count, W);
      column_sums<T>(rows, part.begin, part.end, columns, bias);
    });
    for_units<T>(hidden_size_, kColumns, [&](long unit, long at) {
      for (int column = 0; column < kColumns; ++column)
        pass.gradients[bias_ + kLayout.bias_block[column] * hidden_size_ + unit] = bias[at + column * W];
    });

    long from = 0;
    for (const Node<T>* node : sources_) {
      const Value<T>& x = node->value;
      weight_gradient(pass, x.read(), x.size, input_panels_, kLayout.input_first);
      unpack(input_blocks(nullptr, from, x.size), hidden_size_, kColumns, weight_gradient_.data(), pass.gradients + weight_ih_);
      from += x.size;
    }
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& product = kLayout.products[p];
      weight_gradient(pass, {source(product.source), this->hidden_stride}, hidden_size_, panels_of(product), product.first);
      unpack(blocks_of(p, nullptr), hidden_size_, kColumns, weight_gradient_.data(), pass.gradients + matrix_offset(product.matrix));
    }
    for (int d = 0; d < kLayout.num_diagonals; ++d) diagonal_gradient(pass, kLayout.diagonals[d]);
  }

  void weight_gradient(Pass<T>& pass, Rows<const T> a, long size, const Panels& panels, int first) {
    T* out = weight_gradient_.resize(size * stride_);
    pass.team->run([&](int thread, int count) {
      transposed_product<T>(pass.batch.num_steps, size, a, Rows<const T>{columns_.data(), stride_}.at(0, first * W), panels,
                            Rows<T>{out, stride_}.at(0, first * W), thread, count);
    });
  }

  void diagonal_gradient(Pass<T>& pass, const Diagonal& diagonal) {
    const T* values = source(diagonal.source);
    T* out = diagonal_gradient_.resize(this->hidden_stride);
    pass.team->run([&](int thread, int count) {
      const Range part = share(units_, thread, count);
      for (long u = part.begin; u < part.end; ++u) {
        Vec<T> sum{};
        for (long r = 0; r < pass.batch.num_steps; ++r)
          sum = fma(load<T>(values + r * this->hidden_stride + u * W),
                    load<T>(columns_.data() + r * stride_ + (u * kColumns + diagonal.column) * W), sum);
        store(out + u * W, sum);
      }
    });
    std::copy_n(out, hidden_size_, pass.gradients + weight_ch_ + diagonal.block * hidden_size_);
  }

  Sources<T> sources_;
  std::vector<Node<T>*> multipliers_;
  long hidden_size_, units_, stride_, input_size_;
  Panels input_panels_;
  bool reverse_;
  long weight_ih_, weight_hh_, bias_, weight_ch_;  // offsets in the parameter vector

  Buffer<T> packed_bias_, packed_diagonal_;
  std::vector<Buffer<T>> packed_input_, packed_input_transposed_;
  std::array<Buffer<T>, kMaxProducts> packed_product_, packed_product_transposed_;

  Buffer<T> columns_, kept_, kept_gradient_, held_;
  std::array<Buffer<T>, kMaxStates> previous_, unmultiplied_;
  Buffer<T> weight_gradient_, bias_gradient_, diagonal_gradient_;
};

}  // namespace tidegate
