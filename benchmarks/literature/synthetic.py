"""The synthetic tasks, each as its paper defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def one_hot(symbols: Integers, num_symbols: int) -> Floats:
    """(..., num_symbols) of (...,)."""
    return np.eye(num_symbols, dtype=np.float32)[symbols]


def adding(num_sequences: int, num_steps: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Values of U[0, 1] and a mark beside one in each half; the target is the sum of the marked two
    (Hochreiter & Schmidhuber 1997; marks as in Bai et al. 2018). X (N, T, 2), y (N,); the constant 1 has an
    error of 1/6."""
    X = np.zeros((num_sequences, num_steps, 2), dtype=np.float32)
    X[..., 0] = rng.random((num_sequences, num_steps), dtype=np.float32)
    rows, half = np.arange(num_sequences), num_steps // 2
    for marked in (rng.integers(0, half, num_sequences), rng.integers(half, num_steps, num_sequences)):
        X[rows, marked, 1] = 1.0
    return X, (X[..., 0] * X[..., 1]).sum(axis=1)


def temporal_order(num_sequences: int, rng: np.random.Generator) -> tuple[list[Floats], Integers]:
    """Task 6a of Hochreiter & Schmidhuber (1997): in what order did two X or Y come?

    E, then 100 to 110 symbols in all of which the last is B; the others are a, b, c, d, but for one of X, Y
    at a place from 10 to 20 and another from 50 to 60. Symbols one-hot (T_i, 8) in the order E B a b c d X Y.
    The class is 0 to 3 for XX, XY, YX, YY."""
    X, y = [], np.zeros(num_sequences, dtype=np.int64)
    for i in range(num_sequences):
        symbols = rng.integers(2, 6, rng.integers(100, 111))
        symbols[0], symbols[-1] = 0, 1
        first, second = rng.integers(0, 2, 2)
        symbols[rng.integers(10, 21)], symbols[rng.integers(50, 61)] = 6 + first, 6 + second
        X.append(one_hot(symbols, 8))
        y[i] = 2 * first + second
    return X, y


NUM_DIGITS, NUM_COPIED = 8, 10


def copying(num_sequences: int, delay: int, rng: np.random.Generator) -> tuple[Floats, Integers]:
    """Ten of eight symbols, a delay of blanks whose last is a mark, then the ten again (Arjovsky et al.
    2016).

    X (N, delay + 20, 10) one-hot: 1 to 8 the symbols, 0 blank, 9 the mark. y (N, delay + 20): blank, and at
    the last ten steps the symbols. Who knows when but not what has a loss of 10 ln 8 / (delay + 20)."""
    digits = rng.integers(1, NUM_DIGITS + 1, (num_sequences, NUM_COPIED))
    symbols = np.zeros((num_sequences, delay + 2 * NUM_COPIED), dtype=np.int64)
    symbols[:, :NUM_COPIED] = digits
    symbols[:, delay + NUM_COPIED - 1] = NUM_DIGITS + 1
    y = np.zeros_like(symbols)
    y[:, -NUM_COPIED:] = digits
    return one_hot(symbols, NUM_DIGITS + 2), y


def parity(
    num_sequences: int, shortest: int, longest: int, rng: np.random.Generator
) -> tuple[list[Floats], Integers]:
    """Strings over two symbols, as many of each length as chance has it; 1 where the second comes an odd
    number of times (Delétang et al. 2023). Symbols one-hot (T_i, 2)."""
    strings = [rng.integers(0, 2, length) for length in rng.integers(shortest, longest + 1, num_sequences)]
    return [one_hot(bits, 2) for bits in strings], np.array([bits.sum() % 2 for bits in strings])


def counting(n: int) -> tuple[Floats, Integers]:
    """a^n b^n as a prediction of the next symbol (Gers & Schmidhuber 2001): S a^n b^n, then T.

    X (2n + 1, 3) one-hot in the order S (which is T) a b; y (2n + 1,) the next symbol. After S and each a,
    both a and b could come; from the first b on the next is certain."""
    symbols = np.array([0] + n * [1] + n * [2])
    return one_hot(symbols, 3), np.append(symbols[1:], 0)
