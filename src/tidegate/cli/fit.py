"""tidegate fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.cli.options import DataArgument, DataOptions, ModelOptions, Threads, number_or_none

Validation = Annotated[
    str | None,
    typer.Option(
        help="A share held out of training, a file like DATA, or none. The epoch with the lowest loss on it "
        "is kept."
    ),
]
OwnIds = Annotated[
    bool, typer.Option("--own-ids", help="Each file counts its own ids: the same in two is not the same.")
]
Task = Annotated[
    str | None,
    typer.Option(help="classification or regression. Default: regression where the target has fractions."),
]


def fit(
    output: Annotated[Path, typer.Option(help="The file for the model.")],
    data: DataArgument = None,
    *,
    columns: DataOptions,
    cell: Annotated[
        str | None, typer.Option(help="One of those that tidegate cells lists. Default: lstm.")
    ] = None,
    model: ModelOptions,
    validation: Validation = None,
    own_ids: OwnIds = False,
    task: Task = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the split, the initial weights and the order. Default: 0.")
    ] = None,
    threads: Threads = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command was interrupted.")
    ] = False,
) -> None:
    """Train a model on sequences and write it to a file.

    DATA may be a model file, .toml, as tidegate init writes it, for many inputs and targets; what is given
    of the model's options goes before it. Options that are not given are the estimators' defaults. While it
    trains, its state is in OUTPUT.checkpoint.
    """
    from tidegate.cli.data import (
        bundled,
        check_apart,
        check_can_split,
        check_classes,
        check_seen,
        columns_of,
        labelled,
        like,
        task_of,
    )
    from tidegate.cli.outputs import check_model_file
    from tidegate.estimators import SequenceClassifier, SequenceRegressor
    from tidegate.models.summary import outcome

    if data is not None and data.suffix.lower() == ".toml":
        from tidegate.cli.described import fit_described

        options = _given(model, cell, seed, threads, validation)
        fit_described(data, output, columns, options, resume=resume, others=(own_ids, task))
        return
    cell, seed = cell or "lstm", seed or 0
    share, held_out = _share_or_file(validation)
    check_model_file(output, data, held_out, columns.targets)
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    if checkpoint.exists() and not resume:
        raise ValueError(
            f"{checkpoint} holds an interrupted fit: pass --resume to go on with it, or delete the file"
        )
    dataset = bundled("training") if data is None else labelled(data, columns)
    found = columns_of(dataset, columns)
    settings: dict[str, Any] = {
        "cell": cell,
        "random_state": seed,
        "num_threads": threads,
        **model.settings(),
    }
    second = None
    if held_out is not None:
        second = like(found, held_out, columns, dataset.has_step_targets, argument="--validation")
        if not own_ids:
            check_apart(dataset, second, "--validation")
        settings["validation"] = (second.X, second.y)
    elif validation is not None:
        settings["validation"] = share
    kind = task_of(dataset, task)
    splits = settings.get("validation", 0.1) is not None and held_out is None
    if splits:
        check_can_split(dataset, "pass --validation none")
    classes = f", {check_classes(dataset, splits)}" if kind == "classification" else ""
    if kind == "classification" and second is not None:
        check_seen(dataset, second, "--validation")
    estimator = SequenceClassifier if kind == "classification" else SequenceRegressor
    fitted = _known(estimator, settings)(**settings, verbose=True)

    print(f"{dataset.describe()}\ntask: {kind}{classes}", flush=True)
    try:
        fitted.fit(dataset.X, dataset.y, checkpoint=checkpoint)
    except KeyboardInterrupt:
        goes_on = "; the same command with --resume goes on" if checkpoint.exists() else ""
        raise KeyboardInterrupt(f"interrupted: {output} was not written{goes_on}") from None
    fitted.set_params(verbose=False)
    if found is not None:
        fitted.columns_ = found
    fitted.save(output)
    print(f"{cell}, {fitted.num_parameters_:,} parameters; {outcome(fitted)}")
    print(f"{_score(fitted, dataset, kind)}\nModel: {output} (tidegate info describes it)")


def _given(
    model: ModelOptions, cell: str | None, seed: int | None, threads: int | None, validation: str | None
) -> dict[str, Any]:
    """The options of a described model that were given."""
    named = {"cell": cell, "random_state": seed, "num_threads": threads}
    given = {name: value for name, value in named.items() if value is not None} | model.settings()
    if validation is not None:
        given["validation"] = number_or_none("validation", validation, float)
    return given


def _share_or_file(validation: str | None) -> tuple[float | None, Path | None]:
    if validation is None:
        return None, None
    try:
        share = number_or_none("validation", validation, float)
    except ValueError:
        return None, Path(validation)
    return share, None


def _known(estimator: Any, settings: dict[str, Any]) -> Any:
    """The estimator; ValueError for an option that it does not have."""
    others = settings.keys() - estimator().get_params().keys()
    if others:
        option = f"--{min(others).replace('_', '-')}"
        raise ValueError(f"{option} is of classification; the task is regression: leave it out")
    return estimator


def _score(fitted: Any, dataset: Any, kind: str) -> str:
    name = "accuracy" if kind == "classification" else "R2"
    validated = fitted.history_["val_score"][fitted.best_epoch_ - 1]
    if validated == validated:
        return f"validation {name}: {validated:.3f}"
    score = fitted.score(dataset.X, dataset.y)
    return f"{name} on the training data: {score:.3f}, which says little about other data"
