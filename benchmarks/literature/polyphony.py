"""Polyphonic music (Boulanger-Lewandowski et al. 2012): which of 88 keys sound in the next frame?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from benchmarks.literature.rows import Measured, cpu_seconds
from tidegate.engine import Engine, Steps, Target
from tidegate.network import sequence_network
from tidegate.network.initializers import Initializers, initialize
from tidegate.training.fit import Part, fit
from tidegate.training.settings import TrainingSettings

NUM_KEYS = 88
FIGURE = (
    "Negative log-likelihood of a frame in nats on the test part: binary cross-entropy summed over the 88 "
    "keys, the mean over all frames but the first of each piece."
)
SELECTION = "the weights of the epoch with the lowest loss on the validation part."
PARTS = {"train": "traindata", "valid": "validdata", "test": "testdata"}


def pieces(name: str) -> dict[str, list[NDArray[np.float32]]]:
    """The piano rolls (T_i, 88) of each part, zeros and ones."""
    stored = loadmat(Path(__file__).parent / "data" / f"{name}.mat")
    return {part: [roll.astype(np.float32) for roll in stored[key][0]] for part, key in PARTS.items()}


def next_frames(rolls: list[NDArray[np.float32]]) -> Part:
    """Each frame but the last of a piece, and as its target the frame after it."""
    offsets = np.cumsum([0, *(len(roll) - 1 for roll in rolls)])
    steps = Steps.of(np.concatenate([roll[:-1] for roll in rolls]), offsets)
    return Part(steps, Target(np.ascontiguousarray(np.concatenate([roll[1:] for roll in rolls]))))


def nats_a_frame(engine: Engine, part: Part) -> float:
    """The engine's loss is the mean over keys and frames."""
    return NUM_KEYS * engine.evaluate(part.steps, part.target, batch_size=32).loss


def measure(
    seed: int, *, data: str, network: dict[str, Any], training: dict[str, Any], initializers: dict[str, str]
) -> Measured:
    """Trained on train; the epoch with the lowest loss on valid; measured on test."""
    parts = {name: next_frames(rolls) for name, rolls in pieces(data).items()}
    start_rng, training_rng = np.random.default_rng(seed).spawn(2)
    plan = sequence_network(
        input_size=NUM_KEYS, output_size=NUM_KEYS, loss="sigmoid_cross_entropy", pooling=None, **network
    )
    engine = Engine(plan)
    longest = int(parts["train"].steps.lengths.max())
    for name, value in initialize(plan, Initializers(**initializers), start_rng, longest).items():
        engine.parameters[name] = value
    run, seconds = cpu_seconds(
        fit,
        engine,
        parts["train"],
        parts["valid"],
        TrainingSettings(validation=None, **training),
        training_rng,
    )
    return Measured(
        score=nats_a_frame(engine, parts["test"]),
        validation=nats_a_frame(engine, parts["valid"]),
        parameters=plan.num_parameters,
        updates=run.num_updates,
        seconds=seconds,
        details={"best_epoch": run.best_epoch, "epochs": run.epoch},
    )
