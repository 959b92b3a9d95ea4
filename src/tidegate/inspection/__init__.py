"""What a model does over time: its gates and states, and how far back its gradients reach."""

from tidegate.inspection.plots import plot_gates, plot_gradient_flow
from tidegate.inspection.traces import Trace, gates, gradient_flow

__all__ = ["Trace", "gates", "gradient_flow", "plot_gates", "plot_gradient_flow"]
