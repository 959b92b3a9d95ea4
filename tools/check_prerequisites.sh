#!/bin/sh
# What a build needs of the machine, each missing thing in one sentence. PYTHON and CXX name others than the default.
set -u
python=${PYTHON:-python3}
status=0

missing() {
    echo "Tidegate needs $1" >&2
    status=1
}

is_recent='import sys; sys.exit(sys.version_info < (3, 11))'
has_venv='import ensurepip, venv'
has_headers='import os, sys, sysconfig; sys.exit(not os.path.isfile(sysconfig.get_path("include") + "/Python.h"))'

if ! command -v "$python" >/dev/null 2>&1; then
    missing "Python 3.11 or newer, and '$python' is not there: install python3 (Debian, Ubuntu, Fedora), or name another as in make PYTHON=python3.12"
elif ! "$python" -c "$is_recent" 2>/dev/null; then
    missing "Python 3.11 or newer, and '$python' is $("$python" --version 2>&1): install python3.11 or newer (Debian, Ubuntu, Fedora) and name it as in make PYTHON=python3.11"
else
    "$python" -c "$has_venv" 2>/dev/null ||
        missing "Python's venv: install python3-venv (Debian, Ubuntu) or python3 (Fedora), of the version of '$python'"
    "$python" -c "$has_headers" 2>/dev/null ||
        missing "Python's headers: install python3-dev (Debian, Ubuntu) or python3-devel (Fedora), of the version of '$python'"
fi

cxx20='#include <bit>
#include <concepts>
#include <span>
template <std::integral T> int width(std::span<T> s) { return std::bit_width(s.size()); }'

compiler=${CXX:-}
for candidate in c++ g++ clang++; do
    [ -z "$compiler" ] && command -v "$candidate" >/dev/null 2>&1 && compiler=$candidate
done
if [ -z "$compiler" ]; then
    missing "a C++20 compiler: install g++ (Debian, Ubuntu) or gcc-c++ (Fedora), version 11 or newer"
elif ! echo "$cxx20" | $compiler -std=c++20 -fsyntax-only -x c++ - 2>/dev/null; then
    missing "a C++20 compiler, which '$compiler' is not: install g++ (Debian, Ubuntu) or gcc-c++ (Fedora), version 11 or newer"
fi

exit $status
