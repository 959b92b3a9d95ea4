// One update of parameters, in PyTorch's form of each method. Which of them it changes is given as ranges.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "../simd.h"
#include "../threads.h"

namespace tidegate {

enum class Method { kAdam, kAdamW, kRmsProp, kSgd };

struct OptimizerSettings {
  Method method = Method::kAdam;
  double beta1 = 0.9, beta2 = 0.999;  // Adam, AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019)
  double epsilon = 1e-8;
  double weight_decay = 0;            // AdamW: decoupled; the others: added to the gradient
  double momentum = 0;                // SGD, RMSProp
  double rho = 0.99;                  // RMSProp (Tieleman & Hinton 2012)
  double clip_norm = 0, clip_value = 0;  // 0: off
};

// Calls change(arrays, i) for each whole vector of the range; what is left of it is copied to vectors of zeros and back.
template <class T, std::size_t kCount, class Change>
void for_vectors(const Range& range, const std::array<T*, kCount>& arrays, Change&& change) {
  constexpr long W = kWidth<T>;
  long i = range.begin;
  for (; i + W <= range.end; i += W) change(arrays, i);
  if (i == range.end) return;
  T vectors[kCount][W] = {};
  std::array<T*, kCount> rest;
  for (std::size_t k = 0; k < kCount; ++k) std::copy(arrays[k] + i, arrays[k] + range.end, rest[k] = vectors[k]);
  change(rest, 0);
  for (std::size_t k = 0; k < kCount; ++k) std::copy_n(vectors[k], range.end - i, arrays[k] + i);
}

// Euclidean norm of the gradients in the ranges, in float64 and in one fixed order.
template <class T>
double gradient_norm(const T* gradients, const std::vector<Range>& ranges) {
  double sum[8] = {};
  for (const Range& range : ranges) {
    long i = range.begin;
    for (; i + 8 <= range.end; i += 8)
      for (int j = 0; j < 8; ++j) sum[j] += static_cast<double>(gradients[i + j]) * gradients[i + j];
    for (int j = 0; i < range.end; ++i, ++j) sum[j] += static_cast<double>(gradients[i]) * gradients[i];
  }
  double total = 0;
  for (const double part : sum) total += part;
  return std::sqrt(total);
}

// Clips each gradient to [-clip_value, clip_value], then all together to the norm clip_norm. Returns the norm before
// the second, which is not finite if any gradient is not.
template <class T>
double clip_gradients(const OptimizerSettings& settings, T* gradients, const std::vector<Range>& ranges) {
  if (settings.clip_value > 0) {
    const T limit = static_cast<T>(settings.clip_value);
    for (const Range& range : ranges)
      for_vectors(range, std::array{gradients}, [&](const auto& arrays, long i) {
        store(arrays[0] + i, clamp<T>(load<T>(arrays[0] + i), limit));
      });
  }
  const double norm = gradient_norm(gradients, ranges);
  if (settings.clip_norm > 0 && norm > settings.clip_norm) {
    const T factor = static_cast<T>(settings.clip_norm / (norm + 1e-6));
    for (const Range& range : ranges)
      for (long i = range.begin; i < range.end; ++i) gradients[i] *= factor;
  }
  return norm;
}

// The `step`-th update, counted from 1, of the parameters in the ranges; the others and their state stay as they
// are. vectors: the parameters, their gradients, and the method's state of two, zero before the first update.
template <class T>
void update_parameters(const OptimizerSettings& s, double learning_rate, long step, const std::vector<Range>& ranges,
                       const std::array<T*, 4>& vectors) {
  const bool adam = s.method == Method::kAdam || s.method == Method::kAdamW;
  const double correction1 = adam ? 1 - std::pow(s.beta1, static_cast<double>(step)) : 1;
  const double correction2 = adam ? 1 - std::pow(s.beta2, static_cast<double>(step)) : 1;
  const T beta1 = static_cast<T>(s.beta1), rest1 = static_cast<T>(1 - s.beta1);
  const T beta2 = static_cast<T>(s.method == Method::kRmsProp ? s.rho : s.beta2);
  const T rest2 = static_cast<T>(1 - (s.method == Method::kRmsProp ? s.rho : s.beta2));
  const T rate = static_cast<T>(learning_rate / correction1), scale = static_cast<T>(1 / std::sqrt(correction2));
  const T epsilon = static_cast<T>(s.epsilon), momentum = static_cast<T>(s.momentum);
  const T shrink = static_cast<T>(s.method == Method::kAdamW ? 1 - learning_rate * s.weight_decay : 1);
  const T decay = static_cast<T>(s.method == Method::kAdamW ? 0 : s.weight_decay);
  const auto root = [](Vec<T> v) {
    for (int j = 0; j < kWidth<T>; ++j) v[j] = std::sqrt(v[j]);
    return v;
  };
  const auto update = [&](const std::array<T*, 4>& arrays, long i) {
    const auto [parameters, gradients, first, second] = arrays;
    const Vec<T> p = load<T>(parameters + i) * shrink;
    const Vec<T> g = load<T>(gradients + i) + decay * p;
    if (s.method == Method::kSgd) {
      const Vec<T> velocity = momentum * load<T>(first + i) + g;
      store(first + i, velocity);
      store(parameters + i, p - rate * velocity);
      return;
    }
    const Vec<T> square = beta2 * load<T>(second + i) + rest2 * g * g;
    store(second + i, square);
    const Vec<T> size = root(square) * scale + epsilon;
    if (adam) {
      const Vec<T> mean = beta1 * load<T>(first + i) + rest1 * g;
      store(first + i, mean);
      store(parameters + i, p - rate * mean / size);
    } else {
      const Vec<T> velocity = momentum * load<T>(first + i) + g / size;
      store(first + i, velocity);
      store(parameters + i, p - rate * velocity);
    }
  };
  for (const Range& range : ranges) for_vectors(range, vectors, update);
}

}  // namespace tidegate
