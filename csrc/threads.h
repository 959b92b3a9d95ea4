// The threads of one native call, interruption, and the floating-point mode they run in.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace tidegate {

// Flushes denormal numbers to zero while it lives and restores the thread's mode after. Back-propagation through
// hundreds of vanishing steps is several times slower without it.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // flush to zero, denormals are zero
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (1ul << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  unsigned long saved_;
#else
  FlushDenormals() {}

 private:
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

// Thrown where a computation was asked to stop before it was complete.
struct Interrupted {};

// A request to stop: a flag that another thread sets, or what `poll` says, which the thread that made the native call
// asks at most every 50 ms.
class Interrupt {
 public:
  Interrupt(const std::atomic<bool>* flag, std::function<bool()> poll) : flag_(flag), poll_(std::move(poll)) {}

  // From the calling thread, often.
  void check() {
    if (flag_ && flag_->load(std::memory_order_relaxed)) requested_.store(true, std::memory_order_relaxed);
    if (++calls_ % 16 != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return;
    last_ = now;
    if (poll_()) requested_.store(true, std::memory_order_relaxed);
  }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }
  void throw_if_requested() const {
    if (requested()) throw Interrupted{};
  }

 private:
  const std::atomic<bool>* flag_;
  std::function<bool()> poll_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  unsigned calls_ = 0;
  std::atomic<bool> requested_{false};
};

// A team of threads that lives as long as one native call: the caller is thread 0. Nothing is left running
// between calls, so a fork or another library's pool beside it is not disturbed.
//
// A round of work is a number of shares. Whoever is free takes the next one, the caller among them, so that a thread
// which the machine has no core for holds up nobody: the others do its part. Results do not depend on who does what.
class Team {
 public:
  explicit Team(int size) {
    workers_.reserve(static_cast<std::size_t>(size));
    try {
      for (int thread = 1; thread < size; ++thread) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The system grants no more threads: those there are do all shares.
    }
  }
  ~Team() {
    stopping_.store(true, std::memory_order_relaxed);
    start_round(0);
    for (std::thread& worker : workers_) worker.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(share, num_shares) for each of `num_shares` shares (as many as threads where 0) and returns when all are
  // done. The caller takes share 0. The task must not throw.
  template <class Task>
  void run(Task&& task, int num_shares = 0) {
    const int count = num_shares == 0 ? size() : std::min(num_shares, size());
    if (count == 1) return task(0, 1);
    task_ = [&task, count](int share) { task(share, count); };
    done_.store(0, std::memory_order_relaxed);
    start_round(count);
    task_(0);
    done_.fetch_add(1, std::memory_order_relaxed);
    while (take_share()) {
    }
    for (int spins = 0; done_.load(std::memory_order_acquire) != count; ++spins) pause(spins);
  }

 private:
  static constexpr int kSpins = 4000;  // about 40 us before a waiting thread sleeps or yields

  static void pause(int spins) {
    if (spins > kSpins) std::this_thread::yield();
#if defined(__x86_64__)
    else _mm_pause();
#endif
  }

  // The round's number, its shares and the next one to take, in one word that is changed in one step.
  static constexpr std::uint64_t word(std::uint64_t round, std::uint64_t count, std::uint64_t next) {
    return round << 32 | count << 16 | next;
  }
  static constexpr bool has_share(std::uint64_t state) { return (state & 0xffff) < (state >> 16 & 0xffff); }

  void start_round(int count) {
    const std::uint64_t round = (state_.load(std::memory_order_relaxed) >> 32) + 1;
    state_.store(word(round, static_cast<std::uint64_t>(count), 1), std::memory_order_release);
    state_.notify_all();
  }

  // Takes one share of the round under way and does it; false where none is left. While a share is not done its round
  // goes on, so the task is still there.
  bool take_share() {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    do {
      if (!has_share(state)) return false;
    } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
    task_(static_cast<int>(state & 0xffff));
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }

  void work() {
    const FlushDenormals mode;
    while (!stopping_.load(std::memory_order_relaxed)) {
      if (take_share()) continue;
      std::uint64_t state = state_.load(std::memory_order_acquire);
      for (int spins = 0; !has_share(state) && !stopping_.load(std::memory_order_relaxed); ++spins) {
        if (spins < kSpins) pause(spins);
        else state_.wait(state, std::memory_order_acquire);
        state = state_.load(std::memory_order_acquire);
      }
    }
  }

  std::vector<std::thread> workers_;
  std::function<void(int)> task_;
  std::atomic<std::uint64_t> state_{0};
  std::atomic<int> done_{0};
  std::atomic<bool> stopping_{false};
};

// The part of [0, total) that thread `thread` of `count` computes, in whole multiples of `step`.
struct Range {
  long begin, end;
};
inline Range share(long total, int thread, int count, long step = 1) {
  const long blocks = (total + step - 1) / step;
  const long begin = blocks * thread / count * step, end = blocks * (thread + 1) / count * step;
  return {std::min(begin, total), std::min(end, total)};
}

}  // namespace tidegate
