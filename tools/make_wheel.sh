#!/bin/sh
# tools/make_wheel.sh WHEEL: names its platform, as the newest glibc and libstdc++ it asks for have it, and puts it
# into dist/. Called by make wheel.
set -eu
tools=build/wheel/tools/bin
rm -rf dist
# The extensions for AVX2 and AVX-512 are loaded where the processor has them: the wheel asks for no more than x86-64.
PATH="$PWD/$tools:$PATH" "$tools/auditwheel" repair --disable-isa-ext-check --wheel-dir dist "$1"
"$tools/auditwheel" show --disable-isa-ext-check dist/*.whl
if "$tools/python" -m zipfile --list dist/*.whl | grep -E '\.libs/|gomp|libomp|iomp'; then
    echo "the wheel carries libraries of others, which it has no need of" >&2
    exit 1
fi
