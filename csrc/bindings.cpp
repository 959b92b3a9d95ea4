#include <nanobind/nanobind.h>

NB_MODULE(TIDEGATE_MODULE, m) {
    m.doc() = "The engine, compiled for one instruction set.";
}
