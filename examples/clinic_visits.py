"""Who dies, or needs a new liver, in the three years after the first two? Irregular visits, missing findings.

    python examples/clinic_visits.py [SPLITS]

clinic_visits.csv: 312 patients with primary biliary cirrhosis, followed at the Mayo Clinic from 1974 on, a
row a visit: planned at half a year, a year and then yearly, in truth at days of their own; cholesterol is
missing at 42 % of the visits, other findings at 3 %. It is pbcseq of R's package survival 3.5-3 (LGPL 2 or
later, as in Debian's r-cran-survival), drawn by tools/make_clinic_visits.py; described by Fleming &
Harrington 1991, Counting Processes and Survival Analysis, and Murtaugh et al. 1994, Hepatology 20, 126-134.

A model sees the visits of the first 730 days alone and says who dies or is transplanted in the 1,095 days
after them, of those of whom it is known. Patients, not visits, are split, so that no one is in both parts.
The area under the ROC curve over the splits, beside tables that see the last visit, or the last known value
of each finding with its mean and its change.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tidegate import SequenceClassifier, Sequences

SEEN, AHEAD = 730, 1095  # days
SKEWED = ("bili", "chol", "alk.phos", "ast", "platelet", "protime")
FINDINGS = (*SKEWED, "albumin", "ascites", "hepato", "spiders", "edema", "stage", "age", "sex")


def finding(row, name):
    if name == "sex":
        return float(row[name] == "f")
    value = float(row[name]) if row[name] else np.nan
    return np.log(value) if name in SKEWED else value


def patients():
    """Visits up to day SEEN, their days, and whether the end came in the AHEAD days after."""
    rows = {}
    with Path(__file__).with_name("clinic_visits.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["id"], []).append(row)
    values, days, ended = [], [], []
    for visits in rows.values():
        last_day, came = float(visits[0]["futime"]), visits[0]["status"] != "alive"
        if last_day <= SEEN or (last_day <= SEEN + AHEAD and not came):
            continue  # over before it is asked, or lost from sight
        seen = [visit for visit in visits if float(visit["day"]) <= SEEN]
        values.append([[finding(visit, name) for name in FINDINGS] for visit in seen])
        days.append([float(visit["day"]) for visit in seen])
        ended.append(came and last_day <= SEEN + AHEAD)
    return Sequences.from_any([np.array(one) for one in values], times=days), np.array(ended)


def last_visit(X):
    return np.array([one[-1] for one in X])


def course(X):
    """Of each finding the last known value, the mean of the known, and last less first."""
    rows = []
    for one in X:
        known = [column[~np.isnan(column)] for column in one.T]
        ends = [(k[-1], k.mean(), k[-1] - k[0]) if len(k) else (np.nan,) * 3 for k in known]
        rows.append(np.concatenate(ends))
    return np.array(rows)


def logistic():
    strengths = {"C": np.logspace(-4, 4, 8)}
    search = GridSearchCV(LogisticRegression(max_iter=2000), strengths, scoring="roc_auc")
    return make_pipeline(SimpleImputer(), StandardScaler(), search)


def by_table(make, table):
    def score(X, y, train, test):
        model, rows = make(), table(X)
        return roc_auc_score(y[test], model.fit(rows[train], y[train]).predict_proba(rows[test])[:, 1])

    return score


def by_network(missing):
    def score(X, y, train, test):
        model = SequenceClassifier(
            "gru", hidden_size=16, dropout=0.3, missing=missing, batch_size=16, random_state=0
        )
        return roc_auc_score(y[test], model.fit(X[train], y[train]).predict_proba(X[test])[:, 1])

    return score


WAYS = {
    "logistic regression, last visit": by_table(logistic, last_visit),
    "gradient boosting, last visit": by_table(
        lambda: HistGradientBoostingClassifier(random_state=0), last_visit
    ),
    "logistic regression, course": by_table(logistic, course),
    "gradient boosting, course": by_table(lambda: HistGradientBoostingClassifier(random_state=0), course),
    **{f"gru, missing={way!r}": by_network(way) for way in ("fill", "mask", "decay")},
}


def main(num_splits):
    X, y = patients()
    gaps = np.isnan(X.values).mean()
    print(
        f"{len(X)} patients, {X.total_steps} visits, {gaps:.1%} of the findings missing; {y.sum()} died or "
        "were transplanted"
    )
    splits = StratifiedShuffleSplit(num_splits, test_size=0.25, random_state=0)
    pairs = list(splits.split(np.zeros(len(y)), y))
    for name, score in WAYS.items():
        scores = [score(X, y, train, test) for train, test in pairs]
        print(f"{name:32} {np.mean(scores):.3f} ({min(scores):.3f}-{max(scores):.3f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
