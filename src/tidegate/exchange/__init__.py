"""Weights to and from the layouts of other libraries."""

from tidegate.exchange.pytorch import from_pytorch, to_pytorch

__all__ = ["from_pytorch", "to_pytorch"]
