"""What the pictures show, read back from matplotlib's figures."""

import sys

import numpy as np
import pytest

from tidegate.inspection import gates, gradient_flow, plot_gates, plot_gradient_flow
from tidegate.recurrent import Recurrent

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(length, 2)) for length in (9, 5)]
Y = [np.eye(4)[:1] * (np.arange(length) == length - 1)[:, np.newaxis] for length in (9, 5)]


def test_a_heat_map_for_each_gate_and_state_of_each_layer():
    layers = Recurrent("lstm", 2, 4, 2, random_state=0)
    trace = gates(layers, X)[0]
    with pytest.raises(ValueError, match=r"trace expects one .*; got list: pass gates\(model, X\)\[0\]"):
        plot_gates([trace])
    figure = plot_gates(trace)
    maps = {axes.get_title(): axes.images[0] for axes in figure.axes if axes.images and axes.get_title()}
    assert list(maps) == [f"{layer}: {name}" for layer in ("l0", "l1") for name in "ifgohc"]
    rows = maps["l1: f"].get_array()
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(trace["l1"]["f"].T, axis=0))
    assert (np.diff(rows.mean(axis=1)) <= 0).all()
    assert maps["l1: f"].get_clim() == (0, 1)
    assert maps["l1: g"].get_clim() == (-1, 1)


def test_gradients_stand_on_a_logarithmic_scale():
    layers = {cell: Recurrent(cell, 2, 4, dtype="float64", random_state=0) for cell in ("lstm", "gru")}
    flows = {cell: gradient_flow(model, X, Y) for cell, model in layers.items()}
    (axes,) = plot_gradient_flow(flows).axes
    assert axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["lstm", "gru"]
    first, second = (flow["l0"]["h"] for flow in flows["gru"])
    line = axes.lines[1].get_ydata()
    np.testing.assert_allclose(line, [*np.sqrt(first[:5] * second), *first[5:]])


def test_another_state_and_a_line_a_layer():
    flow = gradient_flow(Recurrent("lstm", 2, 2, 2, bidirectional=True, random_state=0), X, Y)
    (axes,) = plot_gradient_flow(flow, state="c").axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert axes.get_ylabel() == "norm of d loss / d c"
    with pytest.raises(ValueError, match="state expects one of h, c; got 'z'"):
        plot_gradient_flow(flow, state="z")
    assert plot_gradient_flow(flow, axes=axes) is axes.figure
    assert len(axes.lines) == 8


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"install tidegate\[plots\]"):
        plot_gates({})
