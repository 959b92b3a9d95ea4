import json
import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report.pages import EXAMPLE, REGRESSION, Page, ablation, check, example, with_cells

import tidegate
from tidegate.report import to_html, write_html

KILOBYTE = 1000
SECTIONS = [
    "Cells",
    "Learning curves",
    "Scores",
    "Cost",
    "Confusions",
    "Calibration",
    "The article’s claims",
    "Gates",
    "Gradients",
    "How it was made",
]
CURVES = ["loss", "val_loss", "score", "val_score"]
PAGES = {
    "example": example(),
    "regression": REGRESSION,
    "six cells": with_cells(6),
    "nothing": {},
    "ablation": ablation("pace", "tags"),
    "several": ablation("pace", "tags") | {"ablation": None},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed_and_every_drawing_described(name):
    check(to_html(PAGES[name]))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_nothing_beside_it(name):
    text = to_html(PAGES[name])
    assert not re.search(r"https?:|@import|url\(|<script|<link|<iframe|\bon\w+=|\bsrc=", text)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in Page(text).attributes("href"))


def test_the_example_has_every_section_in_order_and_a_caption_for_every_figure():
    page = check(to_html(example()))
    assert page.headings() == SECTIONS
    assert page.text.index('class="verdict"') < page.text.index("<table")
    tags = [tag for tag, _ in page.elements]
    figures = re.findall(r"<figure.*?</figure>", page.text, re.DOTALL)
    drawn = [figure for figure in figures if 'role="img"' in figure]
    assert len(drawn) == tags.count("figure") - page.text.count('role="region"') == 10
    assert all(re.search(r"<figcaption>[^<]{40,}\.</figcaption>", figure) for figure in drawn)


def test_the_example_says_what_the_result_says():
    result = example()
    reading = check(to_html(result)).reading
    for cell in result["cells"].values():
        assert f"{cell['test_score']['median']:.3f}" in reading
        assert f"{cell['num_parameters']:,}" in reading
    for claim in result["claims"]:
        assert all(text in reading for text in claim.values())
    for text in (result["title"], result["command"], result["hardware"], result["versions"]["numpy"]):
        assert text in reading
    assert "softmax_cross_entropy" in reading
    assert "No difference is shown: rnn minus lstm" in reading


def test_every_seed_is_a_mark():
    page = check(to_html(example()))
    scores = next(drawing for drawing in page.drawings() if drawing.get("id") == "scores-by-cell")
    tips = [title.text for path in scores.iter("path") for title in path.findall("title")]
    assert len(tips) == 15
    seed_3 = example()["cells"]["gru"]["replicas"][3]["test_score"]
    assert f"gru, seed 3: {seed_3:.4f}" in tips
    classes = [path.get("class") for path in scores.iter("path") if path.find("title") is not None]
    assert classes == [f"mark color-{cell}" for cell in range(3) for _ in range(5)]


def test_the_confusion_matrix_has_the_counts():
    page = check(to_html(example()))
    matrix = next(drawing for drawing in page.drawings() if drawing.get("id") == "confusion-1")
    written = [text.text for text in matrix.findall("text") if (text.text or "").isdigit()]
    counts = example()["cells"]["lstm"]["confusion"]["counts"]
    labels = [str(label) for label in range(1, 10)] * 2
    assert sorted(written) == sorted(labels + [str(n) for row in counts for n in row if n])
    wrong = [rectangle for rectangle in matrix.findall("rect") if rectangle.get("class") == "wrong"]
    assert len(wrong) == sum(n > 0 for i, row in enumerate(counts) for j, n in enumerate(row) if i != j)


@pytest.mark.parametrize(("name", "most"), [("example", 200), ("regression", 200), ("six cells", 400)])
def test_pages_are_light(name, most):
    assert len(to_html(PAGES[name]).encode()) < most * KILOBYTE


def test_a_long_comparison_with_many_classes_stays_below_a_megabyte():
    result = with_cells(6)
    for cell in result["cells"].values():
        history = {name: [0.5 + epoch % 7 for epoch in range(500)] for name in CURVES}
        cell["replicas"] = [replica | {"history": history} for replica in cell["replicas"] * 4]
        counts = [[(i * j) % 50 for j in range(200)] for i in range(200)]
        cell["confusion"] = {"labels": [f"class {i}" for i in range(200)], "counts": counts}
        cell["predictions"] = {"true": list(range(9_000)), "predicted": list(range(9_000))}
    gates = {gate: [[(i * j) % 101 / 100 for j in range(2000)] for i in range(100)] for gate in "ifo"}
    result["gates"] = [{"cell": "lstm", "sequence": "0", "gates": gates}]
    assert len(to_html(result).encode()) < 1000 * KILOBYTE
    assert EXAMPLE.stat().st_size < 100 * KILOBYTE


HOSTILE = "<script>alert(1)</script>&\"'</style>]]>\x00\ud800"


def poisoned(value: Any) -> Any:
    """With every text of a result, keys of cells and settings too, replaced."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return f"{HOSTILE}{value}" if isinstance(value, str) else value


@pytest.mark.parametrize("name", PAGES)
def test_text_of_the_result_is_never_markup(name):
    plain = PAGES[name]
    result = poisoned(plain)
    for key in ("cells", "settings", "versions"):
        if key in result:
            result[key] = {HOSTILE + own: value for own, value in result[key].items()}
    page = check(to_html(result))
    assert [tag for tag, _ in page.elements if tag in ("script", "style")] == ["style"]
    # As text it has no <, in an attribute neither > nor quotes; drawings may show a part of it.
    assert "<script>" not in page.text
    assert page.text.count("</style>") == 1
    assert "&lt;script&gt;alert(1)" in page.text or name == "nothing"
    page.text.encode()


def test_a_result_of_today_makes_a_page():
    data = tidegate.load_japanese_vowels()
    comparison = tidegate.compare(
        data.X[:60], data.y[:60], cells=["gru"], seeds=2, max_epochs=1, progress=False, num_threads=1
    )
    page = check(to_html(comparison.to_dict()))
    assert "gru has the highest median test accuracy" in page.reading


def test_cells_with_the_same_median_share_it():
    spread = {"median": 0.9, "min": 0.8, "max": 1.0}
    cells = {name: {"test_score": spread | {"min": low}} for name, low in (("gru", 0.7), ("lstm", 0.8))}
    page = check(to_html({"score": "accuracy", "cells": cells}))
    assert "gru and lstm share the highest median test accuracy, 0.900." in page.reading


anything = st.floats() | st.integers(-(10**400), 10**400) | st.none()


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(anything, min_size=1, max_size=6), st.lists(anything, min_size=4, max_size=4))
def test_no_number_is_too_odd(values, four):
    spread = {"median": four[0], "min": four[1], "max": four[2], "values": values}
    cell = {
        **dict.fromkeys(("test_score", "num_parameters", "seconds", "memory_bytes", "epochs"), spread),
        "replicas": [
            {"seed": 0, "seconds": one, "test_score": one, "history": {"loss": values, "val_score": values}}
            for one in values
        ],
        "confusion": {"counts": [four[:2], four[2:]]},
        "predictions": {"true": values, "predicted": values[::-1]},
        "calibration": {"bins": [{"probability": one, "accuracy": one, "count": 1} for one in values]},
    }
    verdict = {"first": "a", "second": "b", "estimate": four[0], "interval": four[1:3], "p": four[3]}
    gates = {"cell": "a", "gates": {"i": [values, values]}}
    gradients = {"cell": "a", "steps_back": values, "norm": values, "low": values[::-1], "high": values}
    result = {"verdicts": [verdict], "gates": [gates], "gradients": [gradients]}
    page = check(to_html({"cells": {"a": cell, "b": cell}, **result}))
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"base64,[^\"]*", "", page.text), re.IGNORECASE)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("cells", ["lstm"], r"result\['cells'\] expects a dictionary; got \['lstm'\]"),
        ("seeds", 3, r"result\['seeds'\] expects a list; got 3"),
        ("title", {}, r"result\['title'\] expects text; got {}"),
        (
            "cells",
            {"a": {"seconds": "x"}},
            r"\['cells'\]\['a'\]\['seconds'\] expects a number; got 'x'",
        ),
        ("cells", {"a": {"confusion": {"counts": [[1, 2], [3]]}}}, "rows of equal length"),
        ("cells", {"a": {"confusion": {"counts": [[1, 2]]}}}, "as many columns as rows"),
        ("cells", {"a": {"confusion": {"counts": [[1]], "labels": ["x", "y"]}}}, "1 labels"),
        ("cells", {"a": {"predictions": {"true": [1], "predicted": []}}}, "1 numbers, as many as true"),
        ("verdicts", [{"interval": [1, 2, 3]}], r"\['verdicts'\]\[0\]\['interval'\] expects two numbers"),
        (
            "gradients",
            [{"steps_back": [0, 1], "norm": [1]}],
            r"\['norm'\] expects 2 numbers, as many as steps",
        ),
        ("gates", [3], r"\['gates'\]\[0\] expects a dictionary"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(field, value, named):
    with pytest.raises(ValueError, match=named) as error:
        to_html({field: value})
    assert "Comparison.to_dict()" in str(error.value)


def test_writing_leaves_a_whole_file_and_nothing_else(tmp_path):
    path = write_html(REGRESSION, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == to_html(REGRESSION)
    with pytest.raises(ValueError, match="seeds"):
        write_html({"seeds": 3}, str(path))
    assert path.read_text(encoding="utf-8") == to_html(REGRESSION)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_html({}, tmp_path / "folder")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "report.html"]
    with pytest.raises(OSError, match="missing"):
        write_html({}, tmp_path / "missing" / "report.html")


def test_a_result_of_nothing_says_so_and_draws_nothing():
    page = check(to_html({}))
    assert (page.headings(), page.drawings()) == ([], [])
    assert "No replica was finished" in page.reading
    assert check(to_html({"cells": {"gru": {"num_parameters": 3}}})).headings() == ["Cells"]


def test_the_same_result_makes_the_same_page():
    assert to_html(example()) == to_html(json.loads(json.dumps(example())))


def test_seeds_that_never_reach_the_score_are_counted():
    reached = {"median": 2.0, "min": 1.0, "max": 3.0, "values": [1.0, None, 3.0, math.nan, 2.0]}
    page = check(to_html({"score_to_reach": 0.9, "cells": {"gru": {"seconds_to_score": reached}}}))
    assert "time to 0.900" in page.reading
    assert "1 to 3, 3 of 5" in page.reading
