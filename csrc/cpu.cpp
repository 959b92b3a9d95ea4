// Which of the engine's extensions this machine can run. Compiled for the baseline, so that it loads anywhere.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

namespace {

// __builtin_cpu_supports asks the CPU (cpuid) and whether the operating system saves the registers (xgetbv).
std::vector<std::string> instruction_sets() {
    std::vector<std::string> sets;
#if defined(__x86_64__) && defined(__linux__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (avx2 && avx512) sets.emplace_back("avx512");
    if (avx2) sets.emplace_back("avx2");
#endif
    sets.emplace_back("portable");
    return sets;
}

}  // namespace

NB_MODULE(_cpu, m) {
    m.doc() = "The instruction sets of this machine.";
    m.def("instruction_sets", &instruction_sets,
          "Names of the engine's builds that this machine and its operating system can run, fastest first.");
}
