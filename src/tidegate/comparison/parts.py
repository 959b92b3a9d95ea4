"""The parts of the data: what is trained on, what is held out, what is tested on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences, has_step_targets, split
from tidegate.data.arrays import Integers
from tidegate.data.targets import there

# Of the sequences, what each seed is tested on where no test part is given.
TEST_SHARE = 0.25
TEST_WORDS: dict[str, Any] = {"argument": "test", "remedy": "pass test=(X_test, y_test) or more sequences"}


@dataclass(frozen=True)
class Part:
    """Sequences with their targets: (N,) or (N, K), or a list of one array a sequence where there is one a
    step. groups: (N,) or None."""

    X: Sequences
    y: Any
    groups: Any = None

    @classmethod
    def of(cls, X: Any, y: Any, groups: Any = None, suffix: str = "") -> Part:
        sequences = Sequences.from_any(X, argument=f"X{suffix}")
        targets = list(y) if has_step_targets(y, sequences) else np.asarray(y)
        single = isinstance(targets, np.ndarray) and targets.ndim == 0
        if single or len(targets) != len(sequences):
            got = "a single value" if single else len(targets)
            raise ValueError(
                f"y{suffix} expects targets for each of the {len(sequences)} sequences of X{suffix}; got "
                f"{got}: pass as many"
            )
        own = None if groups is None else np.asarray(groups)
        if own is not None and own.shape != (len(sequences),):
            raise ValueError(
                f"groups expects one entry for each of the {len(sequences)} sequences of X; got shape "
                f"{own.shape}: pass as many"
            )
        return cls(sequences, targets, own)

    def take(self, indices: Integers) -> Part:
        y = [self.y[index] for index in indices] if isinstance(self.y, list) else self.y[indices]
        return Part(self.X.take(indices), y, None if self.groups is None else self.groups[indices])

    def positions(
        self, share: float, task: str, seed: int, among: Integers | slice = slice(None), **words: Any
    ) -> tuple[Integers, Integers]:
        """Of the sequences (`among` these) without the share held out, and of that share: stratified by
        class, groups kept whole. words: of errors, as `split` has them."""
        by_class = task == "classification" and not isinstance(self.y, list)
        return split(
            len(self.X.lengths[among]),
            share,
            classes=self.y[among] if by_class else None,
            groups=None if self.groups is None else self.groups[among],
            seed=seed,
            **words,
        )

    def split(self, share: float, task: str, seed: int, **words: Any) -> tuple[Part, Part]:
        """The two parts at these positions."""
        rest, held_out = self.positions(share, task, seed, **words)
        return self.take(rest), self.take(held_out)

    @property
    def row_groups(self) -> Integers:
        """(rows,) the number of the group each target belongs to that is not missing: the sequence, or where
        sequences have groups the group."""
        own = np.arange(len(self.X))
        if self.groups is not None:
            own = np.unique(self.groups, return_inverse=True)[1].ravel()
        if not isinstance(self.y, list):
            return own
        return np.repeat(own, self.X.lengths)[there(np.concatenate(self.y))]

    def digest(self) -> str:
        """SHA-256 of values, lengths, time stamps, padding, targets and groups."""
        targets = self.y if isinstance(self.y, list) else [self.y]
        return digest_of(self.X.values, self.X.offsets, self.X.times, self.X.padding, *targets, self.groups)

    def all_targets(self) -> NDArray[Any]:
        """The targets of all sequences, and of all steps where there is one a step, in one row, without those
        that are missing."""
        if not isinstance(self.y, list):
            return np.ravel(self.y)
        rows = np.concatenate(self.y)
        return np.ravel(rows[there(rows)])

    def describe(self) -> dict[str, Any]:
        lengths = self.X.lengths
        return {
            "sequences": len(self.X),
            "steps": self.X.total_steps,
            "shortest": int(lengths.min()),
            "longest": int(lengths.max()),
            "features": self.X.num_features,
        }


def digest_of(*arrays: Any) -> str:
    """SHA-256 of arrays, some of which may be None."""
    digest = hashlib.sha256()
    for array in arrays:
        own = np.asarray([] if array is None else array)
        digest.update(f"{own.dtype.str} {own.shape}".encode())
        plain = np.array(list(map(repr, own.ravel()))) if own.dtype.kind == "O" else own.ravel()
        digest.update(np.ascontiguousarray(plain).view(np.uint8).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Division:
    """What each seed trains on and is tested on. test: the one test part of all seeds; None where `splits`
    has positions to train on and to test on for each seed."""

    whole: Part
    test: Part | None
    splits: dict[int, tuple[Integers, Integers]]

    @classmethod
    def of(cls, whole: Part, test: Part | None, share: float, task: str, seeds: tuple[int, ...]) -> Division:
        if test is not None:
            return cls(whole, test, {})
        return cls(whole, None, {seed: whole.positions(share, task, seed, **TEST_WORDS) for seed in seeds})

    def check_validation(self, share: float, task: str, seeds: tuple[int, ...], remedy: str = "") -> None:
        """ValueError where a share cannot be held out of what one of the seeds trains on; remedy: where the
        share is not the user's."""
        for seed in seeds:
            among = slice(None) if self.test is not None else self.splits[seed][0]
            self.whole.positions(share, task, seed, among, argument="validation", remedy=remedy)

    def of_seed(self, seed: int) -> tuple[Part, Part]:
        """To train on (a validation part included) and to test on."""
        if self.test is not None:
            return self.whole, self.test
        training, testing = self.splits[seed]
        return self.whole.take(training), self.whole.take(testing)

    @property
    def sizes(self) -> tuple[float, float] | None:
        """Sequences to train on and to test on, means over the splits; None for one test part."""
        if self.test is not None:
            return None
        sizes = np.mean([(len(rest), len(held_out)) for rest, held_out in self.splits.values()], axis=0)
        return float(sizes[0]), float(sizes[1])
