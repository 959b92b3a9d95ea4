"""Repeated random splits of one data set: the corrected resampled t-test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tidegate.checks import real
from tidegate.statistics.difference import FEWEST_RUNS, ROUNDING, Difference, check_levels

METHOD = "corrected resampled t"


def corrected_resampled_t(
    differences: Any, train_size: float, test_size: float, *, confidence: float = 0.95, margin: float = 0.0
) -> Difference:
    """The expected difference between two procedures trained on parts of one data set.

    differences (J,): score of a minus score of b on the test part of each of J random splits, the same for
    both. train_size, test_size: sequences in the two parts of a split (their means where they vary); what a
    procedure holds out for itself, such as a validation part, counts as training.
    margin: the largest difference that does not matter. confidence: of the interval.

    The splits share most of their sequences, so that their differences are correlated and the variance of
    the mean is not s^2 / J. Taking test / (train + test) for that correlation makes it
    s^2 (1/J + test/train), with J - 1 degrees of freedom (Nadeau & Bengio 2003, Inference for the
    generalization error, equation 9).

    With fewer than three splits, or where all differences are one number other than zero, there is no
    interval, and `reason` says so; where all are zero, p is 1. ValueError where an argument does not fit.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"differences expects one finite number a split; got an array of shape {values.shape}"
            f"{'' if np.isfinite(values).all() else ' with NaN or infinity'}: pass the scores' differences"
        )
    check_levels(confidence, margin)
    ratio = real("test_size", test_size, above=True) / real("train_size", train_size, above=True)
    num_splits = len(values)
    mean = float(values.mean())
    superiority = float(((values > 0) + 0.5 * (values == 0)).mean())
    if num_splits < FEWEST_RUNS:
        reason = f"{num_splits} split{'s' * (num_splits > 1)}, at least {FEWEST_RUNS} are needed"
        return Difference(METHOD, mean, superiority, num_splits, confidence, margin, reason=reason)
    if np.ptp(values) <= ROUNDING * max(1.0, abs(mean)):
        p_value = 1.0 if abs(mean) <= ROUNDING else None
        reason = "the difference is the same in every split, which leaves its error unknown"
        return Difference(
            METHOD, mean, superiority, num_splits, confidence, margin, p_value=p_value, reason=reason
        )
    from scipy.special import stdtr, stdtrit

    error = float(values.std(ddof=1)) * math.sqrt(1.0 / num_splits + ratio)
    freedom = num_splits - 1
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return Difference(
        METHOD,
        mean,
        superiority,
        num_splits,
        confidence,
        margin,
        interval=(mean - reach, mean + reach),
        p_value=min(1.0, 2.0 * float(stdtr(freedom, (margin - abs(mean)) / error))),
        standard_error=error,
        degrees_of_freedom=float(freedom),
    )
