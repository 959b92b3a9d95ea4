"""The reference against PyTorch's numbers, and the properties that any executor must have."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.cases import RecurrentCase, load

from tidegate.cells import CELLS, CellSpec
from tidegate.reference import LayerRun, layer_names, run, run_stack


@pytest.mark.parametrize("case", load(), ids=lambda case: case.name)
def test_results_are_those_of_the_oracle(case: RecurrentCase) -> None:
    result = run_stack(
        CELLS[case.cell], case.parameters, case.x, case.initial, case.lengths, case.mask, case.multiplier
    )
    np.testing.assert_allclose(result.output, case.output, rtol=0, atol=1e-12)
    assert result.final.keys() == case.final.keys()
    for state, final in case.final.items():
        np.testing.assert_allclose(result.final[state], final, rtol=0, atol=1e-12)
    padding = np.arange(case.x.shape[1]) >= case.lengths[:, np.newaxis]
    assert not result.output[padding].any()


class Problem:
    """Random parameters, input and initial states of one layer: B=4, T=6, I=2, H=3."""

    def __init__(self, cell: CellSpec, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.cell = cell
        self.parameters = {
            name: random.normal(scale=0.6, size=shape) for name, shape in cell.parameter_shapes(2, 3).items()
        }
        self.x = random.normal(size=(4, 6, 2))
        self.initial = {state: random.normal(size=(4, 3)) for state in cell.states}
        self.lengths = np.array([6, 2, 5, 1])
        self.mask = random.random((4, 6)) < 0.6
        self.multiplier = {state: random.random((4, 6, 3)) for state in cell.states}

    def run(self, **changes: Any) -> LayerRun:
        arguments = {"x": self.x, "initial": self.initial, "lengths": self.lengths} | changes
        return run(self.cell, self.parameters, **arguments)


@pytest.fixture(params=list(CELLS))
def problem(request: pytest.FixtureRequest) -> Problem:
    return Problem(CELLS[request.param])


def agree(first: LayerRun, second: LayerRun) -> None:
    np.testing.assert_allclose(first.output, second.output, rtol=0, atol=1e-13)
    for state, final in second.final.items():
        np.testing.assert_allclose(first.final[state], final, rtol=0, atol=1e-13)


def test_steps_one_by_one_are_the_sequence(problem: Problem) -> None:
    whole = problem.run(lengths=None)
    states = problem.initial
    for t in range(6):
        step = problem.run(x=problem.x[:, t : t + 1], initial=states, lengths=None)
        np.testing.assert_allclose(step.output[:, 0], whole.output[:, t], rtol=0, atol=1e-13)
        states = step.final
    agree(step, LayerRun(whole.output[:, -1:], whole.final, whole.trace))


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(list(CELLS)),
    lengths=st.lists(st.integers(1, 6), min_size=4, max_size=4),
    reverse=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_sequence_gives_the_same_alone_and_among_others(
    name: str, lengths: list[int], reverse: bool, seed: int
) -> None:
    problem = Problem(CELLS[name], seed)
    everything = {"reverse": reverse, "mask": problem.mask, "multiplier": problem.multiplier}
    together = problem.run(lengths=lengths, **everything)
    for b, length in enumerate(lengths):
        alone = problem.run(
            x=problem.x[b : b + 1, :length],
            initial={state: value[b : b + 1] for state, value in problem.initial.items()},
            lengths=None,
            reverse=reverse,
            mask=problem.mask[b : b + 1, :length],
            multiplier={state: value[b : b + 1, :length] for state, value in problem.multiplier.items()},
        )
        np.testing.assert_allclose(together.output[b, :length], alone.output[0], rtol=0, atol=1e-13)
        for state, final in alone.final.items():
            np.testing.assert_allclose(together.final[state][b], final[0], rtol=0, atol=1e-13)


def test_reverse_runs_from_each_own_last_step(problem: Problem) -> None:
    flipped = problem.x.copy()
    for b, length in enumerate(problem.lengths):
        flipped[b, :length] = problem.x[b, :length][::-1]
    backwards, forwards = problem.run(reverse=True), problem.run(x=flipped)
    for b, length in enumerate(problem.lengths):
        np.testing.assert_array_equal(backwards.output[b, :length], forwards.output[b, :length][::-1])
    for state, final in forwards.final.items():
        np.testing.assert_array_equal(backwards.final[state], final)


@pytest.mark.parametrize("reverse", [False, True])
def test_padding_and_masked_steps_are_not_read(problem: Problem, reverse: bool) -> None:
    real = np.arange(6) < problem.lengths[:, np.newaxis]
    x = np.where((real & problem.mask)[:, :, np.newaxis], problem.x, np.inf)
    multiplier = {s: np.where(real[:, :, np.newaxis], m, np.nan) for s, m in problem.multiplier.items()}
    agree(
        problem.run(x=x, mask=problem.mask, multiplier=multiplier, reverse=reverse),
        problem.run(mask=problem.mask, multiplier=problem.multiplier, reverse=reverse),
    )


def test_masked_steps_might_as_well_not_be_there(problem: Problem) -> None:
    masked = problem.run(lengths=None, mask=problem.mask)
    for b in range(4):
        kept = problem.x[b : b + 1, problem.mask[b]]
        initial = {state: value[b : b + 1] for state, value in problem.initial.items()}
        if kept.size:
            alone = problem.run(x=kept, initial=initial, lengths=None)
            np.testing.assert_allclose(masked.output[b, problem.mask[b]], alone.output[0], rtol=0, atol=1e-13)
            initial = alone.final
        for state, final in initial.items():
            np.testing.assert_allclose(masked.final[state][b], final[0], rtol=0, atol=1e-13)


def test_a_masked_step_carries_the_state_times_its_multiplier(problem: Problem) -> None:
    nothing = np.zeros((4, 6), dtype=bool)
    result = problem.run(lengths=None, mask=nothing, multiplier=problem.multiplier)
    for state, initial in problem.initial.items():
        expected = initial[:, np.newaxis] * np.cumprod(problem.multiplier[state], axis=1)
        np.testing.assert_allclose(result.trace[state], expected, rtol=1e-13)
    np.testing.assert_array_equal(result.output, result.trace["h"])
    assert not any(result.trace[gate].any() for gate in problem.cell.gates)


def test_a_multiplier_of_zero_is_a_fresh_start(problem: Problem) -> None:
    multiplier = {state: np.ones((4, 6, 3)) for state in problem.cell.states}
    agree(problem.run(multiplier=multiplier), problem.run())
    for factors in multiplier.values():
        factors[:, 3] = 0.0
    restarted = problem.run(lengths=None, multiplier=multiplier)
    fresh = problem.run(x=problem.x[:, 3:], initial=None, lengths=None)
    agree(LayerRun(restarted.output[:, 3:], restarted.final, {}), fresh)


def test_trace_holds_the_gates_that_made_the_states() -> None:
    for name in ("lstm", "lstm_peephole", "lstm_peephole_full"):
        problem = Problem(CELLS[name])
        trace = problem.run(lengths=None).trace
        previous = np.concatenate([problem.initial["c"][:, np.newaxis], trace["c"][:, :-1]], axis=1)
        assert list(trace) == ["i", "f", "g", "o", "h", "c"]
        np.testing.assert_allclose(trace["c"], trace["f"] * previous + trace["i"] * trace["g"], rtol=1e-13)
        np.testing.assert_allclose(trace["h"], trace["o"] * np.tanh(trace["c"]), rtol=1e-13)
    for name in ("gru", "gru_reset_before"):
        problem = Problem(CELLS[name])
        trace = problem.run(lengths=None).trace
        previous = np.concatenate([problem.initial["h"][:, np.newaxis], trace["h"][:, :-1]], axis=1)
        assert list(trace) == ["r", "z", "n", "h"]
        kept = (1 - trace["z"]) * trace["n"] + trace["z"] * previous
        np.testing.assert_allclose(trace["h"], kept, rtol=1e-13)


def test_trace_is_zero_in_padding(problem: Problem) -> None:
    result = problem.run()
    padding = np.arange(6) >= problem.lengths[:, np.newaxis]
    assert all(not values[padding].any() and values[~padding].all() for values in result.trace.values())
    np.testing.assert_array_equal(result.output, result.trace["h"])


def test_a_stack_is_its_layers_one_after_another(problem: Problem) -> None:
    random = np.random.default_rng(1)
    sizes = {"l0": 2, "l0_reverse": 2, "l1": 6, "l1_reverse": 6}
    parameters = {
        f"{name}_{layer}": random.normal(size=shape)
        for layer, size in sizes.items()
        for name, shape in problem.cell.parameter_shapes(size, 3).items()
    }
    stack = run_stack(problem.cell, parameters, problem.x, lengths=problem.lengths)
    below = problem.x
    for layer in (0, 1):
        runs = []
        for index, name in enumerate((f"l{layer}", f"l{layer}_reverse")):
            own = {
                key.removesuffix(f"_{name}"): parameters[key]
                for key in parameters
                if key.endswith(f"_{name}")
            }
            runs.append(run(problem.cell, own, below, lengths=problem.lengths, reverse=index == 1))
            for state, final in runs[-1].final.items():
                np.testing.assert_array_equal(stack.final[state][2 * layer + index], final)
            np.testing.assert_array_equal(stack.trace[name]["h"], runs[-1].output)
        below = np.concatenate([result.output for result in runs], axis=2)
    np.testing.assert_array_equal(stack.output, below)


def test_layer_names_follow_the_order_in_which_layers_run() -> None:
    names = ["l1_reverse", "l0", "l1", "l0_reverse"]
    assert layer_names({f"weight_ih_{name}": 0 for name in names}) == ("l0", "l0_reverse", "l1", "l1_reverse")
    assert layer_names({f"weight_ih_l{layer}": 0 for layer in range(12)})[-1] == "l11"
    for wrong in ([], ["l1"], ["l0", "l2"], ["l0", "l0_reverse", "l1"]):
        with pytest.raises(ValueError, match="parameters expects weight_ih_l0, weight_ih_l1"):
            layer_names({f"weight_ih_{name}": 0 for name in wrong})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.zeros((4, 6))}, "x expects shape (B, T, I); got (4, 6)"),
        ({"x": np.zeros((4, 6, 3))}, "parameters['weight_ih'] expects shape (12, 3); got (12, 2)"),
        ({"initial": {"h": np.zeros((3, 3))}}, "initial['h'] expects shape (4, 3); got (3, 3)"),
        ({"initial": {"z": np.zeros((4, 3))}}, "initial expects h, c; got 'z' too: leave it out"),
        ({"multiplier": {"h": np.zeros((4, 3))}}, "multiplier['h'] expects shape (4, 6, 3); got (4, 3)"),
        ({"mask": np.ones((4, 6))}, "mask expects booleans, shape (4, 6); got float64"),
        ({"lengths": [6, 2, 7, 1]}, "lengths[2]=7 exceeds the 6 time steps of x"),
    ],
)
def test_arguments_that_do_not_fit_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Problem(CELLS["lstm"]).run(**changes)


def test_parameters_that_do_not_fit_are_named() -> None:
    problem = Problem(CELLS["gru"])
    missing = {name: value for name, value in problem.parameters.items() if name != "bias_hn"}
    with pytest.raises(ValueError, match=r"parameters expects 'bias_hn'; got weight_ih, weight_hh, bias"):
        run(problem.cell, missing, problem.x)
    with pytest.raises(ValueError, match="got 'bias_hh' too: leave it out"):
        run(problem.cell, problem.parameters | {"bias_hh": np.zeros(9)}, problem.x)
