"""The literature's tables, reproduced: `python -m benchmarks.literature --help`."""
