"""Each initialiser draws from the distribution its formula names, gate by gate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate import cells
from tidegate.network import Dense, Input, Network, sequence_network
from tidegate.network.initializers import BIASES, WEIGHTS, Initializers, initialize

INPUT, HIDDEN = 24, 60
VARIANCES = {
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}
NAMED = [name for name in WEIGHTS if name.split("_")[0] in VARIANCES]


def draw(cell="lstm", seed=0, longest=50, hidden_size=HIDDEN, **options):
    network = sequence_network(cell, INPUT, hidden_size, 3, "mse")
    return initialize(network, Initializers(**options), np.random.default_rng(seed), longest)


def gates(values, cell="lstm"):
    """The blocks of a packed parameter, by gate."""
    return dict(zip(cells.get(cell).gates, np.split(values, len(cells.get(cell).gates))))


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(("parameter", "fan_in"), [("weight_ih_l0", INPUT), ("weight_hh_l0", HIDDEN)])
def test_variance_is_the_formula_of_one_gates_fans(name, parameter, fan_in):
    option = {"input" if parameter == "weight_ih_l0" else "recurrent": name}
    sample = np.concatenate([draw(seed=seed, **option)[parameter].ravel() for seed in range(10)])
    family, kind = name.split("_")
    variance = VARIANCES[family](fan_in, HIDDEN)
    # Relative standard error of a sample variance: sqrt((kurtosis - 1) / n); six of them.
    kurtosis = 1.8 if kind == "uniform" else 3.0
    assert sample.var() == pytest.approx(variance, rel=6 * math.sqrt((kurtosis - 1) / sample.size))
    assert abs(sample.mean()) < 6 * math.sqrt(variance / sample.size)
    if kind == "uniform":
        limit = math.sqrt(3 * variance)
        assert 0.999 * limit < np.abs(sample).max() <= limit
    else:
        assert np.abs(sample).max() > 3 * math.sqrt(variance)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32))
def test_orthogonal_has_orthonormal_rows_or_columns_whichever_are_fewer(rows, columns, seed):
    matrix = WEIGHTS["orthogonal"](np.random.default_rng(seed), rows, columns)
    assert matrix.shape == (rows, columns)
    product = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


@pytest.mark.parametrize("cell", list(cells.CELLS))
def test_orthogonal_holds_for_each_gate_of_each_cell(cell):
    for block in gates(draw(cell, recurrent="orthogonal")["weight_hh_l0"], cell).values():
        np.testing.assert_allclose(block @ block.T, np.eye(HIDDEN), atol=1e-12)


def test_orthogonal_signs_are_not_those_of_the_qr_algorithm():
    corners = [WEIGHTS["orthogonal"](np.random.default_rng(seed), 1, 1)[0, 0] for seed in range(64)]
    assert set(corners) == {-1.0, 1.0}


def test_zeros_are_zeros():
    values = draw(input="zeros", recurrent="zeros", bias="zeros")
    assert not values["weight_ih_l0"].any()
    assert not values["weight_hh_l0"].any()
    assert not values["bias_l0"].any()
    assert values["weight_output"].any()


@pytest.mark.parametrize(
    ("cell", "keep"),
    [("rnn", None), ("lstm", "f"), ("lstm_peephole", "f"), ("gru", "z"), ("gru_reset_before", "z")],
)
def test_forget_sets_only_the_gate_that_keeps_the_old_state(cell, keep):
    for gate, bias in gates(draw(cell, bias="forget")["bias_l0"], cell).items():
        np.testing.assert_array_equal(bias, 1.0 if gate == keep else 0.0)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_keep_gate_of_one_keeps_the_old_state(cell):
    """The record's claim against the cell's own equation: with the gate at 1 and no writing, h stays."""
    spec = cells.get(cell)

    class Saturated:
        def x(self, gate, value):
            return np.full(4, 40.0 if gate in spec.keep_gates else -40.0 if gate in spec.write_gates else 0.3)

        def h(self, gate, value):
            return np.zeros(4)

    old = np.linspace(-1, 1, 4)
    states, _ = spec.step(Saturated(), None, *[old] * len(spec.states))
    np.testing.assert_allclose(states[-1], old, atol=1e-12)


@pytest.mark.parametrize("longest", [2, 3, 100])
def test_chrono_spreads_the_keep_gate_over_the_longest_sequence(longest):
    for cell in ("lstm", "gru"):
        bias = gates(
            draw(cell, bias="chrono", recurrent="zeros", longest=longest, hidden_size=500)["bias_l0"], cell
        )
        keep = bias["f" if cell == "lstm" else "z"]
        assert keep.min() >= 0.0
        assert keep.max() <= math.log(longest - 1)
        if longest > 3:
            # exp(bias) is uniform on [1, longest - 1]; a sample's quartile has a standard error of at most
            # half the range over the root of its size. Five of them.
            np.testing.assert_allclose(
                np.quantile(np.exp(keep), [0.25, 0.5, 0.75]),
                1 + (longest - 2) * np.array([0.25, 0.5, 0.75]),
                atol=5 * (longest - 2) * 0.5 / math.sqrt(keep.size),
            )
    lstm = gates(draw("lstm", bias="chrono", longest=longest)["bias_l0"])
    np.testing.assert_array_equal(lstm["i"], -lstm["f"])


def test_chrono_of_a_single_step_is_finite():
    assert np.isfinite(draw(bias="chrono", longest=1)["bias_l0"]).all()


def test_peepholes_second_biases_and_dense_biases_start_at_zero():
    assert not draw("lstm_peephole", bias="chrono")["weight_ch_l0"].any()
    assert not draw("gru", bias="chrono")["bias_hn_l0"].any()
    assert not draw()["bias_output"].any()


@pytest.mark.parametrize(("activation", "bound"), [("relu", 6 / 40), ("tanh", 6 / 70), ("none", 6 / 70)])
def test_dense_layers_start_by_their_activation(activation, bound):
    network = Network((Input("x", 40), Dense("d", ("x",), 30, activation)))
    weight = initialize(network, Initializers(), np.random.default_rng(0), 1)["weight_d"]
    assert 0.98 * math.sqrt(bound) < np.abs(weight).max() <= math.sqrt(bound)


def test_names_order_and_shapes_are_the_networks():
    network = sequence_network(
        "gru", 5, 7, 2, "mse", num_layers=2, bidirectional=True, dropout=0.5, dense=[(4, "relu")]
    )
    values = initialize(network, Initializers(), np.random.default_rng(0), 9)
    assert {name: value.shape for name, value in values.items()} == network.parameter_shapes
    assert list(values) == list(network.parameter_shapes)
    assert {value.dtype for value in values.values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize("option", ["input", "recurrent", "bias"])
def test_seeds_reproduce_and_every_option_changes_its_own_parameters(option):
    parameter = {"input": "weight_ih_l0", "recurrent": "weight_hh_l0", "bias": "bias_l0"}[option]
    names = list(BIASES if option == "bias" else WEIGHTS)
    drawn = [draw(**{option: name})[parameter] for name in names]
    again = [draw(**{option: name})[parameter] for name in names]
    np.testing.assert_array_equal(drawn, again)
    # In a square matrix the two fans are equal, and so are Xavier's and LeCun's formulas.
    equal = 2 if option == "recurrent" else 0
    assert len({values.tobytes() for values in drawn}) == len(names) - equal
    if names[0] != "zeros":
        assert not np.array_equal(drawn[0], draw(seed=1, **{option: names[0]})[parameter])


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(
        ValueError, match=r"initializers.recurrent expects one of .* did you mean 'orthogonal'"
    ):
        Initializers(recurrent="ortogonal")
    with pytest.raises(ValueError, match=r"initializers.bias .* did you mean 'chrono'"):
        Initializers(bias="crono")
