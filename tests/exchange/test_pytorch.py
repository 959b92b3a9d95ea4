import re
from typing import Any

import numpy as np
import pytest
from oracle.cases import StateDictCase, load_state_dicts

from tidegate.cells import CELLS
from tidegate.exchange import from_pytorch, to_pytorch
from tidegate.network import Network, recurrent_stack
from tidegate.reference import run_stack

CASES = {case.cell: case for case in load_state_dicts()}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> StateDictCase:
    return CASES[request.param]


def test_weights_from_pytorch_give_its_results(case: StateDictCase) -> None:
    parameters = from_pytorch(case.state_dict, case.cell)
    network = Network(recurrent_stack(case.cell, 2, 3, case.num_layers, case.bidirectional))
    assert {name: value.shape for name, value in parameters.items()} == network.parameter_shapes
    assert list(parameters) == list(network.parameter_shapes)
    result = run_stack(CELLS[case.cell], parameters, case.x, lengths=case.lengths)
    np.testing.assert_allclose(result.output, case.output, rtol=0, atol=1e-12)
    for state, final in case.final.items():
        np.testing.assert_allclose(result.final[state], final, rtol=0, atol=1e-12)


def test_weights_travel_to_pytorch_and_back(case: StateDictCase) -> None:
    parameters = from_pytorch(case.state_dict, case.cell)
    state_dict = to_pytorch(parameters, case.cell)
    assert list(state_dict) == list(case.state_dict)
    again = from_pytorch(state_dict, case.cell)
    assert list(again) == list(parameters)
    for name, value in parameters.items():
        np.testing.assert_array_equal(again[name], value)


def test_the_second_bias_is_zero_but_for_the_candidate_of_gru(case: StateDictCase) -> None:
    state_dict = to_pytorch(from_pytorch(case.state_dict, case.cell), case.cell)
    given_ih, given_hh = case.state_dict["bias_ih_l1_reverse"], case.state_dict["bias_hh_l1_reverse"]
    second = state_dict["bias_hh_l1_reverse"]
    if case.cell == "gru":
        np.testing.assert_array_equal(second[6:], given_hh[6:])
        np.testing.assert_array_equal(state_dict["bias_ih_l1_reverse"][6:], given_ih[6:])
        second = second[:6]
    assert not second.any()
    np.testing.assert_array_equal(
        state_dict["bias_ih_l1_reverse"][: len(second)], (given_ih + given_hh)[: len(second)]
    )


def test_the_floating_type_is_kept_and_nothing_is_shared(case: StateDictCase) -> None:
    state_dict = {name: value.astype(np.float32) for name, value in case.state_dict.items()}
    parameters = from_pytorch(state_dict, case.cell)
    back = to_pytorch(parameters, case.cell)
    assert {value.dtype for value in (*parameters.values(), *back.values())} == {np.dtype(np.float32)}
    for arrays, source in ((parameters, state_dict), (back, parameters)):
        assert not any(np.shares_memory(a, b) for a in arrays.values() for b in source.values())


def test_a_module_without_biases_gives_zeros(case: StateDictCase) -> None:
    weights = {name: value for name, value in case.state_dict.items() if name.startswith("weight")}
    parameters = from_pytorch(weights, case.cell)
    zeros = {name: np.zeros_like(value) for name, value in case.state_dict.items() if name not in weights}
    expected = from_pytorch(weights | zeros, case.cell)
    assert list(parameters) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(parameters[name], value)


LSTM = CASES["lstm"].state_dict


@pytest.mark.parametrize(
    ("changes", "cell", "message"),
    [
        ({}, "gru", "state_dict['weight_ih_l0'] expects shape (9, 2); got (12, 2)"),
        ({}, "lstm_peephole", "cell expects one of rnn, lstm, gru; got 'lstm_peephole'"),
        (
            {"weight_hr_l0": np.zeros((1, 3))},
            "lstm",
            "got 'weight_hr_l0' too: pass one recurrent stack, without",
        ),
        ({"bias_hh_l1": None}, "lstm", "state_dict expects 'bias_hh_l1'; got weight_ih_l0"),
        ({"weight_hh_l0": None}, "lstm", "state_dict expects 'weight_hh_l0', a matrix; got weight_ih_l0"),
        ({"weight_ih_l1_reverse": None}, "lstm", "state_dict expects weight_ih_l0, weight_ih_l1, ..."),
        ({"bias_ih_l0": np.zeros(11)}, "lstm", "state_dict['bias_ih_l0'] expects shape (12,); got (11,)"),
        ({"bias_ih_l0": np.zeros(12, int)}, "lstm", "expects floating-point numbers; got int64"),
    ],
)
def test_foreign_state_dicts_are_refused(changes: dict[str, Any], cell: str, message: str) -> None:
    state_dict = {name: value for name, value in (LSTM | changes).items() if value is not None}
    with pytest.raises(ValueError, match=re.escape(message)):
        from_pytorch(state_dict, cell)


def test_keys_with_a_prefix_are_refused() -> None:
    with pytest.raises(ValueError, match=r"that of module.encoder, without the prefix 'encoder\.'"):
        from_pytorch({f"encoder.{name}": value for name, value in LSTM.items()}, "lstm")


class Bfloat16:
    dtype = "torch.bfloat16"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError("Got unsupported ScalarType BFloat16")


def test_a_module_and_types_that_numpy_has_not_are_refused() -> None:
    with pytest.raises(ValueError, match=r"state_dict expects a mapping; got object: pass module.state_dict"):
        from_pytorch(object(), "lstm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\['bias_ih_l0'\] .* got torch.bfloat16: pass its .float\(\)"):
        from_pytorch(LSTM | {"bias_ih_l0": Bfloat16()}, "lstm")


def test_foreign_parameters_are_refused() -> None:
    parameters = from_pytorch(LSTM, "lstm")
    with pytest.raises(ValueError, match="got 'weight_output' too"):
        to_pytorch(parameters | {"weight_output": np.zeros((1, 6))}, "lstm")
    with pytest.raises(ValueError, match="parameters expects 'bias_l1'"):
        to_pytorch({name: value for name, value in parameters.items() if name != "bias_l1"}, "lstm")


@pytest.mark.torch
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_modules_of_pytorch_agree_both_ways(
    case: StateDictCase, num_layers: int, bidirectional: bool
) -> None:
    import torch

    torch.manual_seed(0)
    options = {"num_layers": num_layers, "bidirectional": bidirectional, "batch_first": True}
    module = getattr(torch.nn, case.module)(2, 3, dtype=torch.float64, **options)
    x = torch.randn(4, 5, 2, dtype=torch.float64)
    parameters = from_pytorch(module.state_dict(), case.cell)
    expected = module(x)[0].detach().numpy()
    result = run_stack(CELLS[case.cell], parameters, x.numpy())
    np.testing.assert_allclose(result.output, expected, rtol=0, atol=1e-12)

    other = getattr(torch.nn, case.module)(2, 3, dtype=torch.float64, **options)
    other.load_state_dict({n: torch.from_numpy(a) for n, a in to_pytorch(parameters, case.cell).items()})
    np.testing.assert_allclose(other(x)[0].detach().numpy(), expected, rtol=0, atol=1e-12)
