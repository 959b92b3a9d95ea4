"""What a network needs at least, held against what the machine has, before anything is asked for.

Linux grants memory that it does not have and ends the process that then uses it; no error comes of that.
"""

from __future__ import annotations

import os

import numpy as np

from tidegate.network import Network

VECTORS = 4  # parameters, gradients and the two of an optimiser's state


def machine_memory() -> int:
    """Bytes of this machine's memory; without end where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**62


def require_memory(network: Network, dtype: str) -> None:
    """MemoryError where the network's parameters and what belongs to them cannot fit."""
    needed = VECTORS * network.num_parameters * np.dtype(dtype).itemsize
    if needed > machine_memory():
        raise MemoryError(
            f"hidden_size: the network's {network.num_parameters:,} parameters, with gradients and the "
            f"optimiser's state, need {needed / 2**30:,.0f} GiB; this machine has "
            f"{machine_memory() / 2**30:,.0f} GiB: lower hidden_size, num_layers or input_size"
        )
