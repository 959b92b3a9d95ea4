"""The engine's speed beside its peers: `make bench`, or python -m benchmarks.engine --help."""
