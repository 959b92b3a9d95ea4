// GCC's OpenMP runtime, where other libraries of the process have loaded it: its idle threads spin for milliseconds. The
// engine does not use it. See docs/decisions/0018-openmp-threads-end-before-a-long-call.md.
#pragma once

#if defined(__linux__)
#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#endif

namespace tidegate {

#if defined(__linux__)

// Each copy of it that the process has loaded, and keeps.
class OpenMp {
 public:
  static OpenMp& instance() {
    static OpenMp only;
    return only;
  }

  // Ends the threads that wait for the calling thread's next parallel region, which starts others (omp_pause_resource_all,
  // OpenMP 5.0, 3.2.44). Does nothing within a parallel region. The interpreter lock is not held: a thread that ends may
  // want it.
  void end_idle_threads() {
    constexpr int kSoft = 1;  // omp_pause_soft
    if (forked_.load(std::memory_order_relaxed)) return;
    for (const Pause pause : found()) pause(kSoft);
  }

 private:
  using Pause = int (*)(int);

  // It waits for its threads to end, and a child process has none of those that its parent started: there, nothing is done.
  OpenMp() : forked_(began_by_fork()) {
    pthread_atfork(nullptr, nullptr, [] { instance().forked_.store(true, std::memory_order_relaxed); });
  }

  // Whether this process is a copy of another one and ran no program since: PF_FORKNOEXEC of the ninth number of
  // /proc/self/stat (man 5 proc_pid_stat), after the name in brackets.
  static bool began_by_fork() {
    constexpr unsigned long kForkNoExec = 0x40;
    std::ifstream file("/proc/self/stat");
    std::string line, skipped;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return true;
    std::istringstream numbers(line.substr(name_end + 1));
    for (int i = 3; i < 9; ++i) numbers >> skipped;
    unsigned long flags = 0;
    return !(numbers >> flags) || (flags & kForkNoExec);
  }

  // Looks again where a library was loaded since the last call.
  std::vector<Pause> found() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto count = [](dl_phdr_info* info, std::size_t, void* loads) {
      *static_cast<unsigned long long*>(loads) = info->dlpi_adds;
      return 1;  // the first library says it
    };
    unsigned long long loads = 0;
    dl_iterate_phdr(count, &loads);
    if (loads == loads_) return pauses_;
    loads_ = loads;
    std::vector<std::string> paths;
    const auto list = [](dl_phdr_info* info, std::size_t, void* names) {
      const char* slash = std::strrchr(info->dlpi_name, '/');
      const char* name = slash ? slash + 1 : info->dlpi_name;
      if (!std::strncmp(name, "libgomp", 7)) static_cast<std::vector<std::string>*>(names)->push_back(info->dlpi_name);
      return 0;
    };
    dl_iterate_phdr(list, &paths);
    pauses_.clear();
    for (const std::string& path : paths)
      if (void* library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD))
        if (void* pause = dlsym(library, "omp_pause_resource_all")) pauses_.push_back(reinterpret_cast<Pause>(pause));
    return pauses_;
  }

  std::mutex mutex_;
  std::vector<Pause> pauses_;
  unsigned long long loads_ = 0;  // libraries that the process had loaded at the last look
  std::atomic<bool> forked_;
};

inline void end_idle_openmp_threads() { OpenMp::instance().end_idle_threads(); }

#else

inline void end_idle_openmp_threads() {}

#endif

}  // namespace tidegate
