"""The layers a network is made of: frozen records that check themselves and compute nothing.

`of` names the nodes a node reads; several names mean their columns side by side. A value is per step
(one row a time step) or per sequence (one row a sequence): an input says which, recurrent layers are per
step, a pool makes one row a sequence, every other node keeps what it reads. Steps are of a stream, 0, 1, ...:
the inputs of one stream have the same steps, those of another may have other ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, get_args

from tidegate import cells
from tidegate.checks import choice, hold, integer, real

POOLINGS = ("last", "mean", "max", "steps")
ACTIVATIONS = ("none", "tanh", "relu")
LOSSES = ("mse", "mae", "huber", "pinball", "softmax_cross_entropy", "sigmoid_cross_entropy", "ordinal")

MAX_STREAMS = 100

Shapes = dict[str, tuple[int, ...]]


class _Node:
    """What most nodes are: of as many columns as they read, without parameters."""

    def width(self, input_size: int) -> int:
        return input_size

    def parameter_shapes(self, _input_size: int) -> Shapes:
        return {}


class _Sized(_Node):
    """One of `size` columns, whatever it reads."""

    size: int

    def __post_init__(self) -> None:
        hold(self, integer, "size")

    def width(self, _input_size: int) -> int:
        return self.size


class _Source(_Sized):
    """One that reads no node."""

    @property
    def of(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class Input(_Source):
    """The values of each time step of a stream, (T_i, size) for sequence i; stream=None: of each sequence.
    needs_gradient: the backward pass computes theirs."""

    kind: ClassVar[str] = "input"
    name: str
    size: int
    needs_gradient: bool = False
    stream: int | None = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stream is not None:
            hold(self, integer, "stream", minimum=0, maximum=MAX_STREAMS - 1)


@dataclass(frozen=True)
class SparseInput(_Source):
    """Rows of which most of the `size` columns are zero: categories, bags of words, scipy's CSR matrices.
    Only an Embedding reads it, and an Align. stream: as an Input's."""

    kind: ClassVar[str] = "sparse_input"
    name: str
    size: int
    stream: int | None = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stream is not None:
            hold(self, integer, "stream", minimum=0, maximum=MAX_STREAMS - 1)


@dataclass(frozen=True)
class Embedding(_Sized):
    """W^T x of a SparseInput x, W (columns of x, size): of a category its row."""

    kind: ClassVar[str] = "embedding"
    name: str
    of: tuple[str, ...]
    size: int

    def parameter_shapes(self, input_size: int) -> Shapes:
        return {"weight": (input_size, self.size)}


@dataclass(frozen=True)
class Repeat(_Node):
    """The row of a sequence at every step of the node `like`."""

    kind: ClassVar[str] = "repeat"
    name: str
    of: tuple[str, ...]
    like: str


@dataclass(frozen=True)
class Align(_Sized):
    """of: x of one stream and i, a SparseInput of another: at each step of i the row of x at step i of the
    same sequence; zero where i has no entry."""

    kind: ClassVar[str] = "align"
    name: str
    of: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Gate(_Node):
    """of: x and p, an Input of one column: x where p is 1, and where it is 0 a row that is learnt."""

    kind: ClassVar[str] = "gate"
    name: str
    of: tuple[str, ...]

    def width(self, input_size: int) -> int:
        return input_size - 1

    def parameter_shapes(self, input_size: int) -> Shapes:
        return {"weight": (input_size - 1,)}


@dataclass(frozen=True)
class Thresholds(_Sized):
    """x - c_k of one column x, c_0 = a_0 and c_k = c_(k-1) + exp(a_k): the logits of an ordinal scale of
    size + 1 classes (McCullagh 1980)."""

    kind: ClassVar[str] = "thresholds"
    name: str
    of: tuple[str, ...]
    size: int

    def parameter_shapes(self, _input_size: int) -> Shapes:
        return {"weight": (self.size,)}


@dataclass(frozen=True)
class Recurrent(_Node):
    """One recurrent layer in one direction; reverse=True runs from each sequence's own last step to its
    first.

    multipliers: for each state of the cell a per-step node of hidden_size columns, or None, whose value at a
    step multiplies the state of the step before, ahead of everything that reads it: resets, decay. () for
    none at all.
    updates: likewise, how far a step moves each state: s_t = p s^_t + (1 - p) s_{t-1}, p the node's value,
    s^_t what the cell gives and s_{t-1} the state of the step before, after its multiplier. A layer's output
    is the h so updated.
    product_multiplier: likewise one node, or None; the products of weight_hh read its value times what they
    would read, h or what the cell makes of it, and nothing else does.
    beginnings: for each state a per-sequence node of hidden_size columns whose row it begins with, or None
    for zero; () for none at all.
    """

    kind: ClassVar[str] = "recurrent"
    name: str
    of: tuple[str, ...]
    cell: str
    hidden_size: int
    reverse: bool = False
    multipliers: tuple[str | None, ...] = ()
    updates: tuple[str | None, ...] = ()
    product_multiplier: str | None = None
    beginnings: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        cells.get(self.cell)
        hold(self, integer, "hidden_size")
        for option in ("multipliers", "updates", "beginnings"):
            names = getattr(self, option)
            if len(names) not in (0, self.num_states):
                raise ValueError(
                    f"{option} expects one node for each of the {self.num_states} states of {self.cell}, "
                    f"or none; got {len(names)}: give None for a state without"
                )

    @property
    def state_nodes(self) -> dict[str, tuple[str, ...]]:
        """By the option that names them, the nodes that act on the states at each step."""
        given = {
            "multipliers": self.multipliers,
            "updates": self.updates,
            "product_multiplier": (self.product_multiplier,),
        }
        return {option: tuple(filter(None, names)) for option, names in given.items()}

    @property
    def num_states(self) -> int:
        return len(cells.get(self.cell).states)

    def width(self, _input_size: int) -> int:
        return self.hidden_size

    def parameter_shapes(self, input_size: int) -> Shapes:
        return cells.get(self.cell).parameter_shapes(input_size, self.hidden_size)


@dataclass(frozen=True)
class Dropout(_Node):
    """Sets each value to zero with probability `rate` in training and scales the others by 1 / (1 - rate).

    per_sequence: all steps of a sequence drop the same columns (Gal & Ghahramani 2016).
    """

    kind: ClassVar[str] = "dropout"
    name: str
    of: tuple[str, ...]
    rate: float
    per_sequence: bool = False

    def __post_init__(self) -> None:
        hold(self, real, "rate", called="dropout", maximum=0.99)


@dataclass(frozen=True)
class DropoutMask(_Source):
    """Ones after dropout, the same at all steps of a sequence: as the product_multiplier of a Recurrent it is
    the dropout of Gal & Ghahramani (2016) of what its weight_hh reads. stream: whose steps they stand at."""

    kind: ClassVar[str] = "dropout_mask"
    name: str
    size: int
    rate: float
    stream: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        hold(self, real, "rate", called="recurrent_dropout", maximum=0.99)
        hold(self, integer, "stream", minimum=0, maximum=MAX_STREAMS - 1)


@dataclass(frozen=True)
class Zoneout(_Sized):
    """As an update of a Recurrent, zoneout (Krueger et al. 2017): 0, so that the unit keeps its state, with
    probability `rate` in training and else 1; 1 - rate outside training. of: () or one node of as many
    columns, whose value is multiplied by it. stream: without such a node, whose steps it stands at."""

    kind: ClassVar[str] = "zoneout"
    name: str
    of: tuple[str, ...]
    size: int
    rate: float
    stream: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        hold(self, real, "rate", called="zoneout", maximum=0.99)
        hold(self, integer, "stream", minimum=0, maximum=MAX_STREAMS - 1)


@dataclass(frozen=True)
class PaddingGate(_Sized):
    """As an update of a Recurrent, how far a step that is padding moves the states: sigmoid(b), b (size,)
    learned; 1 at a real step. of: one column, 1 at padding and else 0."""

    kind: ClassVar[str] = "padding_gate"
    name: str
    of: tuple[str, ...]
    size: int

    def parameter_shapes(self, _input_size: int) -> Shapes:
        return {"bias": (self.size,)}


@dataclass(frozen=True)
class Pool(_Node):
    """One row a sequence: the layer's final state (last), the mean or maximum over its real steps, or its
    first num_steps steps side by side (steps), zero where a sequence has fewer."""

    kind: ClassVar[str] = "pool"
    name: str
    of: tuple[str, ...]
    pooling: str
    num_steps: int | None = None

    def __post_init__(self) -> None:
        choice("pooling", self.pooling, POOLINGS)
        if self.pooling == "steps":
            hold(self, integer, "num_steps")
        elif self.num_steps is not None:
            raise ValueError(f"num_steps expects pooling='steps'; got {self.pooling!r}: leave num_steps out")

    def width(self, input_size: int) -> int:
        return (self.num_steps or 1) * input_size


@dataclass(frozen=True)
class Dense(_Sized):
    """activation(W x + b), W (size, I), row by row."""

    kind: ClassVar[str] = "dense"
    name: str
    of: tuple[str, ...]
    size: int
    activation: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("activation", self.activation, ACTIVATIONS)

    def parameter_shapes(self, input_size: int) -> Shapes:
        return {"weight": (self.size, input_size), "bias": (self.size,)}


@dataclass(frozen=True)
class InputDecay(_Node):
    """m x + (1 - m) g x, column by column, with g = exp(-max(0, w d + b)) (Che et al. 2018), and m beside it:
    where a value is missing, the one seen last goes to the mean, 0, with the time since.

    of: three nodes of as many columns, x the values, where one is missing the one seen last, both less their
    mean; m 1 where it was seen, else 0; d the time since a value was seen. w and b are (size,).
    """

    kind: ClassVar[str] = "input_decay"
    name: str
    of: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.of) != 3:
            raise ValueError(
                f"node {self.name!r}: of expects three nodes, values, observed and elapsed; got "
                f"{len(self.of)}: name them"
            )

    def width(self, input_size: int) -> int:
        return 2 * (input_size // 3)

    def parameter_shapes(self, input_size: int) -> Shapes:
        return {"weight": (input_size // 3,), "bias": (input_size // 3,)}


@dataclass(frozen=True)
class StateDecay(_Sized):
    """exp(-max(0, W d + b)) of the times d since each value was seen (Che et al. 2018), W (size, I): what a
    Recurrent's states are multiplied by, one number a unit."""

    kind: ClassVar[str] = "state_decay"
    name: str
    of: tuple[str, ...]
    size: int

    def parameter_shapes(self, input_size: int) -> Shapes:
        return {"weight": (self.size, input_size), "bias": (self.size,)}


@dataclass(frozen=True)
class Loss(_Node):
    """What training minimises, as a weighted mean over rows: sum_r w_r l_r / sum_r w_r.

    l_r is the mean over the row's outputs of (y - p)^2 (mse), |y - p| (mae), Huber's function with
    threshold `delta`, in the targets' unit (huber), max(q (y - p), (q - 1) (y - p)) with the output's level
    q of `columns` (pinball; Koenker & Bassett 1978), or the binary cross-entropy of sigmoid(p)
    (sigmoid_cross_entropy), in which a positive label weighs what `columns` say of its output; or of the
    row's class the cross-entropy with softmax(p) (softmax_cross_entropy), or the negative logarithm of
    sigmoid(p_(c-1)) - sigmoid(p_c) (ordinal; p falls, as Thresholds give it).

    focal: the power g of a factor (1 - probability of the right answer)^g of the cross-entropies (Lin et al.
    2017). weight: of this loss in the sum of the network's losses.
    """

    kind: ClassVar[str] = "loss"
    name: str
    of: tuple[str, ...]
    loss: str
    delta: float = 1.0
    weight: float = 1.0
    focal: float = 0.0
    columns: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        choice("loss", self.loss, LOSSES)
        hold(self, real, "delta", above=True)
        hold(self, real, "weight")
        hold(self, real, "focal", maximum=100.0)
        if self.focal and self.loss not in ("softmax_cross_entropy", "sigmoid_cross_entropy"):
            raise ValueError(f"focal expects 0 with loss={self.loss!r}; got {self.focal!r}: leave it out")
        if (self.loss == "pinball") > bool(self.columns) or (
            self.columns and self.loss not in ("pinball", "sigmoid_cross_entropy")
        ):
            raise ValueError(
                f"columns expects the levels of pinball or the label weights of sigmoid_cross_entropy; got "
                f"{self.columns!r} with loss={self.loss!r}: pass one number an output, or none"
            )


Node = (
    Input
    | SparseInput
    | Embedding
    | Repeat
    | Align
    | Gate
    | Thresholds
    | Recurrent
    | Dropout
    | DropoutMask
    | Zoneout
    | PaddingGate
    | Pool
    | Dense
    | InputDecay
    | StateDecay
    | Loss
)
NODES: dict[str, type[Node]] = {node.kind: node for node in get_args(Node)}
