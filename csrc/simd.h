// Vectors of one register, the same source for every instruction set, and exp, sigmoid and tanh on them.
//
// GCC and Clang vector extensions carry the arithmetic; only fma needs intrinsics. Products and sums are never
// contracted by the compiler (-ffp-contract=off), so that a result has the same bits on every path of one build.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#include <immintrin.h>
#endif

namespace tidegate {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
inline constexpr int kVectorRegisters = 32;
#elif defined(__AVX2__) && defined(__FMA__)
inline constexpr int kVectorBytes = 32;
inline constexpr int kVectorRegisters = 16;
#else
inline constexpr int kVectorBytes = 16;
#if defined(__aarch64__)
inline constexpr int kVectorRegisters = 32;
#else
inline constexpr int kVectorRegisters = 16;
#endif
#endif

template <class T>
struct VectorTraits;

template <>
struct VectorTraits<float> {
  typedef float Vector __attribute__((vector_size(kVectorBytes), may_alias));
  typedef float Loose __attribute__((vector_size(kVectorBytes), may_alias, aligned(4)));
  typedef std::int32_t Integers __attribute__((vector_size(kVectorBytes), may_alias));
};

template <>
struct VectorTraits<double> {
  typedef double Vector __attribute__((vector_size(kVectorBytes), may_alias));
  typedef double Loose __attribute__((vector_size(kVectorBytes), may_alias, aligned(8)));
  typedef std::int64_t Integers __attribute__((vector_size(kVectorBytes), may_alias));
};

template <class T>
using Vec = typename VectorTraits<T>::Vector;

// Elements of one vector.
template <class T>
inline constexpr int kWidth = kVectorBytes / static_cast<int>(sizeof(T));

// n rounded up to whole vectors.
template <class T>
constexpr long padded(long n) {
  return (n + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
}

// Elements from one row of n columns to the next: whole vectors, and a cache line more where rows a multiple of 1 KiB
// apart would compete for few sets of the cache.
template <class T>
constexpr long row_stride(long n) {
  const long bytes = padded<T>(n) * static_cast<long>(sizeof(T));
  return padded<T>(n) + (bytes % 1024 == 0 ? 64 / static_cast<long>(sizeof(T)) : 0);
}

template <class T>
inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorTraits<T>::Loose*>(p);
}

template <class T, class V>
inline void store(T* p, V value) {
  *reinterpret_cast<typename VectorTraits<T>::Loose*>(p) = value;
}

// The first `count` elements of a vector, at most all of them; a load reads no others, and zeros stand for them.
#if defined(__AVX512F__)
inline Vec<float> load_first(const float* p, long count) { return _mm512_maskz_loadu_ps((1u << count) - 1, p); }
inline Vec<double> load_first(const double* p, long count) { return _mm512_maskz_loadu_pd((1u << count) - 1, p); }
inline void store_first(float* p, Vec<float> v, long count) { _mm512_mask_storeu_ps(p, (1u << count) - 1, v); }
inline void store_first(double* p, Vec<double> v, long count) { _mm512_mask_storeu_pd(p, (1u << count) - 1, v); }
#elif defined(__AVX2__) && defined(__FMA__)
inline __m256i first_bytes(long count) {
  alignas(64) static constexpr std::int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(reinterpret_cast<const char*>(kOnes + 8) - count));
}
inline Vec<float> load_first(const float* p, long count) { return _mm256_maskload_ps(p, first_bytes(count * 4)); }
inline Vec<double> load_first(const double* p, long count) { return _mm256_maskload_pd(p, first_bytes(count * 8)); }
inline void store_first(float* p, Vec<float> v, long count) { _mm256_maskstore_ps(p, first_bytes(count * 4), v); }
inline void store_first(double* p, Vec<double> v, long count) { _mm256_maskstore_pd(p, first_bytes(count * 8), v); }
#else
template <class T>
inline Vec<T> load_first(const T* p, long count) {
  Vec<T> v{};
  for (long j = 0; j < count; ++j) v[j] = p[j];
  return v;
}
template <class T>
inline void store_first(T* p, Vec<T> v, long count) {
  for (long j = 0; j < count; ++j) p[j] = v[j];
}
#endif

// The same of as many as there are, up to a whole vector.
template <class T>
inline Vec<T> load_up_to(const T* p, long count) {
  return count < kWidth<T> ? load_first(p, count) : load<T>(p);
}
template <class T>
inline void store_up_to(T* p, Vec<T> v, long count) {
  if (count < kWidth<T>) store_first(p, v, count);
  else store(p, v);
}

// a[first], b[first], a[first + 1], b[first + 1] and so on, of each as much as half a vector.
template <class T, int kFirst>
inline Vec<T> interleave(Vec<T> a, Vec<T> b) {
  return [&]<int... j>(std::integer_sequence<int, j...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, (kFirst + j / 2 + j % 2 * kWidth<T>)...);
#else
    return __builtin_shuffle(a, b, typename VectorTraits<T>::Integers{(kFirst + j / 2 + j % 2 * kWidth<T>)...});
#endif
  }(std::make_integer_sequence<int, kWidth<T>>{});
}

// Rows as columns: read(i) is the vector of row i, for i below `rows`; write(j, vector) takes column j of them, for j
// below `columns`, with zeros for the rows beyond. Both at most a vector's width.
template <class T, class Read, class Write>
inline void transpose(long rows, long columns, Read&& read, Write&& write) {
  constexpr int W = kWidth<T>, kHalf = W / 2;
  Vec<T> now[W], next[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) now[i] = i < rows ? read(i) : Vec<T>{};
#pragma GCC unroll 4
  for (int turned = 1; turned < W; turned *= 2) {  // one bit of the row's number changes places with one of the column's
#pragma GCC unroll 16
    for (int i = 0; i < kHalf; ++i) {
      next[2 * i] = interleave<T, 0>(now[i], now[i + kHalf]);
      next[2 * i + 1] = interleave<T, kHalf>(now[i], now[i + kHalf]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) now[i] = next[i];
  }
#pragma GCC unroll 16
  for (int j = 0; j < W; ++j)
    if (j < columns) write(j, now[j]);
}

template <class T>
inline Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

// a * b + c in one rounding where the hardware has it.
#if defined(__AVX512F__)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__AVX2__) && defined(__FMA__)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  for (int j = 0; j < kWidth<float>; ++j) c[j] = __builtin_fmaf(a[j], b[j], c[j]);
  return c;
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  for (int j = 0; j < kWidth<double>; ++j) c[j] = __builtin_fma(a[j], b[j], c[j]);
  return c;
}
#else
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }
#endif

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float kLog2E = 1.44269504088896341f;
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // 1.5 * 2^23: adding it rounds to a whole number; and the exponents' bias.
  static constexpr float kRound = 12582912.0f + 127;
  static constexpr int kMantissaBits = 23;
  static constexpr float kLimit = 87.0f;  // exp stays normal in [-limit, limit]
  static constexpr float kTanhLimit = 20.0f;
  // (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2, from the constant on, so that exp(r) has the least relative error: 4e-9,
  // where Taylor's series with a term more has 7e-9.
  static constexpr float kSeries[] = {0.49999994f, 0.16666521f, 0.04166839f, 0.0083687175f, 0.0013814591f};
};

template <>
struct ExpConstants<double> {
  static constexpr double kLog2E = 1.44269504088896341;
  static constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kRound = 6755399441055744.0 + 1023;  // 1.5 * 2^52
  static constexpr int kMantissaBits = 52;
  static constexpr double kLimit = 708.0;
  static constexpr double kTanhLimit = 40.0;
  // Taylor's series to r^13, whose remainder is 5e-18.
  static constexpr double kSeries[] = {1. / 2,      1. / 6,       1. / 24,       1. / 120,       1. / 720,       1. / 5040,
                                       1. / 40320,  1. / 362880,  1. / 3628800,  1. / 39916800,  1. / 479001600, 1. / 6227020800};
};

template <class T>
struct ExpParts {
  Vec<T> power, fraction;  // exp(x) = power * (1 + fraction), power a power of two, |fraction| < 0.42
};

// |x| must not exceed kLimit; NaN stays NaN.
template <class T>
inline ExpParts<T> exp_parts(Vec<T> x) {
  using C = ExpConstants<T>;
  using Integers = typename VectorTraits<T>::Integers;
  const Vec<T> shifted = fma(x, broadcast<T>(C::kLog2E), broadcast<T>(C::kRound));
  const Vec<T> n = shifted - C::kRound;
  const Vec<T> r = fma(n, broadcast<T>(-C::kLn2Low), fma(n, broadcast<T>(-C::kLn2High), x));
  // The low bits of `shifted` hold the biased exponent; the constant above them is shifted out.
  const Vec<T> power = (Vec<T>)((Integers)shifted << C::kMantissaBits);
  constexpr int kTerms = std::size(C::kSeries);
  Vec<T> q = broadcast<T>(C::kSeries[kTerms - 1]);
#pragma GCC unroll 16
  for (int k = kTerms - 2; k >= 0; --k) q = fma(q, r, broadcast<T>(C::kSeries[k]));
  return {power, fma(q, r * r, r)};
}

// The lesser and the greater of two; where b is NaN, NaN.
template <class V>
inline V lesser(V a, V b) { return a < b ? a : b; }
template <class V>
inline V greater(V a, V b) { return a > b ? a : b; }
#if defined(__AVX512F__)  // GCC makes a comparison and a selection of those; it warns of these intrinsics without a mask
inline Vec<float> lesser(Vec<float> a, Vec<float> b) { return _mm512_maskz_min_ps(0xFFFF, a, b); }
inline Vec<double> lesser(Vec<double> a, Vec<double> b) { return _mm512_maskz_min_pd(0xFF, a, b); }
inline Vec<float> greater(Vec<float> a, Vec<float> b) { return _mm512_maskz_max_ps(0xFFFF, a, b); }
inline Vec<double> greater(Vec<double> a, Vec<double> b) { return _mm512_maskz_max_pd(0xFF, a, b); }
#elif defined(__AVX2__) && defined(__FMA__)
inline Vec<float> lesser(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
inline Vec<double> lesser(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }
inline Vec<float> greater(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
inline Vec<double> greater(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
#endif

template <class T>
inline Vec<T> clamp(Vec<T> x, T limit) {
  return greater(broadcast<T>(-limit), lesser(broadcast<T>(limit), x));
}

// 1 / (1 + exp(-x)).
template <class T>
inline Vec<T> sigmoid_of(Vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(-clamp<T>(x, ExpConstants<T>::kLimit));
  return T(1) / (T(1) + fma(e.power, e.fraction, e.power));
}

// (exp(2x) - 1) / (exp(2x) + 1); the numerator as expm1, so that it is exact near zero.
template <class T>
inline Vec<T> tanh_of(Vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(clamp<T>(x + x, ExpConstants<T>::kTanhLimit));
  const Vec<T> m = fma(e.power, e.fraction, e.power - T(1));
  return m / (m + T(2));
}

// exp(-max(0, x)).
template <class T>
inline Vec<T> decay(Vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(-lesser(broadcast<T>(ExpConstants<T>::kLimit), greater(Vec<T>{}, x)));
  return fma(e.power, e.fraction, e.power);
}

inline Vec<float> sigmoid(Vec<float> x) { return sigmoid_of<float>(x); }
inline Vec<double> sigmoid(Vec<double> x) { return sigmoid_of<double>(x); }
inline Vec<float> tanh(Vec<float> x) { return tanh_of<float>(x); }
inline Vec<double> tanh(Vec<double> x) { return tanh_of<double>(x); }

}  // namespace tidegate
