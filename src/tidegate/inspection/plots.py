"""Pictures of traces, by matplotlib: heat maps of gates, and gradients on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tidegate.checks import choice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tidegate.inspection.traces import Array, Trace


def plot_gates(trace: Trace) -> Figure:
    """One sequence of `gates` as heat maps, a row a layer and a column a gate or state: steps to the right, a
    line a unit, in the order of their means. Gates go from 0 (light) to 1 (dark blue); what has a sign goes
    from orange through white to blue.
    """
    if not isinstance(trace, Mapping):
        raise ValueError(
            f"trace expects one of those that gates gives, a sequence's; got {type(trace).__name__}: pass "
            "gates(model, X)[0]"
        )
    figure_of, _ = _matplotlib()
    num_columns = max(map(len, trace.values()))
    figure: Figure = figure_of(
        figsize=(2.2 * num_columns + 0.6, 1.9 * len(trace) + 0.6), layout="constrained"
    )
    grid = figure.subplots(len(trace), num_columns, squeeze=False, sharex=True)
    for axes_of_layer, (layer, matrices) in zip(grid, trace.items()):
        for axes, (name, rows) in zip(axes_of_layer, matrices.items()):
            ordered = rows[:, np.argsort(-rows.mean(axis=0), kind="stable")].T
            largest = max(1.0, float(np.abs(rows).max()))
            signed = bool((rows < 0).any())
            image = axes.imshow(
                ordered,
                aspect="auto",
                interpolation="nearest",
                cmap="PuOr" if signed else "Blues",
                vmin=-largest if signed else 0.0,
                vmax=largest,
                extent=(0, len(rows), len(ordered), 0),
            )
            figure.colorbar(image, ax=axes)
            axes.set_title(f"{layer}: {name}")
    for axes in grid[-1]:
        axes.set_xlabel("step")
    for axes_of_layer in grid:
        axes_of_layer[0].set_ylabel("unit")
    return figure


def plot_gradient_flow(
    flows: Sequence[Trace] | Mapping[str, Sequence[Trace]], *, state: str = "h", axes: Axes | None = None
) -> Figure:
    """The norms of `gradient_flow` against the steps back, on a logarithmic scale: a line a layer, the
    geometric mean of the sequences that are long enough, whose range is shaded.

    flows: what `gradient_flow` gave, or several by name, to be compared. state: of the cell. axes: to draw
    on, None for a new figure.
    """
    figure_of, nulls = _matplotlib()
    if axes is None:
        axes = figure_of(figsize=(6.4, 4.0), layout="constrained").subplots()
    named = flows if isinstance(flows, Mapping) else {"": flows}
    for name, traces in named.items():
        for layer in traces[0]:
            choice("state", state, traces[0][layer])
            mean, low, high = _spread([trace[layer][state] for trace in traces])
            label = name if name and len(traces[0]) == 1 else f"{name} {layer}".strip()
            (line,) = axes.plot(mean, label=label)
            if len(traces) > 1:
                axes.fill_between(range(len(mean)), low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(nulls())
    axes.set_xlabel("steps back")
    axes.set_ylabel(f"norm of d loss / d {state}")
    axes.legend(frameon=False)
    return cast("Figure", axes.figure)


def _spread(norms: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Geometric mean, smallest and largest of each step back that some sequence has; NaN where it is zero."""
    padded = np.full((len(norms), max(map(len, norms))), np.nan)
    for row, values in zip(padded, norms):
        row[: len(values)] = np.where(values > 0.0, values, np.nan)
    logs = np.ma.log(np.ma.masked_invalid(padded))
    spread = (logs.mean(axis=0), logs.min(axis=0), logs.max(axis=0))
    mean, low, high = (np.exp(np.ma.filled(one, np.nan)) for one in spread)
    return mean, low, high


def _matplotlib() -> tuple[Any, Any]:
    """The class of figures, which no window opens for, and that of no ticks."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import NullLocator
    except ImportError as error:
        raise ImportError("plots need matplotlib: install tidegate[plots]") from error
    return Figure, NullLocator
