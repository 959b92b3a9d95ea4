#!/bin/sh
# What make test-aarch64 needs of the machine beside a build's prerequisites, each missing thing in one sentence.
status=0
missing() {
    echo "make test-aarch64 needs $1" >&2
    status=1
}
command -v aarch64-linux-gnu-g++ >/dev/null 2>&1 ||
    missing "a cross-compiler: install g++-aarch64-linux-gnu (Debian, Ubuntu)"
command -v qemu-aarch64 >/dev/null 2>&1 || missing "QEMU's user mode: install qemu-user (Debian, Ubuntu, Fedora)"
exit $status
