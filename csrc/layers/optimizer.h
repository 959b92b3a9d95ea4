// One update of all parameters, in PyTorch's form of each method.
#pragma once

#include <cmath>
#include <string>

#include "../memory.h"
#include "../simd.h"

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

// Euclidean norm of all gradients, in float64 and in one fixed order.
template <class T>
double gradient_norm(const T* gradients, long count) {
  double sum[8] = {};
  for (long i = 0; i < count; i += 8)  // the vector is padded with zeros
    for (int j = 0; j < 8; ++j) sum[j] += static_cast<double>(gradients[i + j]) * gradients[i + j];
  double total = 0;
  for (const double part : sum) total += part;
  return std::sqrt(total);
}

// Clips each gradient to [-clip_value, clip_value], then all together to the norm clip_norm. Returns the norm before
// the second, which is not finite if any gradient is not.
template <class T>
double clip_gradients(const OptimizerSettings& settings, T* gradients, long count) {
  if (settings.clip_value > 0) {
    const T limit = static_cast<T>(settings.clip_value);
    for (long i = 0; i < count; i += kWidth<T>) store(gradients + i, clamp<T>(load<T>(gradients + i), limit));
  }
  const double norm = gradient_norm(gradients, count);
  if (settings.clip_norm > 0 && norm > settings.clip_norm) {
    const T factor = static_cast<T>(settings.clip_norm / (norm + 1e-6));
    for (long i = 0; i < count; ++i) gradients[i] *= factor;
  }
  return norm;
}

// The `step`-th update, counted from 1. first, second: the method's state, zero before the first update. All four arrays
// are padded with zeros to whole vectors.
template <class T>
void update_parameters(const OptimizerSettings& s, double learning_rate, long step, long count, T* parameters,
                       const T* gradients, T* first, T* second) {
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
  for (long i = 0; i < count; i += kWidth<T>) {
    const Vec<T> p = load<T>(parameters + i) * shrink;
    const Vec<T> g = load<T>(gradients + i) + decay * p;
    if (s.method == Method::kSgd) {
      const Vec<T> velocity = momentum * load<T>(first + i) + g;
      store(first + i, velocity);
      store(parameters + i, p - rate * velocity);
      continue;
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
  }
}

}  // namespace tidegate
