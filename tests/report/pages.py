"""Results to make pages of, and a page taken apart."""

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

EXAMPLE = Path(__file__).with_name("example.json")
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}

REGRESSION: dict[str, Any] = {
    "task": "regression",
    "score": "R2",
    "seeds": [0, 1],
    "cells": {
        name: {
            "test_score": {"median": 0.5, "min": 0.4, "max": 0.6, "values": [0.4, 0.6]},
            "replicas": [
                {"seed": seed, "test_score": 0.4 + seed / 5, "seconds": 1.0 + seed} for seed in (0, 1)
            ],
            "predictions": {"true": [1.0, 2.0, 3.0], "predicted": [1.5, 2.0, 2.0]},
        }
        for name in ("lstm", "gru")
    },
    "verdicts": [
        {
            "first": "lstm",
            "second": "gru",
            "differences": {"median": 0.0, "min": -0.1, "max": 0.1, "values": [-0.1, 0.1]},
            "text": "lstm and gru: no difference shown.",
        }
    ],
}


def example() -> dict[str, Any]:
    """A comparison with every field a page can show but predictions."""
    return json.loads(EXAMPLE.read_text())


def with_cells(number: int) -> dict[str, Any]:
    """The example with so many cells of long names, each pair compared, and classes of long names."""
    result = example()
    cells = list(result["cells"].values())
    names = [f"lstm_peephole_full_{place}" for place in range(number)]
    result["cells"] = {name: copy.deepcopy(cells[place % 3]) for place, name in enumerate(names)}
    for cell in result["cells"].values():
        cell["confusion"]["labels"] = [f"walking up the stairs {label}" for label in range(9)]
    verdict = result["verdicts"][0]
    result["verdicts"] = [
        verdict | {"first": one, "second": other} for one in names for other in names if one < other
    ]
    return result


def ablation(*targets: str) -> dict[str, Any]:
    """The example as if of a model with these targets, and without inputs of long names."""
    result = example()
    inputs = ["acceleration_of_the_left_wrist", "age", "what the physician wrote down"]
    names = ["all", *(f"without {name}" for name in inputs[1:])]
    own = ("train_score", "validation_score", "test_score", "generalization_gap", "confusion", "calibration")
    for cell in result["cells"].values():
        fields = {name: cell.pop(name) for name in own}
        cell["targets"] = {target: copy.deepcopy(fields) for target in targets}
        for replica in cell["replicas"]:
            replica["targets"] = {target: {"test_score": replica["test_score"]} for target in targets}
    verdict = result["verdicts"][0]
    judged = {name: verdict[name] for name in ("estimate", "interval", "level", "p_adjusted", "outcome")}
    spread = {"median": 0.1, "min": -0.02, "max": 0.3, "values": [0.1, -0.02, 0.3]}
    losses = [
        {"target": target, "input": name, "importance": spread} | (judged if at else {})
        for target in targets
        for at, name in enumerate(inputs)
    ]
    return result | {
        "title": None,
        "noun": "model",
        "curve": "mean score",
        "targets": {target: {"score": "accuracy"} for target in targets},
        "cells": dict(zip(names, result["cells"].values())),
        "verdicts": [
            verdict | {"target": target, "first": "all", "second": name}
            for target in targets
            for name in names[1:]
        ],
        "ablation": {"losses": losses, "kept": inputs[:1]},
        "gates": [],
        "gradients": [],
    }


class Page(HTMLParser):
    """Elements of a page, whose tags must be closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.text = text
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def reading(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def drawings(self) -> list[ElementTree.Element]:
        """Each parsed as XML, which forgives nothing."""
        return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", self.text, re.DOTALL)]

    def headings(self) -> list[str]:
        return re.findall(r"<h2[^>]*>(.*?)</h2>", self.text)


def check(text: str) -> Page:
    """What every page must be."""
    page = Page(text)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    references = " ".join(page.attributes("aria-labelledby")).split()
    assert set(references) <= set(ids)
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= set(ids)
    for drawing in page.drawings():
        if drawing.get("role") == "img":
            assert drawing.find("title").text
            assert len(drawing.find("desc").text) > 10
            assert drawing.get("aria-labelledby").split() == [drawing[0].get("id"), drawing[1].get("id")]
        else:
            assert drawing.get("aria-hidden") == "true"
    return page
