"""Sizes of tidegate and of all that it requires, as installed beside this Python; fails above the limit."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

LIMIT_MIB = 330
EXTRA = re.compile(r"\bextra\s*==")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def required_by(package: Distribution) -> set[str]:
    """Names of what `package` requires without extras."""
    return {
        match.group()
        for requirement in package.requires or []
        if not EXTRA.search(requirement) and (match := NAME.match(requirement))
    }


def closure(name: str) -> dict[str, Distribution]:
    """`name` and all that it requires, by name, less what only other platforms or Pythons need."""
    found = {name: distribution(name)}
    waiting = required_by(found[name])
    while waiting:
        try:
            package = distribution(waiting.pop())
        except PackageNotFoundError:
            continue
        if package.name not in found:
            found[package.name] = package
            waiting |= required_by(package)
    return found


def mebibytes(package: Distribution) -> float:
    """Size of the files of `package`, compiled ones included."""
    paths = (Path(str(file.locate())) for file in package.files or [])
    return sum(path.stat().st_size for path in paths if path.exists()) / 2**20


def main() -> int:
    sizes = {name: mebibytes(package) for name, package in closure("tidegate").items()}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size:8.2f} MiB  {name}")
    total = sum(sizes.values())
    print(f"{total:8.2f} MiB  in all; the limit is {LIMIT_MIB}")
    return int(total > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
