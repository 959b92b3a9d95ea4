"""How often tidegate.statistics sees a difference where there is none, and where there is one.

    python benchmarks/level_and_power.py [--simulations 4000]

Simulates comparisons whose truth is known: learners trained on repeated splits of one data set, and cells
with several seeds on one test part. Writes benchmarks/results/level_and_power.json and the tables of
docs/statistics.md; takes about a quarter of an hour. tests/test_statistics.py runs a short version of the
same models.

Letters: N sequences, P features, J splits, S seeds, R resamples.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr

from tidegate.comparison.machine import hardware, versions
from tidegate.statistics import Difference, corrected_resampled_t, paired_bootstrap
from tidegate.statistics.bootstrap import Variances

RESULT = Path(__file__).parent / "results" / "level_and_power.json"
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
BEGIN = "<!-- measured: python benchmarks/level_and_power.py -->\n"
END = "<!-- end -->\n"

ALPHA = 0.05
NUM_RESAMPLES = 999
TEST_SHARE = 0.25
NUM_SPLITS = (5, 10, 20)
NUM_SEEDS = (3, 5, 10)
TEST_SIZES = (50, 370, 2000)
# Splits cost little: as many times the simulations.
MORE_SPLITS = 5
# Simulations in which the methods that were not taken are run as well: one of this many.
OTHERS_EVERY = 8

Array = NDArray[Any]
Random = np.random.Generator


# Repeated splits of one data set.


def two_views(random: Random, num_sequences: int, gain: float) -> tuple[Array, Array, Array]:
    """Two views (N, 8) of two classes, the same in distribution where gain is 0, and the classes (N,).

    The views share part of their noise. The classes lie further apart by `gain`, as a share, in the first.
    """
    y = np.repeat([0, 1], num_sequences // 2)
    shared = 0.5 * random.normal(size=(num_sequences, 1))
    one, other = (
        random.normal(size=(num_sequences, 8)) + shared + (y[:, None] - 0.5) * 2.0 * factor / np.sqrt(8)
        for factor in (1.0 + gain, 1.0)
    )
    return one, other, y


def stratified_splits(random: Random, y: Array, num_splits: int) -> Array:
    """(J, N), True in the test part."""
    test = np.zeros((num_splits, len(y)), dtype=bool)
    for label in (0, 1):
        members = np.flatnonzero(y == label)
        for row in test:
            row[random.permutation(members)[: round(TEST_SHARE * len(members))]] = True
    return test


def nearest_centroid(x: Array, y: Array, test: Array, random: Random) -> Array:
    """(J, N): right or wrong, trained in each split on what is not test."""
    distances = []
    for label in (0, 1):
        members = ~test & (y == label)
        centroids = members @ x / members.sum(axis=1, keepdims=True)
        distances.append(-2.0 * centroids @ x.T + (centroids**2).sum(axis=1, keepdims=True))
    right: Array = (distances[1] < distances[0]) == y
    return right


def ridge(x: Array, y: Array, test: Array, random: Random, penalty: float = 1.0) -> Array:
    design = np.column_stack([x, np.ones(len(x))])
    weighted = (~test)[:, :, None] * design
    products = design.T @ weighted + penalty * np.eye(design.shape[1])
    weights = np.linalg.solve(products, weighted.transpose(0, 2, 1) @ (y - 0.5)[:, None])
    right: Array = ((design @ weights)[:, :, 0] > 0) == y
    return right


def nearest_neighbour(x: Array, y: Array, test: Array, random: Random) -> Array:
    squares = (x**2).sum(axis=1)
    distances = squares[:, None] + squares - 2.0 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    nearest = [np.where(row, np.inf, distances).argmin(axis=1) for row in test]
    right: Array = y[np.array(nearest)] == y
    return right


def random_features(x: Array, y: Array, test: Array, random: Random) -> Array:
    """Ridge on 20 random features, others in each split: what a seed does to a network."""
    weights = random.normal(size=(len(test), x.shape[1], 20))
    return np.concatenate(
        [ridge(np.tanh(x @ own), y, row[None], random, 0.1) for own, row in zip(weights, test)]
    )


LEARNERS: dict[str, Callable[[Array, Array, Array, Random], Array]] = {
    "nearest centroid": nearest_centroid,
    "ridge": ridge,
    "nearest neighbour": nearest_neighbour,
    "random features": random_features,
}
DATA_SIZES = (60, 200)


def split_differences(
    random: Random, learner: str, num_sequences: int, gain: float, num_splits: int
) -> Array:
    """(J,): accuracy of a learner on the first view minus its accuracy on the second."""
    one, other, y = two_views(random, num_sequences, gain)
    test = stratified_splits(random, y, num_splits)
    train = LEARNERS[learner]
    right, right_other = train(one, y, test, random), train(other, y, test, random)
    differences: Array = ((right * 1.0 - right_other) * test).sum(axis=1) / test.sum(axis=1)
    return differences


def splits(random: Random, learner: str, num_sequences: int, gain: float, simulations: int) -> list[Any]:
    """One record for each number of splits: how often the corrected and the plain test say "different"."""
    num_test = 2 * round(TEST_SHARE * (num_sequences // 2))
    found = {count: np.zeros(3) for count in NUM_SPLITS}
    for _ in range(simulations):
        differences = split_differences(random, learner, num_sequences, gain, max(NUM_SPLITS))
        for count in NUM_SPLITS:
            own = differences[:count]
            corrected = corrected_resampled_t(own, num_sequences - num_test, num_test)
            # As good as no test part at all: the correction vanishes.
            plain = corrected_resampled_t(own, 1.0, 1e-12)
            found[count] += (rejects(corrected), rejects(plain), own.mean())
    return [
        {
            "learner": learner,
            "sequences": num_sequences,
            "splits": count,
            "difference": float(sums[2] / simulations) if gain else 0.0,
            "corrected": float(sums[0] / simulations),
            "plain": float(sums[1] / simulations),
        }
        for count, sums in found.items()
    ]


def rejects(difference: Difference) -> bool:
    return difference.p_value is not None and difference.p_value <= ALPHA


# One test part.


@dataclass(frozen=True)
class TestPart:
    """Standard deviations of what decides whether an answer is right, or how large an error is.

    ability: of both cells, in the units of the chance of a single run on a single row, which is 1.
    difficulty: of the rows, for both cells alike. suits: of the rows, for one cell. seeds: of the seeds, for
    one cell. person: of persons of five rows, for one cell; 0: rows are alone.
    """

    __test__ = False

    name: str
    ability: float
    difficulty: float
    suits: float
    seeds: float
    person: float = 0.0
    statistic: str = "accuracy"

    def draw(
        self, random: Random, num_seeds: int, num_rows: int, effect: float, failing: float = 0.0
    ) -> tuple[Array, Array, dict[str, Any]]:
        """Scores (S, N) of two cells, and the other arguments of paired_bootstrap. effect: how much abler
        the first is. failing: share of the first's seeds that fail, by 1; the others make up for it."""
        difficulty = self.difficulty * random.normal(size=num_rows)
        persons = np.arange(num_rows) // 5

        def scores(ability: float, failing: float) -> Array:
            level = ability + difficulty + self.suits * random.normal(size=num_rows)
            level = level + self.person * random.normal(size=num_rows)[persons]
            chance = random.normal(size=(num_seeds, num_rows))
            seeds = self.seeds * random.normal(size=(num_seeds, 1))
            if failing:
                seeds = seeds - 1.0 * (random.random((num_seeds, 1)) < failing)
            if self.statistic == "r2":
                error: Array = np.exp(0.5 * (difficulty + seeds - effect * (ability > self.ability))) * (
                    0.3 * chance + 0.3 * self.suits * (level - ability - difficulty)
                )
                return error**2
            return level + seeds + chance > 0.0

        spread = np.sqrt(1.0 + self.difficulty**2 + self.suits**2 + self.seeds**2 + self.person**2)
        fair = self.ability
        if failing:
            share = (1 - failing) * ndtr(fair / spread) + failing * ndtr((fair - 1.0) / spread)
            fair = spread * ndtri(share)
        one = scores(self.ability + effect, failing)
        other = scores(fair, 0.0)
        options: dict[str, Any] = {"statistic": self.statistic}
        if self.statistic == "r2":
            options["targets"] = random.normal(size=num_rows)
        if self.person:
            options["groups"] = persons
        return one, other, options


TEST_PARTS = (
    TestPart("accuracy 0.97, nothing but chance", 4.5, 2.0, 0.0, 0.0),
    TestPart("accuracy 0.97, rows suit one cell", 4.5, 2.0, 1.0, 0.1),
    TestPart("accuracy 0.8, seeds vary a little", 1.7, 1.5, 0.5, 0.1),
    TestPart("accuracy 0.8, seeds vary much", 1.7, 1.5, 0.5, 0.5),
    TestPart("accuracy 0.8, persons of five rows", 1.7, 1.5, 0.5, 0.2, person=0.7),
    TestPart("R2, heavy-tailed errors, seeds vary", 0.0, 1.0, 0.5, 0.2, statistic="r2"),
)


def bootstrap_p(part: TestPart, scores: tuple[Array, Array, dict[str, Any]], seed: int) -> float:
    one, other, options = scores
    found = paired_bootstrap(one, other, **options, num_resamples=NUM_RESAMPLES, seed=seed)
    return 1.0 if found.p_value is None else found.p_value


def other_ps(random: Random, gaps: Array) -> dict[str, float]:
    """p-values by the methods that were not taken, of differences in accuracy (S, N)."""
    num_seeds, num_rows = gaps.shape
    rows, seeds = resampled(random, num_rows), resampled(random, num_seeds)
    by_seed = rows @ gaps.T
    both = (by_seed * seeds).sum(axis=1)
    own = gaps.mean(axis=1)
    return {
        "two-way percentile": percentile_p(both),
        "two-way BCa": bca_p(both, gaps),
        "rows alone, percentile": percentile_p(by_seed.mean(axis=1)),
        "seeds alone, paired t": corrected_resampled_t(own, 1.0, 1e-12).p_value or 1.0,
        "variances, Satterthwaite's t": satterthwaite_p(gaps),
    }


def resampled(random: Random, count: int) -> Array:
    """(R, count): the weights of `count` draws with replacement."""
    places = random.integers(count, size=(NUM_RESAMPLES, count))
    places += count * np.arange(NUM_RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=places.size).reshape(places.shape) / count


def satterthwaite_p(gaps: Array) -> float:
    """Two-way analysis of variance, in closed form."""
    variances = Variances.of((gaps - gaps.mean()) / gaps.shape[1])
    if variances.total == 0.0:
        return 1.0
    seeds = variances.seeds if variances.seeds > variances.both else 0.0
    freedom = variances.total**2 / (seeds**2 / (len(gaps) - 1) + variances.groups**2 / variances.freedom)
    return float(2.0 * stdtr(freedom, -abs(gaps.mean()) / np.sqrt(variances.total)))


def percentile_p(drawn: Array) -> float:
    outside = min((drawn <= 0.0).sum(), (drawn >= 0.0).sum())
    return min(1.0, 2.0 * (1 + int(outside)) / (len(drawn) + 1))


def bca_p(drawn: Array, gaps: Array) -> float:
    """Efron 1987, with the influence of both rows and seeds in the acceleration."""
    estimate = gaps.mean()
    influence = np.concatenate(
        [(gaps.mean(axis=0) - estimate) / gaps.shape[1], (gaps.mean(axis=1) - estimate) / len(gaps)]
    )
    cubes, squares = (influence**3).sum(), (influence**2).sum()
    if squares == 0.0:
        return 1.0
    acceleration = cubes / (6.0 * squares**1.5)
    half = 0.5 / len(drawn)
    bias = ndtri(np.clip((drawn < estimate).mean() + 0.5 * (drawn == estimate).mean(), half, 1 - half))
    zero = ndtri(np.clip((drawn < 0.0).mean() + 0.5 * (drawn == 0.0).mean(), half, 1 - half)) - bias
    tail = ndtr(zero / (1.0 + acceleration * zero) - bias)
    return float(2.0 * min(tail, 1.0 - tail))


def levels(random: Random, part: TestPart, num_seeds: int, num_rows: int, simulations: int) -> dict[str, Any]:
    """How often each method says "different" of two cells that are equally good."""
    rejected = 0
    others: dict[str, list[bool]] = {}
    for index in range(simulations):
        scores = part.draw(random, num_seeds, num_rows, 0.0)
        rejected += bootstrap_p(part, scores, index) <= ALPHA
        if index % OTHERS_EVERY == 0 and part.statistic == "accuracy" and not part.person:
            for name, p in other_ps(random, scores[0] * 1.0 - scores[1]).items():
                others.setdefault(name, []).append(p <= ALPHA)
    return {
        "model": part.name,
        "seeds": num_seeds,
        "rows": num_rows,
        "paired bootstrap": rejected / simulations,
        **{name: float(np.mean(seen)) for name, seen in others.items()},
    }


def power(
    random: Random, part: TestPart, num_seeds: int, num_rows: int, effect: float, simulations: int
) -> dict[str, Any]:
    """How often a difference is seen; best: by the test that knows the estimate's standard deviation."""
    estimates, rejected = [], 0
    for index in range(simulations):
        one, other, options = part.draw(random, num_seeds, num_rows, effect)
        found = paired_bootstrap(one, other, **options, num_resamples=NUM_RESAMPLES, seed=index)
        estimates.append(found.estimate)
        rejected += rejects(found)
    distance = abs(np.mean(estimates)) / np.std(estimates)
    return {
        "model": part.name,
        "seeds": num_seeds,
        "rows": num_rows,
        "difference": float(np.mean(estimates)),
        "paired bootstrap": rejected / simulations,
        "best": float(ndtr(distance + ndtri(ALPHA / 2)) + ndtr(-distance + ndtri(ALPHA / 2))),
    }


POWERS = ((TEST_PARTS[1], 0.7), (TEST_PARTS[2], 0.2), (TEST_PARTS[3], 0.4), (TEST_PARTS[5], 0.4))


def limit(random: Random, num_seeds: int, num_rows: int, simulations: int) -> dict[str, Any]:
    """The level where one seed of ten of one cell fails, and the others make up for it."""
    part = TEST_PARTS[2]
    rejected = 0
    for index in range(simulations):
        scores = part.draw(random, num_seeds, num_rows, 0.0, failing=0.1)
        rejected += bootstrap_p(part, scores, index) <= ALPHA
    return {"seeds": num_seeds, "rows": num_rows, "paired bootstrap": rejected / simulations}


def seconds(random: Random, statistic: str) -> float:
    """Of one paired bootstrap of 5 seeds and 10,000 sequences, 10,000 resamples; the processor's."""
    part = next(part for part in TEST_PARTS if part.statistic == statistic)
    one, other, options = part.draw(random, 5, 10_000, 0.1)
    began = time.process_time()
    paired_bootstrap(one, other, **options)
    return time.process_time() - began


def measure(simulations: int) -> dict[str, Any]:
    few, many = max(1, simulations // 2), MORE_SPLITS * simulations
    random, of_splits = np.random.default_rng(2005), np.random.default_rng(2003)
    return {
        "alpha": ALPHA,
        "simulations": {"level of splits": many, "level of the bootstrap": simulations, "power": few},
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "seconds": {statistic: seconds(random, statistic) for statistic in ("accuracy", "r2")},
        "splits": {
            name: [
                record
                for learner in LEARNERS
                for size in DATA_SIZES
                for record in splits(of_splits, learner, size, gain, number)
            ]
            for name, gain, number in (("level", 0.0, many), ("power", 0.5, few))
        },
        "bootstrap": {
            "level": [
                levels(random, part, num_seeds, num_rows, simulations)
                for part in TEST_PARTS
                for num_rows in TEST_SIZES
                for num_seeds in NUM_SEEDS
            ],
            "power": [
                power(random, part, num_seeds, 370, effect, few)
                for part, effect in POWERS
                for num_seeds in NUM_SEEDS
            ],
            "limit": [limit(random, num_seeds, 2000, few) for num_seeds in NUM_SEEDS],
        },
    }


# The tables of the page.


def table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def splits_table(result: dict[str, Any], kind: str) -> str:
    """A row for each learner and data size; for each number of splits the corrected test, then the plain."""
    records = result["splits"][kind]
    rows = []
    for learner in LEARNERS:
        for size in DATA_SIZES:
            own = [
                record for record in records if record["learner"] == learner and record["sequences"] == size
            ]
            cells = [f"{record['corrected']:.3f} ({record['plain']:.3f})" for record in own]
            shown = [f"{np.mean([record['difference'] for record in own]):.3f}"] * (kind == "power")
            rows.append([learner, str(size), *shown, *cells])
    shown = ["difference"] * (kind == "power")
    return table(["learner", "sequences", *shown, *(f"{count} splits" for count in NUM_SPLITS)], rows)


def levels_table(result: dict[str, Any]) -> str:
    records = result["bootstrap"]["level"]
    level = {
        (record["model"], record["rows"], record["seeds"]): record["paired bootstrap"] for record in records
    }
    rows = [
        [part.name, str(size), *(f"{level[part.name, size, count]:.3f}" for count in NUM_SEEDS)]
        for part in TEST_PARTS
        for size in TEST_SIZES
    ]
    return table(["model", "sequences", *(f"{count} seeds" for count in NUM_SEEDS)], rows)


def methods_table(result: dict[str, Any]) -> str:
    """The highest level of each method over all models in which all were tried."""
    records = [record for record in result["bootstrap"]["level"] if "two-way percentile" in record]
    methods = [name for name in records[0] if name not in ("model", "seeds", "rows")]
    rows = []
    for size in TEST_SIZES:
        for count in NUM_SEEDS:
            own = [record for record in records if (record["rows"], record["seeds"]) == (size, count)]
            rows.append(
                [str(size), str(count), *(f"{max(record[name] for record in own):.3f}" for name in methods)]
            )
    return table(["sequences", "seeds", *methods], rows)


def power_table(result: dict[str, Any]) -> str:
    rows = [
        [
            record["model"],
            f"{record['difference']:.3f}",
            str(record["seeds"]),
            f"{record['paired bootstrap']:.2f}",
            f"{record['best']:.2f}",
        ]
        for record in result["bootstrap"]["power"]
    ]
    return table(["model, 370 sequences", "difference", "seeds", "paired bootstrap", "best possible"], rows)


def limit_table(result: dict[str, Any]) -> str:
    rows = [
        [str(record["seeds"]), f"{record['paired bootstrap']:.3f}"] for record in result["bootstrap"]["limit"]
    ]
    return table(["seeds", "paired bootstrap"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "Level, repeated splits: corrected t (plain paired t in brackets)": lambda r: splits_table(r, "level"),
    "Power, repeated splits: corrected t (plain paired t in brackets)": lambda r: splits_table(r, "power"),
    "Level, one test part: paired bootstrap": levels_table,
    "Level, one test part: the highest over the models of accuracy without persons": methods_table,
    "Power, one test part": power_table,
    "Level where one seed of ten fails, 2,000 sequences": limit_table,
}


def tables(result: dict[str, Any]) -> str:
    return "\n\n".join(f"### {title}\n\n{make(result)}" for title, make in TABLES.items()) + "\n"


def replace_tables(page: str, result: dict[str, Any]) -> str:
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{tables(result)}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--simulations", type=int, default=4000, help="of each level of the bootstrap")
    arguments = parser.parse_args()
    result = measure(arguments.simulations)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(replace_tables(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")
    print(tables(result))


if __name__ == "__main__":
    main()
