"""Times `import tidegate` and `tidegate --help` beside `import numpy`; fails where a ratio is over the limit.

Each is a fresh process, measured from its start to its end less a bare interpreter's; interleaved, medians.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 3.0
ROUNDS = 21

BARE = [sys.executable, "-c", ""]
NUMPY = [sys.executable, "-c", "import numpy"]
MEASURED = {
    "import tidegate": [sys.executable, "-c", "import tidegate"],
    "tidegate --help": [str(Path(sys.executable).with_name("tidegate")), "--help"],
}


def milliseconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1e3 * (time.perf_counter() - start)


def main() -> int:
    commands = {"": BARE, "import numpy": NUMPY, **MEASURED}
    for command in commands.values():
        milliseconds(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    numpy = medians["import numpy"] - medians[""]
    print(f"{'import numpy':16} {numpy:6.1f} ms")
    slow = False
    for name in MEASURED:
        own = medians[name] - medians[""]
        slow |= own > LIMIT * numpy
        print(f"{name:16} {own:6.1f} ms  {own / numpy:5.2f} times import numpy; the limit is {LIMIT:g}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
