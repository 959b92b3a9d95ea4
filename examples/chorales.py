"""Which of 88 keys sound next in a chorale of Bach? Labels at every step.

    python examples/chorales.py

Each step is predicted from those before it, so the network reads in one direction. Keys that sound nowhere in
the training part cannot be learnt and keep their frequency, here as in the baselines: how often each key
sounds, and a linear model of the step before.
"""

import baselines
import numpy as np
from datasets import Chorales, load_chorales

from tidegate import MultiLabel, Numeric, SequenceModel


def network(data: Chorales, seed: int = 0, max_epochs: int = 150) -> baselines.Scores:
    steps = baselines.NextSteps(data)

    def rows(part: str) -> dict[str, list[np.ndarray]]:
        return {"keys": steps.before[part], "next": [keys[:, steps.learnt] for keys in steps.after[part]]}

    model = SequenceModel(
        {"keys": Numeric(standardize=False)},
        {"next": MultiLabel(per="step")},
        cell="gru",
        hidden_size=128,
        bidirectional=False,
        validation=rows("validation"),
        patience=10,
        max_epochs=max_epochs,
        num_threads=1,
        random_state=seed,
    ).fit(rows("train"))
    return steps.scores(lambda part: np.concatenate(model.predict_proba(rows(part))["next"]))


if __name__ == "__main__":
    chorales = load_chorales()
    for name, scores in baselines.chorales(chorales).items():
        print(baselines.line(name, scores))
    print(baselines.line("recurrent network", network(chorales)))
