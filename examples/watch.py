"""Which exercise, and at which arm, does a watch at the wrist feel? Two streams at different rates in, two
classes out.

    python examples/watch.py

The accelerometer has ten steps a second, the gyroscope five: each is read by a recurrent encoder of its own.
Each pair of ten people is predicted by a model of the other eight. Beside it linear models and boosted trees
of summary statistics.
"""

import baselines
import numpy as np
from datasets import FOLDS, Watch, load_watch

from tidegate import MultiClass, Numeric, SequenceModel

INPUTS = {name: Numeric(stream=name) for name in ("accelerometer", "gyroscope")}
TARGETS = {"exercise": MultiClass(), "side": MultiClass()}


def rows(data: Watch, own: np.ndarray) -> dict[str, object]:
    places = np.flatnonzero(own)
    return {name: getattr(data, name)[places] for name in (*INPUTS, *TARGETS)}


def network(data: Watch, seed: int = 0, max_epochs: int = 30) -> baselines.Scores:
    """The share of recordings that are answered right, each by the model that saw none of its subject."""
    right = dict.fromkeys(TARGETS, 0)
    for held_out in FOLDS:
        train, test = data.split(held_out)
        model = SequenceModel(
            INPUTS,
            TARGETS,
            cell="gru",
            validation=None,
            patience=None,
            max_epochs=max_epochs,
            schedule="cosine",
            batch_size=8,
            num_threads=1,
            random_state=seed,
        )
        answers = model.fit(rows(data, train)).predict(rows(data, test))
        for name in TARGETS:
            right[name] += int((answers[name] == getattr(data, name)[test]).sum())
    return {name: count / len(data.subject) for name, count in right.items()}


if __name__ == "__main__":
    watch = load_watch()
    for name, scores in baselines.watch(watch).items():
        print(baselines.line(name, scores))
    print(baselines.line("recurrent network", network(watch)))
