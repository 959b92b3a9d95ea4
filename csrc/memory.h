// Memory that grows and is then kept: a batch no larger than an earlier one allocates nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include <unistd.h>

namespace tidegate {

// Bytes of a core's second-level cache; 1 MiB where the system does not say.
inline long second_level_bytes() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return bytes;
#endif
  return 1L << 20;
}

// Of all buffers of the process.
inline std::atomic<long> num_bytes_held{0};

// An array aligned to a cache line. resize() keeps no contents; in a debug build new memory is NaN, so that a read
// before a write shows in a result.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(long size) { resize(size); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  ~Buffer() {
    std::free(data_);
    num_bytes_held -= capacity_ * static_cast<long>(sizeof(T));
  }

  T* resize(long size) {
    if (size > capacity_) {
      constexpr std::size_t kLine = 64;
      if (static_cast<unsigned long>(size) > std::numeric_limits<long>::max() / sizeof(T) - kLine) throw std::bad_alloc();
      const std::size_t bytes = (static_cast<std::size_t>(size) * sizeof(T) + kLine - 1) / kLine * kLine;
      void* fresh = std::aligned_alloc(kLine, bytes);
      if (fresh == nullptr) throw std::bad_alloc();
      std::free(data_);
      data_ = static_cast<T*>(fresh);
      num_bytes_held += (size - capacity_) * static_cast<long>(sizeof(T));
      capacity_ = size;
#if defined(TIDEGATE_POISON)
      std::fill_n(data_, size, std::numeric_limits<T>::has_quiet_NaN ? std::numeric_limits<T>::quiet_NaN() : T(-77));
#endif
    }
    return data_;
  }

  T* zero(long size) {
    resize(size);
    std::fill_n(data_, size, T(0));
    return data_;
  }

  // Zero where it is new; else what stands there stays.
  T* zeroed(long size) { return size > capacity_ ? zero(size) : data_; }

  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  long capacity_ = 0;
};

}  // namespace tidegate
