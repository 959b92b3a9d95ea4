"""What would the ozone sensor have shown on the days it failed? Gaps in inputs and in targets.

    python examples/air_quality.py

air_quality.csv: New York, May to September 1973, a row a day. Ozone (parts per billion, New York State
Department of Conservation) is missing on 37 of 153 days, sunshine (langleys, National Weather Service) on 7;
wind in miles an hour, temperature in Fahrenheit. Published by Chambers, Cleveland, Kleiner & Tukey 1983 (R
has them as airquality). Measurements of public agencies, plain facts, without a licence of their own.

Each month is predicted by a model of the other four, from the weather up to the day and ozone up to the day
before, and the error is that of the days whose ozone is known. Beside it what a table can do without
sequences.
"""

from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tidegate import SequenceRegressor, Sequences, read

data = read(Path(__file__).with_name("air_quality.csv"), id="month", time="date")
print(data)
ozone = [month[:, 0] for month in data.X]
yesterday = [np.concatenate([[np.nan], known[:-1]]) for known in ozone]
inputs = [np.column_stack([before, month[:, 1:]]) for before, month in zip(yesterday, data.X)]
X = Sequences.from_any(inputs, times=data.times)
y = [np.log(known) for known in ozone]  # skewed; NaN where the sensor failed, which weighs nothing
known = ~np.isnan(np.concatenate(ozone))


def errors(predict):
    """Mean absolute error in parts per billion, each month predicted from the others."""
    predicted = []
    for month in range(len(X)):
        others = [one for one in range(len(X)) if one != month]
        predicted.append(predict(others, month))
    return np.abs(np.exp(np.concatenate(predicted)) - np.concatenate(ozone))[known].mean()


def by_table(model):
    def predict(others, month):
        rows, targets = (
            np.concatenate([inputs[one] for one in others]),
            np.concatenate([y[one] for one in others]),
        )
        there = ~np.isnan(targets)
        return model.fit(rows[there], targets[there]).predict(inputs[month])

    return predict


def by_network(missing):
    def predict(others, month):
        model = SequenceRegressor(
            "gru",
            hidden_size=16,
            missing=missing,
            batch_size=1,
            max_epochs=40,
            validation=None,
            random_state=0,
        )
        return model.fit(X[others], [y[one] for one in others]).predict(X[[month]])[0]

    return predict


def last_known(others, month):
    """Ozone as it was when it was last known; before, as it was in the other months."""
    mean = np.nanmean(np.concatenate([y[one] for one in others]))
    carried = [mean]
    for value in np.log(yesterday[month][1:]):
        carried.append(carried[-1] if np.isnan(value) else value)
    return np.array(carried)


results = {
    "the mean of the other months": errors(
        lambda others, month: np.full(len(y[month]), np.nanmean(np.concatenate([y[one] for one in others])))
    ),
    "ozone when last known": errors(last_known),
    "ridge regression, gaps filled": errors(
        by_table(make_pipeline(SimpleImputer(), StandardScaler(), RidgeCV()))
    ),
}
results |= {f"gru, missing={way!r}": errors(by_network(way)) for way in ("fill", "mask", "decay")}
for name, error in results.items():
    print(f"{name:32} {error:5.1f} ppb")
