"""In which section of Debian is a package, and which tags has it? Text, numbers and a category in; a class
and labels out.

    python examples/packages.py

The inputs are a package's name, letter by letter, name and short description as a bag of words, its
architecture, its sizes and how many packages it depends on. One of 29 sections and any of 149 tags are learnt
together. Beside it a linear model for each, of bags of words and of parts of words, on the same packages.
"""

import baselines
import numpy as np
from datasets import Packages, load_packages

from tidegate import Category, MultiClass, MultiLabel, Numeric, SequenceModel, Text

INPUTS = {
    "name": Text(),
    "words": Text(level="word", encoder="mean", size=128, min_count=1),
    "architecture": Category(role="static", size=2),
    "numbers": Numeric(role="static"),
}
# The loss of the tags is a mean over 149 of them, most of which nearly every package lacks.
TARGETS = {"section": MultiClass(focal=1.0), "tags": MultiLabel(weight=50.0, focal=1.0)}


def rows(data: Packages, part: str) -> dict[str, np.ndarray]:
    own = data.part == part
    return {
        "name": data.name[own],
        "words": np.char.add(np.char.add(data.name, " "), data.description)[own],
        "architecture": data.architecture[own],
        "numbers": np.log1p(data.numbers[own]),
        "section": data.section[own],
        "tags": data.tags[own],
    }


def network(data: Packages, seed: int = 0, max_epochs: int = 40) -> baselines.Scores:
    model = SequenceModel(
        INPUTS,
        TARGETS,
        cell="gru",
        dropout=0.5,
        validation=rows(data, "validation"),
        patience=5,
        max_epochs=max_epochs,
        num_threads=1,
        random_state=seed,
    )
    scores = model.fit(rows(data, "train")).evaluate(rows(data, "test"))
    return {
        "section accuracy": scores["section"]["accuracy"],
        "section macro F1": scores["section"]["macro_f1"],
        "tags micro F1": scores["tags"]["micro_f1"],
        "tags macro F1": scores["tags"]["macro_f1"],
    }


if __name__ == "__main__":
    packages = load_packages()
    for name, scores in baselines.packages(packages).items():
        print(baselines.line(name, scores))
    print(baselines.line("recurrent network", network(packages)))
