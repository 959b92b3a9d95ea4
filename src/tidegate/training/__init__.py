"""Training: settings, learning-rate schedules, convergence, the loop and its progress bar."""
