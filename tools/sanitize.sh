#!/bin/sh
# Runs the engine's tests on the sanitizers' build. Called by make sanitize, which builds it.
set -eu
cd "$(dirname "$0")/.."

library() {
    path=$(${CXX:-c++} -print-file-name="$1")
    [ -e "$path" ] || { echo "make sanitize needs $1: install libasan and libubsan (Fedora) or g++ (Debian, Ubuntu)" >&2; exit 1; }
    echo "$path"
}

# A Python of its own with .venv's packages on its path: in .venv the editable install would come before this build.
python=build/sanitize/venv/bin/python
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
asan=$(library libasan.so)
ubsan=$(library libubsan.so)

export PYTHONPATH="$PWD/build/sanitize/site:$packages"
export LD_PRELOAD="$asan $ubsan"
export ASAN_OPTIONS=detect_leaks=0 # CPython itself leaks at exit
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

"$python" -c 'import sys, tidegate._cpu as built; sys.exit("/build/sanitize/" not in built.__file__)'
# pytest would keep a report on file descriptor 2 to itself: the process ends with it.
[ $# -gt 0 ] || set -- tests/engine
exec "$python" -m pytest -p no:cacheprovider --capture=sys "$@"
