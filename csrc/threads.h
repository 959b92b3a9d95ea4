// The threads of native calls, interruption, and the floating-point mode they run in.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>

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

  // Often, from any thread; returns whether to stop.
  bool check() {
    if (flag_ && flag_->load(std::memory_order_relaxed)) requested_.store(true, std::memory_order_relaxed);
    if (std::this_thread::get_id() == owner_ && ++calls_ % 16 == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last_ >= std::chrono::milliseconds(50)) {
        last_ = now;
        if (poll_()) requested_.store(true, std::memory_order_relaxed);
      }
    }
    return requested();
  }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }
  void throw_if_requested() const {
    if (requested()) throw Interrupted{};
  }

 private:
  const std::atomic<bool>* flag_;
  std::function<bool()> poll_;
  std::thread::id owner_ = std::this_thread::get_id();  // only the thread that made the call may poll
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  unsigned calls_ = 0;
  std::atomic<bool> requested_{false};
};

class Team;

// A thread that waits for a team that wants it. Between two of them it spins for a moment, since the next call often
// follows at once, and then sleeps.
class Worker {
 public:
  // Has the worker do the team's work, unless withdraw() comes first.
  void offer(Team* team) {
    team_.store(team, std::memory_order_release);
    team_.notify_one();
  }
  // Whether the work had not been begun; it never will be then.
  bool withdraw(Team* team) { return team_.compare_exchange_strong(team, nullptr, std::memory_order_acq_rel); }

  [[noreturn]] inline void serve();

  static constexpr long kSpins = 2000;  // up to 100 us
  static void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
  }

  Worker* next_idle = nullptr;  // the pool's

 private:
  std::atomic<Team*> team_{nullptr};
};

// The idle workers of the process. Threads are started when too few are idle, and never ended; a child process after
// fork() starts with none. See docs/decisions/0009-threads-wait-between-calls.md.
class Pool {
 public:
  static Pool& instance() {
    static std::atomic<Pool*> only{new Pool};
    static const int with_fork = pthread_atfork(nullptr, nullptr, [] { only.store(new Pool); });
    static_cast<void>(with_fork);
    return *only.load(std::memory_order_acquire);
  }

  // The worker that became idle last, which is the likeliest to be awake still; null where the system grants no more
  // threads.
  Worker* take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (Worker* worker = idle_) {
        idle_ = worker->next_idle;
        return worker;
      }
    }
    // Signals are for the threads that the program knows of: a worker, which outlives the call, blocks them all.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::unique_ptr<Worker> worker;
    try {
      worker = std::make_unique<Worker>();
      std::thread([worker = worker.get()] { worker->serve(); }).detach();
    } catch (const std::system_error&) {
      worker.reset();
    } catch (const std::bad_alloc&) {
      worker.reset();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return worker.release();
  }
  void give_back(Worker* worker) {
    const std::lock_guard<std::mutex> lock(mutex_);
    worker->next_idle = idle_;
    idle_ = worker;
  }

 private:
  std::mutex mutex_;
  Worker* idle_ = nullptr;  // the first of a list
};

// Threads that do rounds of work together, the caller and workers of the pool, as long as one native call. Fewer than
// asked for where the system grants no more.
//
// A round of work is a number of shares. Whoever is free takes the next one, the caller among them, so that a thread
// which the machine has no core for holds up nobody: the others do its part. Results do not depend on who does what.
class Team {
 public:
  explicit Team(int size) {
    workers_.reserve(static_cast<std::size_t>(size));  // so that nothing throws once a worker has the offer
    while (this->size() < size) {
      Worker* worker = Pool::instance().take();
      if (!worker) break;
      workers_.push_back(worker);
      worker->offer(this);
    }
  }
  ~Team() {
    if (workers_.empty()) return;
    stopping_.store(true, std::memory_order_relaxed);
    start_round(0);
    int working = size() - 1;
    for (Worker* worker : workers_)
      if (worker->withdraw(this)) {
        Pool::instance().give_back(worker);
        --working;
      }
    for (long spins = 0; left_.load(std::memory_order_acquire) != working; ++spins) pause(spins);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // What a worker does until the team ends, which may be gone as soon as it has left.
  void work(Worker& self) {
    while (!stopping_.load(std::memory_order_relaxed)) {
      if (take_share()) continue;
      std::uint64_t state = state_.load(std::memory_order_acquire);
      for (long spins = 0; !has_share(state) && !stopping_.load(std::memory_order_relaxed); ++spins) {
        if (spins < Worker::kSpins) Worker::pause();
        else state_.wait(state, std::memory_order_acquire);
        state = state_.load(std::memory_order_acquire);
      }
    }
    Pool::instance().give_back(&self);
    left_.fetch_add(1, std::memory_order_release);
  }

  // Calls task(share, num_shares) for each of `num_shares` shares (as many as threads where 0) and returns when all are
  // done. The caller takes share 0. The task must not throw.
  template <class Task>
  void run(Task&& task, int num_shares = 0) {
    const int count = num_shares == 0 ? size() : num_shares;
    if (size() == 1 || count == 1) {
      for (int share = 0; share < count; ++share) task(share, count);
      return;
    }
    task_ = [&task, count](int share) { task(share, count); };
    done_.store(0, std::memory_order_relaxed);
    start_round(count);
    task_(0);
    done_.fetch_add(1, std::memory_order_relaxed);
    while (take_share()) {
    }
    for (long spins = 0; done_.load(std::memory_order_acquire) != count; ++spins) pause(spins);
  }

 private:
  static void pause(long spins) {
    if (spins > Worker::kSpins) std::this_thread::yield();
    else Worker::pause();
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

  std::vector<Worker*> workers_;
  std::function<void(int)> task_;
  std::atomic<std::uint64_t> state_{0};
  std::atomic<int> done_{0}, left_{0};
  std::atomic<bool> stopping_{false};
};

inline void Worker::serve() {
  const FlushDenormals mode;
  for (;;) {
    for (long spins = 0; team_.load(std::memory_order_relaxed) == nullptr; ++spins) {
      if (spins < kSpins) pause();
      else team_.wait(nullptr, std::memory_order_relaxed);
    }
    if (Team* team = team_.exchange(nullptr, std::memory_order_acq_rel)) team->work(*this);
  }
}

// The part of [0, total) that thread `thread` of `count` computes, in whole multiples of `step`.
struct Range {
  long begin, end;
  long size() const { return end - begin; }
};
inline Range share(long total, int thread, int count, long step = 1) {
  const long blocks = (total + step - 1) / step;
  const long begin = blocks * thread / count * step, end = blocks * (thread + 1) / count * step;
  return {std::min(begin, total), std::min(end, total)};
}

}  // namespace tidegate
