// The loss of a batch, sum_r w_r l_r / sum_r w_r, its gradient and a score, from one row of outputs each.
#pragma once

#include <cmath>

#include "../node.h"

namespace tidegate {

enum class LossKind { kMse, kMae, kHuber, kSoftmaxCrossEntropy, kSigmoidCrossEntropy };

// What a loss compares with, by row of the data: a sequence's, or a step's where the outputs are per step.
template <class T>
struct Target {
  const T* values = nullptr;             // (rows, size), but for softmax_cross_entropy
  const std::int32_t* classes = nullptr;  // (rows,), for softmax_cross_entropy
  const T* weights = nullptr;            // (rows,); null: all one
};

// Sums over rows, each weighted by the row's weight.
struct LossSums {
  double loss = 0;
  double score = 0;  // right answers (softmax), share of right labels (sigmoid), mean squared error (the others)
  double weight = 0;
  LossSums& operator+=(const LossSums& other) {
    loss += other.loss;
    score += other.score;
    weight += other.weight;
    return *this;
  }
};

template <class T>
class LossNode final : public Node<T> {
 public:
  Target<T> target;
  LossSums sums;

  LossNode(Node<T>* source, LossKind kind, double delta)
      : Node<T>(source->value.size, source->value.per_step), source_(source), kind_(kind), delta_(delta) {}

  bool has_classes() const { return kind_ == LossKind::kSoftmaxCrossEntropy; }

  bool is_set() const { return target.values || target.classes; }

  // Leaves the sums, and the gradient of each row's own loss in `value`.
  void forward(Pass<T>& pass) override {
    sums = {};
    if (!is_set()) return;
    const Batch& batch = pass.batch;
    const long rows = this->value.rows(batch), stride = this->value.stride;
    T* slopes = this->value.data.resize(rows * stride);
    LossSums* row_sums = row_sums_.resize(rows);
    pass.for_row_shares(rows, [&](long begin, long end) {
      const auto visit = [&](long row, long b, long t) {
        const long at = this->value.per_step ? batch.start[b] + t : batch.sequence[b];
        T* slope = slopes + row * stride;
        std::fill_n(slope, stride, T(0));
        const double weight = target.weights ? target.weights[at] : 1.0;
        const LossSums one = compare(source_->value.data.data() + row * stride, at, slope);
        row_sums[row] = {weight * one.loss, weight * one.score, weight};
      };
      if (this->value.per_step) batch.for_rows(begin, end, visit);
      else
        for (long b = begin; b < end; ++b) visit(b, b, 0L);
    });
    for (long row = 0; row < rows; ++row) sums += row_sums[row];
  }

  void backward(Pass<T>& pass) override {
    if (!is_set()) return;
    const long rows = this->value.rows(pass.batch), stride = this->value.stride;
    T* gradient = source_->value.accumulated_gradient(pass.batch).data;
    const T* slopes = this->value.data.data();
    const double total = sums.weight == 0 ? 1.0 : sums.weight;
    for (long row = 0; row < rows; ++row) {
      const T weight = static_cast<T>(row_sums_.data()[row].weight / total);
      for (long j = 0; j < stride; ++j) gradient[row * stride + j] += weight * slopes[row * stride + j];
    }
  }

 private:
  // The loss and score of one row, unweighted; `slope` becomes d loss / d output.
  LossSums compare(const T* output, long at, T* slope) const {
    const long size = this->value.size;
    if (kind_ == LossKind::kSoftmaxCrossEntropy) {
      const long right = target.classes[at];
      const T* largest = std::max_element(output, output + size);
      double total = 0;
      for (long j = 0; j < size; ++j) total += slope[j] = std::exp(output[j] - *largest);
      for (long j = 0; j < size; ++j) slope[j] = static_cast<T>(slope[j] / total);
      const double loss = std::log(total) - (static_cast<double>(output[right]) - *largest);
      slope[right] -= T(1);
      return {loss, largest - output == right ? 1.0 : 0.0, 1.0};
    }
    const T* y = target.values + at * size;
    LossSums sum;
    for (long j = 0; j < size; ++j) {
      const double p = output[j], error = p - y[j], distance = std::abs(error);
      double d = 0;
      switch (kind_) {
        case LossKind::kMse:
          sum.loss += error * error;
          d = 2 * error;
          break;
        case LossKind::kMae:
          sum.loss += distance;
          d = error > 0 ? 1 : error < 0 ? -1 : 0;
          break;
        case LossKind::kHuber:
          sum.loss += distance <= delta_ ? 0.5 * error * error : delta_ * (distance - 0.5 * delta_);
          d = distance <= delta_ ? error : std::copysign(delta_, error);
          break;
        default: {  // sigmoid cross-entropy of the logit p, in the form that does not overflow
          sum.loss += std::max(p, 0.0) - p * y[j] + std::log1p(std::exp(-std::abs(p)));
          d = 1 / (1 + std::exp(-p)) - y[j];
        }
      }
      sum.score += kind_ == LossKind::kSigmoidCrossEntropy ? ((p > 0) == (y[j] > T(0.5)) ? 1 : 0) : error * error;
      slope[j] = static_cast<T>(d / size);
    }
    sum.loss /= size;
    sum.score /= size;
    return sum;
  }

  Node<T>* source_;
  LossKind kind_;
  double delta_;
  Buffer<LossSums> row_sums_;
};

}  // namespace tidegate
