// Weights plus Gaussian noise (Graves 2011, Practical variational inference for neural networks). What is drawn follows from the
// seed and the place of the weight, so that it is the same whatever the number of threads.
#pragma once

#include <bit>
#include <cmath>

#include "../threads.h"
#include "dropout.h"

namespace tidegate {

// A normal number to within 0.002 of its distribution function, its fourth moment 2.96: of 64 random bits the ones among 48,
// which are binomial, plus of the other 16 a uniform number from -1/2 to 1/2.
constexpr double kVarianceOfNormal = 48 / 4.0 + 1 / 12.0;
inline double nearly_normal(std::uint64_t bits) {
  return std::popcount(bits >> 16) - 24 + (static_cast<double>(bits & 0xffff) + 0.5) * 0x1p-16 - 0.5;
}

// noisy: the weights in the ranges, each with noise of its own.
template <class T>
void add_weight_noise(const T* weights, const std::vector<Range>& ranges, double deviation, std::uint64_t seed, T* noisy,
                      Team& team) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ull;
  const std::uint64_t key = mix(seed);
  const double scale = deviation / std::sqrt(kVarianceOfNormal);
  team.run([&](int thread, int count) {
    for (const Range& range : ranges) {
      const Range part = share(range.size(), thread, count);
      for (long i = range.begin + part.begin; i < range.begin + part.end; ++i)
        noisy[i] = weights[i] + static_cast<T>(scale * nearly_normal(mix(key + static_cast<std::uint64_t>(i + 1) * kOdd)));
    }
  });
}

}  // namespace tidegate
