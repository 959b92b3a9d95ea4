"""A fit that was killed goes on from its checkpoint and ends with the same bits."""

import contextlib
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidegate import persistence
from tidegate.engine import Engine, Steps, Target
from tidegate.network import Network, sequence_network
from tidegate.training.checkpoint import Checkpoint
from tidegate.training.fit import Part, Run, fit
from tidegate.training.settings import TrainingSettings

NETWORK = sequence_network("gru", 2, 6, 3, "softmax_cross_entropy", dropout=0.2)
SETTINGS = TrainingSettings(
    max_epochs=12,
    batch_size=5,
    patience=4,
    schedule="reduce_on_plateau",
    learning_rate=0.02,
    weight_noise=0.02,
    averaging=0.6,
)
NUM_KILLS = 50


def part(seed: int, count: int) -> Part:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, count)
    steps = Steps.of(rng.normal(size=(lengths.sum(), 2)), np.concatenate([[0], np.cumsum(lengths)]))
    return Part(steps, Target(rng.integers(0, 3, count).astype(np.int32)))


TRAINING, VALIDATION = part(1, 43), part(2, 11)


def start(engine: Engine) -> np.random.Generator:
    rng = np.random.default_rng(5)
    engine.flat[:] = 0.3 * rng.normal(size=engine.flat.size)
    return rng


def scaled_anew(rng: np.random.Generator) -> Steps:
    return replace(TRAINING.steps, inputs=(TRAINING.steps.inputs[0] * np.float32(rng.random()),))


def train(checkpoint: Checkpoint | None = None, watch: Any = None) -> tuple[Engine, Run]:
    engine = Engine(NETWORK)
    run = fit(engine, TRAINING, VALIDATION, SETTINGS, start(engine), checkpoint=checkpoint, watch=watch)
    return engine, run


def same(one: tuple[Engine, Run], other: tuple[Engine, Run]) -> None:
    np.testing.assert_array_equal(one[0].flat, other[0].flat)
    assert one[1].history == other[1].history
    assert one[1].stopped == other[1].stopped
    assert one[1].best_epoch == other[1].best_epoch


def test_in_pieces_it_is_the_same_fit(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", "this", seconds=0.0)
    same(train(checkpoint), train())
    assert checkpoint.path.exists()
    checkpoint.remove()
    assert not checkpoint.path.exists()


def killed_while_training(path: Path, num_updates: int) -> bool:
    """Train in a child that is killed once it has made that many updates more; False where it came to the
    end."""
    child = os.fork()
    if child == 0:
        engine_seen: list[Any] = []

        def kill() -> None:
            while not engine_seen:
                os.sched_yield()
            target = engine_seen[0].num_updates + num_updates
            while engine_seen[0].num_updates < target:
                os.sched_yield()
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        try:
            train(Checkpoint(path, "this", seconds=0.0), engine_seen.append)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_again_and_again_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    expected = train()
    rng = np.random.default_rng(0)
    kills = 0
    while kills < NUM_KILLS:
        path = tmp_path / f"state{kills}"
        while kills < NUM_KILLS and killed_while_training(path, int(rng.integers(0, 40))):
            kills += 1
        same(train(Checkpoint(path, "this", seconds=0.0)), expected)


def per_step(part: Part) -> Part:
    """With a target a step."""
    return Part(part.steps, Target(np.repeat(part.target.values, part.steps.lengths)))


# Of each batch of up to 8 steps, up to 3 windows with an update each.
IN_WINDOWS = (
    sequence_network("lstm", 2, 6, 3, "softmax_cross_entropy", dropout=0.2, num_layers=2, pooling=None),
    per_step(TRAINING),
    per_step(VALIDATION),
    replace(SETTINGS, bptt_steps=3, schedule="cosine"),
)


class Stopping(Engine):
    """Is interrupted once it has made so many updates, wherever in an epoch that is."""

    def __init__(self, network: Network, num_updates: int) -> None:
        super().__init__(network)
        self.last = num_updates

    def epoch(self, *args: Any, max_updates: int, **options: Any) -> Any:
        result = super().epoch(*args, max_updates=min(max_updates, self.last - self.num_updates), **options)
        if self.num_updates == self.last:
            raise KeyboardInterrupt
        return result


CASES = {
    "": (NETWORK, TRAINING, VALIDATION, SETTINGS),
    "drawn": (NETWORK, replace(TRAINING, drawn=scaled_anew), VALIDATION, SETTINGS),
    "windows": IN_WINDOWS,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_interrupted_again_and_again_it_ends_with_the_same_bits(tmp_path: Path, case: Any) -> None:
    """No state is written but by the interruption, and no update is lost."""
    network, *parts, settings = case
    plain = Engine(network)
    expected = plain, fit(plain, *parts, settings, start(plain))
    checkpoint = Checkpoint(tmp_path / "state", "this", seconds=1e9)
    instants = np.random.default_rng(0)
    done, num_interruptions = 0, 0
    while True:
        engine, run = Stopping(network, done + int(instants.integers(1, 8))), None
        with contextlib.suppress(KeyboardInterrupt):
            run = fit(engine, *parts, settings, start(engine), checkpoint=checkpoint)
        if run is not None and not run.interrupted:
            break
        done, num_interruptions = engine.last, num_interruptions + 1
        assert persistence.read(checkpoint.path)[0]["num_updates"] == done
    assert num_interruptions > 10
    same((engine, run), expected)


@pytest.mark.parametrize("after", [0, 3])
def test_stopped_while_it_evaluates_it_goes_on_from_there(tmp_path: Path, after: int) -> None:
    class StoppedInEvaluation(Engine):
        def evaluate(self, *args: Any, **options: Any) -> Any:
            if self.num_updates == 9 * (after + 1):
                raise KeyboardInterrupt
            return super().evaluate(*args, **options)

    checkpoint = Checkpoint(tmp_path / "state", "this", seconds=1e9)
    engine, rng = StoppedInEvaluation(NETWORK), np.random.default_rng(5)
    engine.flat[:] = 0.3 * rng.normal(size=engine.flat.size)
    with contextlib.suppress(KeyboardInterrupt):
        fit(engine, TRAINING, VALIDATION, SETTINGS, rng, checkpoint=checkpoint)
    assert persistence.read(checkpoint.path)[0]["num_updates"] == 9 * (after + 1)
    same(train(checkpoint), train())


def test_another_fit_is_refused(tmp_path: Path) -> None:
    train(Checkpoint(tmp_path / "state", "this", seconds=0.0))
    before = (tmp_path / "state").read_bytes()
    with pytest.raises(ValueError, match="got that of another"):
        train(Checkpoint(tmp_path / "state", "other", seconds=0.0))
    assert (tmp_path / "state").read_bytes() == before
    (tmp_path / "state").write_bytes(before[:-1])
    with pytest.raises(ValueError, match=r"damaged|truncated"):
        train(Checkpoint(tmp_path / "state", "this", seconds=0.0))


def test_a_full_disk_leaves_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path / "state", "this", seconds=0.0)
    writes = 0
    real = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal writes
        writes += 1
        if writes > 20:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            train(checkpoint)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]
    same(train(Checkpoint(tmp_path / "state", "this")), train())
