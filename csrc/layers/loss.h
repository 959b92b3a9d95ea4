// The loss of a batch, sum_r w_r l_r / sum_r w_r, its gradient and a score, from one row of outputs each.
#pragma once

#include <cmath>
#include <vector>

#include "../node.h"

namespace tidegate {

enum class LossKind { kMse, kMae, kHuber, kPinball, kSoftmaxCrossEntropy, kSigmoidCrossEntropy, kOrdinal };

struct LossOptions {
  double delta = 1;    // Huber's
  double weight = 1;   // of this loss among those of the network
  double focal = 0;    // the power of Lin et al. 2017, of the cross-entropies
  std::vector<double> columns = {};  // of each output: its level (pinball); what a positive label weighs (sigmoid); or none
};

// What a loss compares with, by row of the data: a sequence's, or a step's where the outputs are per step.
template <class T>
struct Target {
  const T* values = nullptr;             // (rows, size), but for classes
  const std::int32_t* classes = nullptr;  // (rows,), for softmax_cross_entropy and ordinal
  const T* weights = nullptr;            // (rows,); null: all one
};

// Sums over rows, each weighted by the row's weight.
struct LossSums {
  double loss = 0;
  double score = 0;  // right answers (softmax, ordinal), share of right labels (sigmoid), mean squared error (the others)
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

  LossNode(Node<T>* source, LossKind kind, LossOptions options)
      : Node<T>(source->value.size, source->value.per_step), source_(source), kind_(kind), options_(std::move(options)) {
    this->value.stream = source->value.stream;
  }

  bool has_classes() const { return kind_ == LossKind::kSoftmaxCrossEntropy || kind_ == LossKind::kOrdinal; }
  long num_classes() const { return this->value.size + (kind_ == LossKind::kOrdinal ? 1 : 0); }
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
      const T weight = static_cast<T>(options_.weight * row_sums_.data()[row].weight / total);
      for (long j = 0; j < stride; ++j) gradient[row * stride + j] += weight * slopes[row * stride + j];
    }
  }

 private:
  // -(1 - p)^g log p of the logarithm of a probability, and its slope by that logarithm.
  struct Focal {
    double loss, slope;
    Focal(double log_p, double power) {
      const double rest = -std::expm1(log_p);
      const double factor = std::pow(rest, power);
      loss = -factor * log_p;
      slope = rest > 0 ? factor * (power * (1 - rest) * log_p / rest - 1) : 0;
    }
  };

  // -log(sigmoid(y_{c-1}) - sigmoid(y_c)), y falling, its first -1 without end and its last (size) minus that.
  LossSums compare_ordinal(const T* output, long right, T* slope) const {
    const auto log_sigmoid = [](double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); };
    const long size = this->value.size;
    double log_p = 0;
    const double above = right ? output[right - 1] : 0, below = right < size ? output[right] : 0;
    if (right) {
      log_p += log_sigmoid(above);
      slope[right - 1] -= static_cast<T>(1 / (1 + std::exp(above)));
    }
    if (right < size) {
      log_p += log_sigmoid(-below);
      slope[right] += static_cast<T>(1 / (1 + std::exp(-below)));
    }
    if (right && right < size) {  // sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a))
      const double gap = std::max(above - below, 1e-9);
      log_p += std::log(-std::expm1(-gap));
      const T pull = static_cast<T>(1 / std::expm1(gap));
      slope[right - 1] -= pull;
      slope[right] += pull;
    }
    long found = 0;
    for (long k = 0; k < size; ++k) found += output[k] > 0;
    return {-log_p, found == right ? 1.0 : 0.0, 1.0};
  }

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
      const double score = largest - output == right ? 1.0 : 0.0;
      if (options_.focal == 0) return {loss, score, 1.0};
      const Focal focal(-loss, options_.focal);
      for (long j = 0; j < size; ++j) slope[j] *= static_cast<T>(-focal.slope);
      return {focal.loss, score, 1.0};
    }
    if (kind_ == LossKind::kOrdinal) return compare_ordinal(output, target.classes[at], slope);
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
          sum.loss += distance <= options_.delta ? 0.5 * error * error : options_.delta * (distance - 0.5 * options_.delta);
          d = distance <= options_.delta ? error : std::copysign(options_.delta, error);
          break;
        case LossKind::kPinball:
          d = error < 0 ? -options_.columns[j] : error > 0 ? 1 - options_.columns[j] : 0;
          sum.loss += d * error;
          break;
        default: {  // sigmoid cross-entropy of the logit p, in the form that does not overflow
          const double of_positive = options_.columns.empty() ? 1 : options_.columns[j];
          if (options_.focal == 0) {
            const double share = 1 + (of_positive - 1) * y[j];
            sum.loss += (1 - y[j]) * std::max(p, 0.0) + share * std::log1p(std::exp(-std::abs(p))) - (share + y[j] - 1) * std::min(p, 0.0);
            d = (share / (1 + std::exp(-p))) - of_positive * y[j];
          } else {
            const bool positive = y[j] > T(0.5);
            const double x = positive ? p : -p, weight = positive ? of_positive : 1;
            const Focal focal(std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))), options_.focal);
            sum.loss += weight * focal.loss;
            d = weight * focal.slope / (1 + std::exp(x)) * (positive ? 1 : -1);
          }
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
  LossOptions options_;
  Buffer<LossSums> row_sums_;
};

}  // namespace tidegate
