"""How much memory training takes, before it is taken; and how much there is.

docs/engine.md has the formula in words.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidegate import cells
from tidegate.cells.phases import phases_of
from tidegate.cells.pointwise import Backward
from tidegate.checks import TooLarge
from tidegate.engine.native import extension
from tidegate.network import (
    Align,
    Dense,
    Dropout,
    DropoutMask,
    Embedding,
    Gate,
    Input,
    InputDecay,
    Loss,
    Network,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    Repeat,
    SparseInput,
    StateDecay,
    Thresholds,
    Zoneout,
)

NUM_BYTES = 4  # of a float32
# Columns are padded to whole vectors, of 16 numbers at the most, and by one more where rows are a multiple of
# 1 KiB.
VECTOR = 16
# Of every parameter in the engine: the weight, its gradient and the two of an optimiser's state.
VECTORS_OF_PARAMETERS = 4
# Of every parameter in training: those of the engine; the initial value (float64), the best one and that of
# the fitted model; four in a checkpoint that is being written, and one in its digest.
COPIES_OF_PARAMETERS = 13
# Of every value of the data, beside its copies in the type it has: float32 for the engine, and two float64
# while it is standardised.
BYTES_OF_VALUE = 4 + 8 + 8

# On top: for a buffer that grows while the smaller one is still there, and what the allocator keeps.
SLACK = 1.2

# Evaluation keeps no gradients, so that its batches are larger than training's.
EVALUATION_SEQUENCES, EVALUATION_STEPS = 256, 65_536


def evaluation_batch(lengths: NDArray[np.int64]) -> int:
    """Sequences of a batch that is only evaluated: fewer where they are long."""
    longest = int(lengths.max(initial=1))
    return min(EVALUATION_SEQUENCES, max(1, EVALUATION_STEPS // longest))


def recomputed_steps(longest: int) -> int:
    """Steps of a window where gradients are recomputed, of sequences of up to `longest`: about its root."""
    steps: int = extension().recomputed_steps(longest)
    return steps


def evaluation_window(lengths: NDArray[np.int64], bptt_steps: int | None, recompute: bool) -> int | None:
    """Steps that are held at a time where a batch is only evaluated; None: all of them."""
    return None if bptt_steps is None and not recompute else recomputed_steps(int(lengths.max(initial=1)))


def training_bytes(
    network: Network,
    lengths: NDArray[np.int64],
    batch_size: int,
    bptt_steps: int | None = None,
    recompute: bool = False,
    weight_noise: float = 0.0,
) -> int:
    """An upper bound of what training a network in float32 takes beside its data: the parameters, their
    packed copies, and what the largest batch of sequences of these lengths leaves in each layer, or one of
    its windows and the states at their borders."""
    largest = np.sort(lengths)[::-1]
    trained, evaluated = largest[:batch_size], largest[: evaluation_batch(lengths)]
    total = (COPIES_OF_PARAMETERS + (weight_noise > 0)) * network.num_parameters
    window = recomputed_steps(int(largest[0])) if recompute else bptt_steps
    if window is not None:
        borders = int((-(-trained // window)).sum()) + len(trained)
        states = sum(
            node.num_states * _padded(node.hidden_size)
            for node in network.nodes
            if isinstance(node, Recurrent)
        )
        total += borders * states + network.num_parameters  # the gradient of one window
        trained = np.minimum(trained, window)
        evaluated = np.minimum(evaluated, recomputed_steps(int(largest[0])))
    sequences = max(len(trained), len(evaluated))
    steps = max(int(trained.sum()), int(evaluated.sum()))
    core = extension()
    groups = core.most_groups(len(trained))
    # Evaluation keeps the columns of a chunk of each group alone: its rows, or up to a step more.
    of_chunks = core.chunk_rows * core.most_groups(len(evaluated)) + len(evaluated)
    rows_of_columns = max(int(trained.sum()), min(int(evaluated.sum()), of_chunks))
    for node in network.nodes:
        per_step = network.is_per_step(node.name)
        value = 0 if isinstance(node, SparseInput) else _padded(network.widths[node.name])
        # The value for the larger of the two kinds of batches, its gradient for that which is trained on.
        total += value * (steps + int(trained.sum()) if per_step else sequences + len(trained))
        total += _own(node, network.input_size(node), value, steps, rows_of_columns, sequences, groups)
        if isinstance(node, Loss):
            total += 6 * (steps if per_step else sequences)  # three float64 a row
    return int(SLACK * NUM_BYTES * total)


def data_bytes(values: NDArray[np.floating], copies: int = 1) -> int:
    """Of a part of the data that is trained on; copies: in the type it has."""
    return int(values.size * (copies * values.itemsize + BYTES_OF_VALUE))


def _own(
    node: Node, input_size: int, value: int, steps: int, rows_of_columns: int, sequences: int, groups: int
) -> int:
    """Numbers that a node keeps beside its value and its gradient."""
    match node:
        case Recurrent():
            columns, states, others, held, products = _layout(node.cell)
            acting = node.state_nodes
            updates = len(acting["updates"])
            operands = (1 + others) * len(acting["product_multiplier"])
            per_step = states + others + len(acting["multipliers"]) + updates + operands
            per_sequence = 2 * states + others + held + updates + len(acting["product_multiplier"])
            weights = value * columns * (input_size + value)
            packed = weights + value * columns * (_padded(input_size) + value)
            gradient = groups * value * columns * (input_size + products * value)
            kept = rows_of_columns * columns + steps * per_step + sequences * per_sequence
            return value * kept + packed + gradient
        case StateDecay():
            return value * (2 * _padded(input_size) + input_size + steps)  # the gradient of its exponent
        case Dense():
            return value * (2 * _padded(input_size) + input_size)
        case Pool():
            return 2 * value * sequences if node.pooling == "max" else 0  # the step of the largest, int64
        case PaddingGate():
            return 2 * value
        case Embedding():
            return 17 * input_size  # of a row whether it was read, and where it is, in two lists that grow
        case Input() | SparseInput() | Repeat() | Align() | Gate() | Thresholds():
            return 0
        case Dropout() | DropoutMask() | Zoneout() | Loss() | InputDecay():
            return 0


@cache
def _layout(cell: str) -> tuple[int, int, int, int, int]:
    """Of a cell: columns, states, vectors kept from one phase to the next, gradients held back, and recurrent
    products."""
    spec = cells.get(cell)
    phases = phases_of(spec)
    kept, held = int(phases.kept is not None), len(Backward(phases).held)
    return len(phases.columns), len(spec.states), kept, held, len(list(phases.products()))


def _padded(columns: int) -> int:
    whole = -(-columns // VECTOR) * VECTOR
    return whole if whole * NUM_BYTES % 1024 else whole + VECTOR


def machine_memory() -> int:
    """Bytes of this machine's memory; without end where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**62


def require_memory(network: Network, dtype: str) -> None:
    """MemoryError where the network's parameters and what belongs to them cannot fit the machine.

    Linux grants memory that it does not have and ends the process that then uses it; no error comes of that.
    """
    needed = VECTORS_OF_PARAMETERS * network.num_parameters * np.dtype(dtype).itemsize
    if needed > machine_memory():
        raise MemoryError(
            f"hidden_size: the network's {network.num_parameters:,} parameters, with gradients and the "
            f"optimiser's state, need {needed / 2**30:,.0f} GiB; this machine has "
            f"{machine_memory() / 2**30:,.0f} GiB: lower hidden_size, num_layers or input_size"
        )


def check_memory(
    network: Network,
    lengths: NDArray[np.int64],
    batch_size: int,
    data_bytes: int,
    at_a_time: int = 1,
    *,
    bptt_steps: int | None = None,
    recompute: bool = False,
    weight_noise: float = 0.0,
    has_windows: bool = True,
) -> None:
    """TooLarge where as many trainings at a time take more than there is; data_bytes: of the data of each;
    has_windows: whether who asks could train in windows of time."""
    of_network = training_bytes(network, lengths, batch_size, bptt_steps, recompute, weight_noise)
    needed = at_a_time * (of_network + data_bytes)
    available = available_bytes()
    if available is None or needed <= available:
        return
    hidden_size = max((node.hidden_size for node in network.nodes if isinstance(node, Recurrent)), default=0)
    together = f", {at_a_time} trainings at a time," if at_a_time > 1 else ""
    fewer = " or num_threads" if at_a_time > 1 else ""
    windows = ""
    if has_windows and not recompute and bptt_steps is None:
        windows = "; or, in one direction, recompute=True"
    raise TooLarge(
        f"training needs up to {_in_words(needed)} of memory{together} and {_in_words(available)} are free: "
        f"choose a smaller hidden_size={hidden_size}, batch_size={batch_size}{fewer}, or shorter sequences "
        f"(the longest has {int(lengths.max())} steps){windows}"
    )


def _in_words(count: int) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"


def available_bytes(root: Path = Path("/")) -> int | None:
    """What this process can still take: what the machine has free, or the least that its control groups
    leave; None where the system does not say (it is not Linux)."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    found = [int(fields["MemAvailable"].split()[0]) * 1024] if "MemAvailable" in fields else []
    return min([*found, *_left_by_groups(root)], default=None)


def _left_by_groups(root: Path) -> list[int]:
    """Bytes that each control group around this process leaves, of both versions of their file system."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "file")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache")
        else:
            continue
        own = Path(os.path.normpath(path)).parts[1:]
        # In a container the path may be that of the host, which is not there: the top is what counts.
        folders = [top.joinpath(*own[:depth]) for depth in range(len(own) + 1)]
        left += [amount for folder in folders if (amount := _left_by(folder, *names)) is not None]
    return left


def _left_by(folder: Path, limit: str, used: str, reclaimable: str) -> int | None:
    try:
        most = (folder / limit).read_text().strip()
        if most == "max":
            return None
        taken = int((folder / used).read_text())
        rows = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    # Pages of files are given back when memory is short.
    return max(0, int(most) - taken + int(rows.get(reclaimable, 0)))
