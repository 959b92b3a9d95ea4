import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.cells import CELLS, get

# What the papers' equations hold, for I inputs and H units.
CLOSED_FORMS = {
    "rnn": lambda I, H: I * H + H * H + H,
    "lstm": lambda I, H: 4 * (I * H + H * H + H),
    "lstm_peephole": lambda I, H: 4 * (I * H + H * H + H) + 3 * H,
    "lstm_peephole_full": lambda I, H: 4 * (I * H + H * H + H) + 3 * H * H,
    "lstm_coupled": lambda I, H: 3 * (I * H + H * H + H),
    "gru": lambda I, H: 3 * (I * H + H * H + H) + H,
    "gru_reset_before": lambda I, H: 3 * (I * H + H * H + H),
    "mgu": lambda I, H: 2 * (I * H + H * H + H),
}


def test_every_cell_has_a_closed_form() -> None:
    assert list(CLOSED_FORMS) == list(CELLS)


@settings(deadline=None)
@given(name=st.sampled_from(list(CELLS)), input_size=st.integers(1, 400), hidden_size=st.integers(1, 400))
def test_parameter_counts_are_those_of_the_papers(name: str, input_size: int, hidden_size: int) -> None:
    cell = CELLS[name]
    expected = CLOSED_FORMS[name](input_size, hidden_size)
    assert cell.num_parameters(input_size, hidden_size) == expected
    shapes = cell.parameter_shapes(input_size, hidden_size)
    assert sum(np.zeros(shape).size for shape in shapes.values()) == expected


def test_h_is_the_first_state_of_every_cell() -> None:
    assert {cell.states[0] for cell in CELLS.values()} == {"h"}


def test_an_unknown_cell_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"cell expects one of rnn, lstm.*got 'lstn': did you mean 'lstm'\?"):
        get("lstn")
