"""python -m tidegate, where the script `tidegate` is not on the path."""

import sys

from tidegate.cli.application import main

if __name__ == "__main__":
    sys.exit(main())
