"""Which of 14 languages is this? A text alone in, a class out.

    python examples/languages.py

Short descriptions of Debian's packages, some fifty letters each, of which names and technical words are in
English whatever the language. One text is read twice: letter by letter, and as a bag of words. Beside it
linear models of bags of up to four letters, on the same texts.
"""

import baselines
import numpy as np
from datasets import Texts, load_texts

from tidegate import MultiClass, SequenceModel, Text

INPUTS = {"letters": Text(), "words": Text(level="word", encoder="mean")}


def rows(data: Texts, part: str) -> dict[str, np.ndarray]:
    own = data.part == part
    return {"letters": data.text[own], "words": data.text[own], "language": data.language[own]}


def network(data: Texts, seed: int = 0, max_epochs: int = 40) -> baselines.Scores:
    model = SequenceModel(
        INPUTS,
        {"language": MultiClass()},
        cell="gru",
        validation=rows(data, "validation"),
        patience=8,
        max_epochs=max_epochs,
        num_threads=1,
        random_state=seed,
    )
    scores = model.fit(rows(data, "train")).evaluate(rows(data, "test"))["language"]
    return {"accuracy": scores["accuracy"], "macro F1": scores["macro_f1"]}


if __name__ == "__main__":
    texts = load_texts()
    for name, scores in baselines.languages(texts).items():
        print(baselines.line(name, scores))
    print(baselines.line("recurrent network", network(texts)))
