"""Who is speaking now? A recording of many utterances one after the other, heard step by step.

    python examples/long_sequences.py

The bundled recordings of nine men (docs/data.md), the 270 of the training part joined in random order to one
sequence of 4,274 steps, the 370 of the test part to another of 5,687; the answer of each step is who speaks.
Whole back-propagation makes one update an epoch of so long a sequence; truncated to windows it makes one a
window, each with the states of the one before; pieces of as many steps, taken for sequences of their own,
begin with states of zero and forget who spoke.
"""

import time

import numpy as np

import tidegate

WINDOW = 8


def joined(X, y, rng):
    """All sequences as one, and the target of each step."""
    order = rng.permutation(len(X))
    return np.concatenate([X[i] for i in order]), np.concatenate([[y[i]] * len(X[i]) for i in order])


def in_pieces(values):
    return np.split(values, range(WINDOW, len(values), WINDOW))


data, rng = tidegate.load_japanese_vowels(), np.random.default_rng(0)
steps, speakers = joined(data.X, data.y, rng)
test_steps, test_speakers = joined(data.X_test, data.y_test, rng)
print(f"{len(steps):,} steps to learn from, {len(test_steps):,} to test on")

WAYS = {
    "whole": {},
    "whole, recomputed": {"recompute": True},
    f"windows of {WINDOW}": {"bptt_steps": WINDOW},
    f"pieces of {WINDOW}": {"batch_size": 1},
}
print(f"{'':20}{'updates':>8}{'accuracy':>10}{'seconds':>9}")
for name, options in WAYS.items():
    X, y = ([steps], [speakers])
    if name.startswith("pieces"):
        X, y = in_pieces(steps), in_pieces(speakers)
    model = tidegate.SequenceClassifier(
        "gru",
        hidden_size=32,
        bidirectional=False,
        max_epochs=30,
        patience=None,
        validation=None,
        random_state=0,
        **options,
    )
    began = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - began
    accuracy = model.score([test_steps], [test_speakers])
    print(f"{name:20}{model.num_updates_:>8,}{accuracy:>10.3f}{seconds:>9.1f}")

    if name.startswith("windows"):  # the recording as it arrives, a second or so at a time
        stream = model.stream()
        heard = [stream.steps(piece) for piece in np.split(test_steps, range(100, len(test_steps), 100))]
        assert np.array_equal(np.concatenate(heard, axis=1)[0], model.predict_proba([test_steps])[0])
