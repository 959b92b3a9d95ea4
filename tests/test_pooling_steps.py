"""pooling="steps": every step with weights of its own."""

import numpy as np
import pytest

import tidegate
from tidegate.engine import Engine, Steps, Target
from tidegate.network import Pool, sequence_network

LENGTHS = [4, 2, 3]


def engine_of(num_steps, num_threads=1):
    network = sequence_network(
        "gru", 3, 5, 2, "mse", bidirectional=True, pooling="steps", num_steps=num_steps
    )
    engine = Engine(network, dtype="float64", num_threads=num_threads)
    engine.flat[:] = np.random.default_rng(0).normal(size=engine.flat.shape)
    return engine


def data():
    rng = np.random.default_rng(1)
    steps = Steps.of(rng.normal(size=(9, 3)), np.cumsum([0, *LENGTHS]), "float64")
    return steps, Target(rng.normal(size=(3, 2)))


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("num_steps", [2, 4, 6])
def test_the_output_is_the_sum_over_steps_of_own_weights(num_steps, num_threads):
    engine, (steps, _) = engine_of(num_steps, num_threads), data()
    predicted = engine.predict(steps)
    engine.forward(steps)
    outputs = [engine.value(name) for name in ("l0", "l0_reverse")]
    weight, bias = engine.parameters["weight_output"], engine.parameters["bias_output"]
    own = weight.reshape(2, 2, num_steps, 5)  # (K, directions, steps, H)
    for row, (start, length) in enumerate(zip(steps.starts, LENGTHS)):
        expected = bias.copy()
        for t in range(min(length, num_steps)):
            for way, output in enumerate(outputs):
                expected += own[:, way, t] @ output[start + t]
        np.testing.assert_allclose(predicted[row], expected, rtol=1e-12)


@pytest.mark.parametrize("num_steps", [2, 6])
def test_gradients(num_steps):
    engine, (steps, target) = engine_of(num_steps), data()
    engine.forward(steps, target=target, training=True)
    engine.backward()
    gradient, delta = np.concatenate([g.ravel() for g in engine.gradients.values()]), 1e-6
    for index in range(0, len(gradient), 7):
        around = []
        for sign in (1, -1):
            engine.flat[index] += sign * delta
            around.append(engine.evaluate(steps, target).loss)
            engine.flat[index] -= sign * delta
        assert (around[0] - around[1]) / (2 * delta) == pytest.approx(gradient[index], rel=1e-6, abs=1e-8)


def test_where_a_value_stands_can_be_learnt():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (200, 6)).astype(float)
    y = X[:, 2] > 0.5  # neither the last value, nor the largest, nor the mean
    options = {"hidden_size": 4, "dropout": 0.0, "max_epochs": 40, "learning_rate": 0.01, "random_state": 0}
    by_steps = tidegate.SequenceClassifier("rnn", pooling="steps", **options).fit(X, y)
    by_max = tidegate.SequenceClassifier("rnn", pooling="max", **options).fit(X, y)
    assert by_steps.score(X, y) == 1.0 > by_max.score(X, y)
    assert "steps side by side" in by_steps.summary()


def test_shorter_sequences_are_read_and_longer_ones_refused(tmp_path):
    X = [np.ones((3, 1)), np.zeros((5, 1)), np.zeros((2, 1)), np.ones((4, 1))]
    model = tidegate.SequenceClassifier("gru", hidden_size=2, pooling="steps", validation=None, max_epochs=1)
    model.set_params(random_state=0).fit(X, [0, 1, 0, 1])
    assert next(node for node in model.network_.nodes if isinstance(node, Pool)).num_steps == 5
    model.save(tmp_path / "model.safetensors")
    again = tidegate.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ValueError, match=r"X expects at most 5 steps a sequence, .*got 6: shorten"):
        model.predict([np.ones((6, 1))])
    with pytest.raises(ValueError, match="pooling='last'"):
        model.stream()


def test_num_steps_belongs_to_steps():
    with pytest.raises(ValueError, match="num_steps expects pooling='steps'; got 'max'"):
        Pool("pool", ("x",), "max", 3)
    with pytest.raises(ValueError, match="num_steps"):
        Pool("pool", ("x",), "steps")
