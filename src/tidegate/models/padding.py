"""Steps that are padding, as the network is given them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidegate.checks import choice
from tidegate.data import Sequences

PADDINGS = ("skip", "gate", "input")


@dataclass(frozen=True)
class Padding:
    """What becomes of padding, and what fit learnt for it.

    way: of PADDINGS. "skip" takes padding out; "input" makes it steps of zeros, read like others; "gate"
    leaves it to gates of the network. num_steps: to which sequences without padding of their own are filled
    up, the longest of fit; 0 where they are not.
    """

    way: str = "skip"
    num_steps: int = 0

    def __post_init__(self) -> None:
        choice("padding", self.way, PADDINGS)

    @classmethod
    def learnt(cls, way: str, X: Sequences) -> Padding:
        """From the sequences of fit."""
        return cls(way, int(X.lengths.max()) if way != "skip" and X.padding is None else 0)

    @property
    def gates(self) -> bool:
        return self.way == "gate"

    def read(self, X: Sequences) -> Sequences:
        """As the network reads them; with padding that is marked for gates alone."""
        if self.way == "skip":
            return X.without_padding()
        padded = X if X.padding is not None else X.with_padding(self.num_steps)
        if self.gates or padded.padding is None:
            return padded
        if X.times is not None:
            raise ValueError(
                "padding expects 'skip' or 'gate' for sequences with time stamps, since padding has none; "
                "got 'input': pass one of these"
            )
        values = np.where(padded.padding[:, np.newaxis], padded.dtype.type(0), padded.values)
        return Sequences(values, padded.offsets, padded.ids)
