"""python -m tidegate.cli, where the script `tidegate` is not on the path."""

import sys

from tidegate.cli.application import main

sys.exit(main())
