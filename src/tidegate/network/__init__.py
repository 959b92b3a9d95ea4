"""Networks as records: what is computed from what, with which parameters; no code that computes."""

from tidegate.network.network import Network
from tidegate.network.nodes import (
    ACTIVATIONS,
    LOSSES,
    POOLINGS,
    Align,
    Dense,
    Dropout,
    Embedding,
    Gate,
    Input,
    InputDecay,
    Loss,
    Node,
    Pool,
    Recurrent,
    Repeat,
    SparseInput,
    StateDecay,
    Thresholds,
)
from tidegate.network.sequence import recurrent_stack, sequence_network

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "POOLINGS",
    "Align",
    "Dense",
    "Dropout",
    "Embedding",
    "Gate",
    "Input",
    "InputDecay",
    "Loss",
    "Network",
    "Node",
    "Pool",
    "Recurrent",
    "Repeat",
    "SparseInput",
    "StateDecay",
    "Thresholds",
    "recurrent_stack",
    "sequence_network",
]
