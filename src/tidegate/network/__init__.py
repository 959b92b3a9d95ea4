"""Networks as records: what is computed from what, with which parameters; no code that computes."""

from tidegate.network.network import Network
from tidegate.network.nodes import (
    ACTIVATIONS,
    LOSSES,
    POOLINGS,
    Dense,
    Dropout,
    DropoutMask,
    Input,
    InputDecay,
    Loss,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    StateDecay,
    Zoneout,
)
from tidegate.network.sequence import recurrent_stack, sequence_network

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "POOLINGS",
    "Dense",
    "Dropout",
    "DropoutMask",
    "Input",
    "InputDecay",
    "Loss",
    "Network",
    "Node",
    "PaddingGate",
    "Pool",
    "Recurrent",
    "StateDecay",
    "Zoneout",
    "recurrent_stack",
    "sequence_network",
]
