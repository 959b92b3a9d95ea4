"""What --help and the pages tell a person to type does what they say."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from tidegate import cli
from tidegate.training.settings import CLASSIFIER, NetworkSettings, TrainingSettings

ROOT = Path(__file__).parent.parent
COMMANDS = list(typer.main.get_command(cli.app).commands)
QUICK = {
    "fit": ["--max-epochs", 1, "--hidden-size", 2],
    "compare": ["--max-epochs", 1, "--hidden-size", 2, "--seeds", 2],
}


def examples(text):
    """The lines of a text that are command lines, as arguments."""
    lines = re.findall(r"^ +(?:\.venv/bin/)?tidegate (.*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def try_all(run, found):
    for command, *arguments in found:
        code, out, err = run(command, *arguments, *QUICK.get(command, []))
        written = "Predictions: " if command == "predict" and "--output" in arguments else ""
        assert code == 0, (command, *arguments)
        assert err.startswith(written), (command, *arguments)
        assert bool(err) == bool(written), (command, *arguments)
        assert out or "--output" in arguments


def test_the_examples_of_every_help_run_in_a_fresh_folder(run, folder):
    helps = {command: run(command, "--help") for command in COMMANDS}
    for command, (code, out, err) in helps.items():
        assert (code, err) == (0, "")
        assert [example[0] for example in examples(out)] == [command] * len(examples(out)) != []
    try_all(run, [example for command in COMMANDS for example in examples(helps[command][1])])
    written = (
        "vowels.safetensors",
        "my.safetensors",
        "predictions.csv",
        "measures.json",
        "results/result.json",
    )
    assert [name for name in written if not (folder / name).is_file()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_the_command_lines_of_a_page_run_in_a_fresh_folder(run, folder, page):
    try_all(run, examples((ROOT / page).read_text()))


def test_help_says_what_exit_codes_mean(run):
    code, out, _ = run("--help")
    assert code == 0
    page = (ROOT / "docs" / "command-line.md").read_text()
    for meaning in ("0 done", "1 failed", "2 bad input", "130 interrupted"):
        assert meaning in " ".join(out.split())
        number, _, word = meaning.partition(" ")
        assert re.search(rf"^\| {number} \| {word}", page, re.MULTILINE)


def test_the_page_names_every_option():
    page = (ROOT / "docs" / "command-line.md").read_text()
    for command in typer.main.get_command(cli.app).commands.values():
        for parameter in command.params:
            assert not [name for name in parameter.opts if name.startswith("--") and f"`{name}" not in page]


def test_help_has_the_defaults_that_training_has(run):
    text = " ".join(run("fit", "--help")[1].split())
    settings = TrainingSettings()
    for option, value in (
        ("--learning-rate", settings.learning_rate),
        ("--batch-size", settings.batch_size),
        ("--patience", settings.patience),
        ("--validation", settings.validation),
        ("--hidden-size", f"{CLASSIFIER.hidden_size} to classify, {NetworkSettings().hidden_size} for"),
        ("--dense", "none"),
    ):
        start = text.index(f" {option} ")
        assert f"Default: {value}" in text[start : start + 250], option
    assert "Default: 0.003" in " ".join(run("compare", "--help")[1].split())
