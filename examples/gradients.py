"""How far back gradients reach, on the adding problem of Hochreiter & Schmidhuber (1997), 200 steps long.

    python examples/gradients.py [PICTURE]

Two of 200 random numbers are marked, one in each half; the answer, after the last step, is their sum. So the
loss stands at the last step alone, and what it asks of a number 199 steps earlier comes back through all of
them. Of each network: the norm of d loss / d h (and d loss / d c where there is one) at the first step over
that at the last, before training and after 600 updates, and the test part's squared error (a constant answer
has 0.167). PICTURE, such as flow.png, shows every step in between; it needs matplotlib.
"""

import sys

import numpy as np

from tidegate import SequenceRegressor
from tidegate.inspection import Trace, gradient_flow, plot_gradient_flow

Flows = dict[str, list[Trace]]
NUM_STEPS, SEEDS = 200, (0, 1, 2)
NETWORKS = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "lstm, chrono": {"cell": "lstm", "initializers": {"bias": "chrono"}},
}


def adding(num_sequences: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((num_sequences, NUM_STEPS)), np.zeros((num_sequences, NUM_STEPS))
    for row in marks:
        row[rng.integers(NUM_STEPS // 2)] = row[rng.integers(NUM_STEPS // 2, NUM_STEPS)] = 1
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1)


def fitted(network: dict[str, object], seed: int, **options: object) -> SequenceRegressor:
    model = SequenceRegressor(
        **network, hidden_size=32, batch_size=20, patience=None, validation=None, random_state=seed, **options
    )
    return model.fit(*adding(1000, seed))


def reach(flows: list[Trace], state: str = "h") -> float:
    """The geometric mean over the sequences of first step over last; for c, over the last but one."""
    last = 1 if state == "c" else 0  # after the last step nothing reads c
    ratios = [flow["l0"][state][-1] / flow["l0"][state][last] for flow in flows]
    return float(np.exp(np.log(ratios).mean()))


def main() -> None:
    X, y = adding(50, 1000)
    columns = ("h untrained", "h trained", "c untrained", "c trained")
    print(f"{'network':14}{''.join(f'{column:>13}' for column in columns)}{'error':>10}")
    started: Flows = {}
    trained: Flows = {}
    for name, network in NETWORKS.items():
        errors = []
        started[name], trained[name] = [], []
        for seed in SEEDS:
            started[name] += gradient_flow(fitted(network, seed, max_epochs=1, learning_rate=0.0), X, y)
            model = fitted(network, seed, max_epochs=12)
            trained[name] += gradient_flow(model, X, y)
            errors.append(np.mean((model.predict(X) - y) ** 2))
        row = [f"{reach(flows):.1e}" for flows in (started[name], trained[name])]
        if network["cell"] == "lstm":
            row += [f"{reach(flows, 'c'):.1e}" for flows in (started[name], trained[name])]
        else:
            row += ["none", "none"]
        print(f"{name:14}{''.join(f'{text:>13}' for text in row)}{np.median(errors):10.4f}")
    if len(sys.argv) > 1:
        draw(sys.argv[1], started, trained)


def draw(path: str, started: Flows, trained: Flows) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    plot_gradient_flow(started, axes=left).axes[0].set_title("untrained")
    plot_gradient_flow(trained, axes=right).axes[1].set_title("after 600 updates")
    figure.savefig(path)


if __name__ == "__main__":
    main()
