"""Networks as records: what is computed from what, with which parameters; no code that computes."""

from tidegate.network.network import Network
from tidegate.network.nodes import (
    ACTIVATIONS,
    LOSSES,
    POOLINGS,
    Dense,
    Dropout,
    Input,
    Loss,
    Node,
    Pool,
    Recurrent,
)
from tidegate.network.sequence import recurrent_stack, sequence_network

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "POOLINGS",
    "Dense",
    "Dropout",
    "Input",
    "Loss",
    "Network",
    "Node",
    "Pool",
    "Recurrent",
    "recurrent_stack",
    "sequence_network",
]
