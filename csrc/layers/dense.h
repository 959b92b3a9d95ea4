// activation(W x + b), row by row. W (size, columns read).
#pragma once

#include "../node.h"
#include "../packing.h"

namespace tidegate {

enum class Activation { kNone, kTanh, kRelu, kDecay };

template <class T>
class DenseNode final : public Node<T> {
  static constexpr int W = kWidth<T>;

 public:
  DenseNode(Sources<T> sources, long size, Activation activation, long first_parameter)
      : Node<T>(size, sources.front()->value.per_step),
        sources_(std::move(sources)),
        activation_(activation),
        input_size_(total_size(sources_)),
        weight_(first_parameter),
        bias_(weight_ + size * input_size_),
        panels_(plain_panels<T>(size)),
        packed_(sources_.size()),
        packed_transposed_(sources_.size()) {
    this->value.is_decay = activation == Activation::kDecay;
    this->value.stream = sources_.front()->value.stream;
  }

  static long num_parameters(long input_size, long size) { return size * (input_size + 1); }

  void pack(const T* parameters, bool backward, Team& /*team*/) override {
    const long size = this->value.size;
    std::copy_n(parameters + bias_, size, packed_bias_.zero(this->value.stride));
    long from = 0;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const long columns = sources_[s]->value.size;
      const T* weights = parameters + weight_ + from;
      T* packed = packed_[s].resize(panels_.total_vectors() * W * columns);
      for_blocks(columns, [&](long unit, long units, long k, long count) {
        const long p = unit / panels_.stride, vector = unit % panels_.stride / W;
        pack_columns(weights + unit * input_size_ + k, input_size_, units, count,
                     packed_vector(packed + p * panels_.vectors * W * columns, panels_.vectors_of(p), columns, static_cast<int>(vector)).at(k));
      });
      if (backward && sources_[s]->value.needs_gradient) {
        const Panels inputs = plain_panels<T>(columns);
        T* transposed = packed_transposed_[s].resize(inputs.total_vectors() * W * size);
        for (long p = 0; p < inputs.count; ++p) {
          const long first = p * inputs.stride;
          for (long unit = 0; unit < size; ++unit)
            pack_row(weights + unit * input_size_ + first, columns - first, transposed + p * inputs.vectors * W * size,
                     inputs.vectors_of(p), size, unit);
        }
      }
      from += columns;
    }
  }

  double operations_to_share(const Batch& batch) const override {
    constexpr double kFewest = 2e7;  // about 200 us: the rest of the network stays on one thread
    const double operations = 2.0 * static_cast<double>(this->value.rows(batch) * input_size_ * this->value.size);
    return operations > kFewest ? operations : 0;
  }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch);
    this->value.data.resize(rows * this->value.stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      constexpr long kBlock = 96;  // rows that stay in the cache from the products to the activation
      for (; begin < end; begin += kBlock) forward_rows(begin, std::min(kBlock, end - begin));
    });
  }

  void backward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), size = this->value.size, stride = this->value.stride;
    const Value<T>& own = this->value;
    const bool from_exponent = own.has_exponent_gradient, from_value = own.has_gradient;
    T* gradient = from_exponent ? this->value.exponent_gradient.data() : this->value.accumulated_gradient(pass.batch).data;
    const Rows<const T> gradients{gradient, stride};
    for (Node<T>* source : sources_)
      if (source->value.needs_gradient) source->value.accumulated_gradient(pass.batch);
    pass.for_row_shares(rows, [&](long begin, long end) {
      if (activation_ != Activation::kNone && !(from_exponent && !from_value))
        for (long i = begin * stride; i < end * stride; i += W) {
          const Vec<T> y = load<T>(own.data.data() + i);
          if (activation_ == Activation::kDecay) {
            const Vec<T> g = load<T>(own.gradient.data() + i), slope = y < Vec<T>{} + 1 ? -g * y : Vec<T>{};
            store(gradient + i, from_exponent ? load<T>(gradient + i) + slope : slope);
            continue;
          }
          const Vec<T> g = load<T>(gradient + i);
          store(gradient + i, activation_ == Activation::kTanh   ? g * (1 - y * y)
                                                        : (y > Vec<T>{} ? g : Vec<T>{}));
        }
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        Value<T>& x = sources_[s]->value;
        if (!x.needs_gradient) continue;
        const Rows<T> out = Rows<T>{x.gradient.data(), x.stride}.at(begin);
        const Panels inputs = plain_panels<T>(x.size);
        product<T>(end - begin, gradients.at(begin), {size}, packed_transposed_[s].data(), inputs, {0, inputs.count},
                   {out.data, out.stride}, out);
      }
    });
    T* bias = bias_gradient_.resize(stride);
    pass.team->run([&](int thread, int count) {
      const Range part = share(stride, thread, count, W);
      column_sums<T>(rows, part.begin, part.end, gradients, bias, false);
    });
    std::copy_n(bias, size, pass.gradients + bias_);
    long from = 0;
    for (const Node<T>* source : sources_) {
      const Value<T>& x = source->value;
      T* weights = weight_gradient_.resize(x.size * stride);
      pass.team->run([&](int thread, int count) {
        transposed_product<T>(rows, share(x.size, thread, count), x.read(), gradients, panels_, {weights, stride}, false);
      });
      for_blocks(x.size, [&](long unit, long units, long k, long count) {
        unpack_columns(count, units, pass.gradients + weight_ + unit * input_size_ + from + k, input_size_,
                       [&](long row) { return load<T>(weights + (k + row) * stride + unit); });
      });
      from += x.size;
    }
  }

 private:
  // Calls visit(unit, units, column, columns) for blocks of the weights from that unit and column on, of at most a vector's
  // width in both.
  template <class Visit>
  void for_blocks(long columns, Visit&& visit) const {
    for (long unit = 0; unit < this->value.size; unit += W)
      for (long k = 0; k < columns; k += W)
        visit(unit, std::min<long>(W, this->value.size - unit), k, std::min<long>(W, columns - k));
  }

  void forward_rows(long first, long rows) {
    const Rows<T> out = this->value.write().at(first);
    Rows<const T> initial{packed_bias_.data(), 0};
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Value<T>& x = sources_[s]->value;
      product<T>(rows, x.read().at(first), {x.size}, packed_[s].data(), panels_, {0, panels_.count}, initial, out);
      initial = {out.data, out.stride};
    }
    const auto apply = [&](auto&& function) {
      for (T *v = out.data, *last = v + rows * out.stride; v < last; v += W) store(v, function(load<T>(v)));
    };
    switch (activation_) {
      case Activation::kNone: break;
      case Activation::kTanh: apply([](Vec<T> v) { return tanh(v); }); break;
      case Activation::kRelu: apply([](Vec<T> v) { return v < Vec<T>{} ? Vec<T>{} : v; }); break;
      case Activation::kDecay: apply([](Vec<T> v) { return decay<T>(v); }); break;
    }
  }

  Sources<T> sources_;
  Activation activation_;
  long input_size_, weight_, bias_;
  Panels panels_;
  std::vector<Buffer<T>> packed_, packed_transposed_;
  Buffer<T> packed_bias_, bias_gradient_, weight_gradient_;
};

}  // namespace tidegate
