#!/bin/sh
# tools/sanitize.sh memory|threads COMMAND...: runs Python with these arguments on that sanitizers' build of the
# engine, which make builds. make sanitize and make sanitize-threads call it.
set -eu
cd "$(dirname "$0")/.."

library() {
    path=$(${CXX:-c++} -print-file-name="$1")
    [ -e "$path" ] || { echo "this needs $1: install libasan, libubsan, libtsan (Fedora) or g++ (Debian, Ubuntu)" >&2; exit 1; }
    echo "$path"
}

kind=$1
shift
case $kind in
memory)
    build=build/sanitize
    LD_PRELOAD="$(library libasan.so) $(library libubsan.so)"
    # CPython itself leaks at exit; an array too large is a MemoryError of ours.
    export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    ;;
threads)
    build=build/tsan
    LD_PRELOAD=$(library libtsan.so)
    export TSAN_OPTIONS=halt_on_error=1
    # ThreadSanitizer keeps its shadow memory at fixed places, where the system may have put a library.
    run="setarch --addr-no-randomize"
    ;;
esac

# A Python of its own with .venv's packages on its path: in .venv the editable install would come before this build.
python=$build/venv/bin/python
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
export PYTHONPATH="$PWD/$build/site:$packages"
export OPENBLAS_NUM_THREADS=1 # whose own threads are not built to be watched
export LD_PRELOAD
${run:-} "$python" -c "import sys, tidegate._cpu as built; sys.exit('/$build/' not in built.__file__)"
exec ${run:-} "$python" "$@"
