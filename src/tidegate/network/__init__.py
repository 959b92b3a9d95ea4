"""Networks as records: what is computed from what, with which parameters; no code that computes."""

from tidegate.network.network import Network
from tidegate.network.nodes import (
    ACTIVATIONS,
    LOSSES,
    POOLINGS,
    Dense,
    Dropout,
    Input,
    InputDecay,
    Loss,
    Node,
    Pool,
    Recurrent,
    StateDecay,
)
from tidegate.network.sequence import recurrent_stack, sequence_network

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "POOLINGS",
    "Dense",
    "Dropout",
    "Input",
    "InputDecay",
    "Loss",
    "Network",
    "Node",
    "Pool",
    "Recurrent",
    "StateDecay",
    "recurrent_stack",
    "sequence_network",
]
