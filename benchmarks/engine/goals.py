"""What is compared with what, in which shapes, and how fast it is to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.engine.timing import Times
from benchmarks.engine.work import Task

TRAINING_SHAPES = [
    (1, 100, 16, 32),
    (32, 50, 10, 64),
    (32, 100, 64, 128),
    (64, 100, 128, 256),
    (16, 200, 256, 512),
    (128, 50, 32, 32),
    (1, 1000, 64, 256),
    (32, 1000, 16, 64),
]
VARIANT_SHAPES = [(32, 100, 64, 128), (128, 50, 32, 32)]
RAGGED_SHAPE = (32, 100, 64, 128)
OVERHEAD_SHAPE = (32, 100, 64, 128)
REPLICAS_SHAPE = (320, 50, 16, 64)
CELLS = (
    "lstm",
    "gru",
    "lstm_peephole",
    "gru_reset_before",
    "lstm_peephole_full",
    "lstm_coupled",
    "mgu",
    "rnn",
)


MOST_BEHIND = 0.95  # a ratio below it is no tie, however wide the spread


@dataclass(frozen=True)
class Goal:
    """One of: ratio, theirs over ours at least; tie, not behind, or quartiles overlap; seconds, ours at
    most; share of the peak at least; exponent, as near to 1 as that."""

    kind: str
    value: float

    def __str__(self) -> str:
        wording = {
            "ratio": f"{self.value:.3g} times",
            "tie": "not behind",
            "seconds": f"{self.value * 1e6:.3g} us" if self.value < 1e-3 else f"{self.value:.3g} s",
            "share": f"{self.value:.0%} of peak",
            "exponent": f"1.00 ± {self.value:.2f}",
        }
        return wording[self.kind]

    def met(self, ours: Times | float, theirs: Times | None = None) -> bool:
        """ours and theirs: times; for share and exponent, the measured number; for a ratio it may be that,
        too."""
        if isinstance(ours, Times):
            if self.kind == "seconds":
                return ours.median <= self.value
            assert theirs is not None
            ratio = theirs.median / ours.median
            if self.kind == "tie":
                return ratio >= 1 or (ratio >= MOST_BEHIND and ours.low <= theirs.high)
            return ratio >= self.value
        if self.kind == "exponent":
            return abs(ours - 1) <= self.value
        return ours >= self.value


def ratio(value: float) -> Goal:
    return Goal("ratio", value)


def at_most(share: float) -> Goal:
    """Of another time of ours."""
    return Goal("ratio", 1 / share)


@dataclass(frozen=True)
class Contestant:
    """A peer and its task. same_work: it computes the same numbers, which is checked before it is timed."""

    peer: str
    task: Task
    label: str = ""
    goal: Goal | None = None
    same_work: bool = True

    @property
    def name(self) -> str:
        return self.label or self.peer


@dataclass(frozen=True)
class Case:
    """Contestants timed in turn; ours is the first. work: a key of output.WORKS. goal: of our time alone."""

    work: str
    ours: Contestant
    others: tuple[Contestant, ...] = ()
    goal: Goal | None = None

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        return (self.ours, *self.others)

    @property
    def task(self) -> Task:
        return self.ours.task

    @property
    def key(self) -> str:
        """As --only names it."""
        return f"{self.task.cell}-{self.work}"


@dataclass(frozen=True)
class GeometricMean:
    """Of the ratios to the best peer over the shapes of one work and cell; of several cells where `cell` is
    empty."""

    work: str
    cell: str
    goal: Goal


# For each shape of TRAINING_SHAPES, against every peer, and against PyTorch as shipped where that is another.
LSTM_GOALS = [(2.5,), (1.8,), (1.3,), (1.05, 1.25), (1.0, 1.2), (1.8,), (1.6,), (1.75,)]
PYTORCHES = ("pytorch", "pytorch cured")  # cured of page faults: peers.KEPT_PAGES
JAXES = ("jax", "jax cured")


def _others(
    peers: Sequence[str], task: Task, goals: dict[str, Goal], default: Goal | None
) -> tuple[Contestant, ...]:
    return tuple(Contestant(peer, task, goal=goals.get(peer, default)) for peer in peers)


def _training(cell: str) -> list[Case]:
    cases = []
    for shape, lstm_goals in zip(TRAINING_SHAPES, LSTM_GOALS):
        task = Task("train", cell, shape)
        goals = lstm_goals if cell == "lstm" else (1.7,)
        shipped = {"pytorch": ratio(goals[-1])}
        others = _others((*PYTORCHES, *JAXES), task, shipped, ratio(goals[0]))
        cases.append(Case("training", Contestant("tidegate", task), others))
    return cases


def _variant_training(cell: str, plain: str, goals: Sequence[float], most: float) -> list[Case]:
    cases = []
    for shape, goal in zip(VARIANT_SHAPES, goals):
        task = Task("train", cell, shape)
        others = _others((*PYTORCHES, *JAXES), task, {}, ratio(goal))
        own = Contestant(
            "tidegate", Task("train", plain, shape), f"tidegate {plain}", at_most(most), same_work=False
        )
        cases.append(Case("training", Contestant("tidegate", task), (*others, own)))
    return cases


def _inference(cell: str) -> list[Case]:
    cases = []
    for shape in TRAINING_SHAPES:
        task = Task("infer", cell, shape)
        others = _others(("onnxruntime", "openvino", *PYTORCHES), task, {}, Goal("tie", 1.0))
        cases.append(Case("inference", Contestant("tidegate", task), others))
    return cases


def _ragged(cell: str) -> Case:
    def contestant(peer: str, option: str, label: str, goal: Goal, same_work: bool = True) -> Contestant:
        return Contestant(peer, Task("train", cell, RAGGED_SHAPE, option), label, goal, same_work)

    ours = Contestant("tidegate", Task("train", cell, RAGGED_SHAPE, "ragged"))
    others = [
        contestant(peer, option, f"{peer} {option}", ratio(goal))
        for peer in PYTORCHES
        for option, goal in (("packed", 7.0), ("padded", 1.6))
    ]
    own = contestant("tidegate", "padded", "tidegate padded", at_most(0.62), same_work=False)
    return Case("ragged", ours, (*others, own))


def _streaming(cell: str, hidden_size: int, microseconds: float, times: float) -> Case:
    task = Task("stream", cell, (1, 16, 64, hidden_size))
    others = _others(("onnxruntime", "openvino", "pytorch"), task, {"onnxruntime": ratio(times)}, None)
    return Case("streaming", Contestant("tidegate", task), others, Goal("seconds", microseconds * 1e-6))


def _article(cell: str) -> Case:
    task = Task("article", cell, (1, 10, 1, 10))
    times = {"jax": ratio(4.5), "pytorch": ratio(240), "keras": ratio(450)}
    peers = tuple(times) if cell in ("lstm", "gru") else ()
    return Case(
        "article", Contestant("tidegate", task), _others(peers, task, times, None), Goal("seconds", 0.03)
    )


def _vowels(cell: str) -> Case:
    task = Task("vowels", cell, (16, 26, 12, 64))
    others = _others(PYTORCHES, task, {}, ratio(5))
    return Case("vowels", Contestant("tidegate", task), others)


def _with_option(cell: str, option: str) -> Case:
    plain = Contestant(
        "tidegate", Task("train", cell, OVERHEAD_SHAPE), "tidegate without", at_most(1.05), same_work=False
    )
    return Case(option, Contestant("tidegate", Task("train", cell, OVERHEAD_SHAPE, option)), (plain,))


def _replicas(cell: str) -> Case:
    def contestant(option: str, label: str = "", goal: Goal | None = None) -> Contestant:
        return Contestant("tidegate", Task("replicas", cell, REPLICAS_SHAPE, option), label, goal, not label)

    return Case(
        "replicas", contestant("side by side"), (contestant("in turn", "tidegate in turn", ratio(1.8)),)
    )


def _after_pytorch(cell: str) -> Case:
    def contestant(option: str, label: str = "", goal: Goal | None = None) -> Contestant:
        task = Task("train", cell, OVERHEAD_SHAPE, option)
        return Contestant("tidegate with pytorch", task, label, goal, not label)

    undisturbed = contestant("pytorch idle", "tidegate undisturbed", at_most(1.10))
    return Case("after pytorch", contestant("just after pytorch"), (undisturbed,))


def _avx2(cell: str) -> list[Case]:
    cases = []
    for shape in TRAINING_SHAPES:
        task = Task("train", cell, shape)
        others = _others(("pytorch avx2", "pytorch avx2 cured"), task, {}, Goal("tie", 1.0))
        cases.append(Case("avx2", Contestant("tidegate avx2", task), others))
    return cases


def comparisons() -> list[Case]:
    """In the order of the table of goals."""
    gru_before = [2.2, 3.0]
    cases = [_article(cell) for cell in CELLS]
    cases += _training("lstm") + _training("gru")
    cases += _variant_training("lstm_peephole", "lstm", [3.0, 3.0], 1.05)
    cases += _variant_training("gru_reset_before", "gru", gru_before, 1.10)
    cases += _inference("lstm") + _inference("gru")
    cases += [_ragged("lstm"), _ragged("gru")]
    cases += [_streaming("lstm", 64, 3.5, 2.3), _streaming("lstm", 256, 14, 1.4)]
    cases += [_streaming("gru", 64, 3.5, 2.3), _streaming("gru", 256, 11, 1.4)]
    cases += [_vowels("lstm"), _vowels("gru")]
    for cell in ("lstm", "gru"):
        cases.append(_with_option(cell, "masked"))
        cases.append(_with_option(cell, "multiplied"))
    for cell in ("lstm", "gru"):
        cases.append(_replicas(cell))
        cases.append(_after_pytorch(cell))
    return cases + _avx2("lstm") + _avx2("gru")


MEANS = [
    GeometricMean("training", "gru", ratio(2.4)),
    GeometricMean("inference", "", ratio(1.2)),
    GeometricMean("avx2", "", ratio(1.2)),
]


@dataclass(frozen=True)
class Efficiency:
    """The products of a training step, the gradient of the inputs among them, over the peak: 3 times the
    forward pass's 2 G B T H (I + H) for G gates."""

    cell: str
    shape: tuple[int, ...]
    goal: Goal

    @property
    def task(self) -> Task:
        return Task("train", self.cell, self.shape, "input gradient")

    @property
    def operations(self) -> float:
        num_sequences, num_steps, input_size, hidden_size = self.shape
        gates = {"lstm": 4, "gru": 3}[self.cell]
        return 6.0 * gates * num_sequences * num_steps * hidden_size * (input_size + hidden_size)


EFFICIENCIES = [
    Efficiency(cell, shape, Goal("share", share))
    for cell, share in (("lstm", 0.72), ("gru", 0.68))
    for shape in TRAINING_SHAPES
    if shape[3] >= 256 and shape[0] >= 16
]


@dataclass(frozen=True)
class Growth:
    """Time over the size of one thing, which is to be a power near 1 of it."""

    of: str
    sizes: tuple[int, ...]

    def task(self, size: int) -> Task:
        match self.of:
            case "steps":
                return Task("train", "lstm", (8, size, 8, 32))
            case "sequences":
                return Task("epoch", "lstm", (size, 20, 8, 32))
            case "layers":
                return Task("train", "lstm", (32, 50, 64, 64), "input gradient", num_layers=size)
        raise ValueError(self.of)


GROWTHS = [
    Growth("steps", (1000, 4000, 16000, 64000)),
    Growth("sequences", (1000, 2000, 4000, 8000, 16000)),
    Growth("layers", (1, 2, 4, 8)),
]
GROWTH_GOAL = Goal("exponent", 0.05)


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line of log seconds over log size."""
    x, y = [math.log(one) for one in sizes], [math.log(one) for one in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    return above / sum((a - mean_x) ** 2 for a in x)


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))
