"""The worked example of "From LSTM to GRU" (section 4), which cannot run as it is printed.

    python examples/article.py

Its two mistakes: - x has shape (100, 10), but the recurrent layer is declared for steps of one feature, input
shape (10, 1): a sequence
  needs an axis of features. Here x is (100, 10, 1): 100 sequences of 10 steps of one number.
- y has shape (100, 10), but the network ends in one linear unit and so gives one number a sequence. Here y is
(100, 1).

The rest is as printed: a recurrent layer of 10 units, a dense layer of 10 with tanh, a linear output; Adam,
mean squared error, 100 epochs, batch size 1; an LSTM, then a GRU, then the two side by side.

x and y are random, so there is nothing to find in them: the loss falls because the networks learn the noise
by heart, and says nothing about which cell is better. For that, tidegate.compare takes real data, several
seeds and a test part.
"""

import numpy as np

from tidegate import SequenceRegressor

NUM_SEQUENCES, NUM_STEPS, NUM_UNITS = 100, 10, 10


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(NUM_SEQUENCES, NUM_STEPS, 1)), rng.normal(size=(NUM_SEQUENCES, 1))


def train(cell: str, x: np.ndarray, y: np.ndarray) -> SequenceRegressor:
    model = SequenceRegressor(
        cell=cell,
        hidden_size=NUM_UNITS,
        dense=[(10, "tanh")],
        batch_size=1,
        max_epochs=100,
        patience=None,
        validation=None,
        random_state=0,
    )
    return model.fit(x, y)


def parameters_by_formula(cell: str, inputs: int = 1, units: int = NUM_UNITS) -> int:
    """A gate has a weight for each input and each unit, and a bias; the GRU's candidate has a second bias."""
    gates = {"lstm": 4, "gru": 3}[cell]
    second_bias = units if cell == "gru" else 0
    recurrent = gates * units * (inputs + units + 1) + second_bias
    dense, output = units * 10 + 10, 10 * 1 + 1
    return recurrent + dense + output


def main() -> None:
    x, y = data()
    columns = ("parameters", "by formula", "first loss", "last loss", "updates", "seconds")
    print(f"{'cell':6}" + "".join(f"{column:>12}" for column in columns))
    for cell in ("lstm", "gru"):
        model = train(cell, x, y)
        losses = model.history_["loss"]
        print(
            f"{cell:6}{model.num_parameters_:12}{parameters_by_formula(cell):12}{losses[0]:12.4f}"
            f"{losses[-1]:12.4f}{model.num_updates_:12}{model.seconds_:12.3f}"
        )
    print("losses in units of the targets' variance")


if __name__ == "__main__":
    main()
