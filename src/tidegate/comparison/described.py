"""Described models of several inputs and targets, compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice, real
from tidegate.comparison.answers import Answers
from tidegate.comparison.arguments import plain
from tidegate.comparison.costs import median_seconds, of_median_length
from tidegate.comparison.parts import TEST_SHARE, digest_of
from tidegate.comparison.results import Comparison, finite
from tidegate.comparison.run import Running
from tidegate.comparison.scores import Measured
from tidegate.comparison.sizes import MATCHES, nearest
from tidegate.comparison.subject import Subject, Trained
from tidegate.engine import Engine, Stop
from tidegate.engine.memory import evaluation_window, training_bytes
from tidegate.models import SequenceModel
from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder, named
from tidegate.models.inputs import InputRecord, Numeric
from tidegate.models.measures import leading
from tidegate.models.parts import in_two
from tidegate.models.reading import read
from tidegate.models.rows import Rows, is_sparse
from tidegate.models.storage import record_document
from tidegate.network import Network
from tidegate.training.fit import Watch

Data = Mapping[str, Any]

# By kind of target, what models.measures has first.
SCORES = {
    "regression": "R2",
    "quantiles": "negative pinball loss",
    "binary": "accuracy",
    "multi_class": "accuracy",
    "multi_label": "micro F1",
    "ordinal": "accuracy",
}
# What a comparison sets itself.
_OWN = ("inputs", "targets", "num_threads", "random_state", "verbose")


def compare_models(
    models: Mapping[str, SequenceModel],
    data: Data,
    *,
    test: float = TEST_SHARE,
    seeds: int | Iterable[int] = 5,
    match: str | None = None,
    margin: float = 0.0,
    num_threads: int | None = None,
    progress: bool = True,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    command: str | None = None,
) -> Comparison:
    """Train each model with each seed on the same splits of the same data, and say of each target which is
    better: tidegate.compare for models of many inputs and targets.

    models: not fitted, by name, the first of them the reference; of the same targets. {cell: replace(model,
    cell=cell) for cell in ("lstm", "gru")}, with dataclasses.replace, compares cells. data: as in their fit.
    test: the share of the sequences that every seed splits off anew, with the first multi-class target's
    classes in proportion; pairs are judged by the corrected resampled t-test, with Holm over the pairs of
    each target. match: "parameters" gives every model the hidden size whose number of parameters is nearest
    the first's; "hidden" and None leave them as they are. The other arguments are those of tidegate.compare;
    a seed takes the place of random_state.

    ValueError where something does not fit, with its name; MemoryError, before anything is written, where the
    replicas side by side would need more memory than there is; Interrupted at Ctrl-C or SIGTERM.
    """
    running = Running.of(seeds, margin, num_threads, progress, output, resume, overwrite, command)
    if match is not None:
        choice("match", match, MATCHES)
    names = tuple(_named(models))
    if match == "parameters":
        models = matched(models, data)
    subject = described(models, data, test, running, tuple(combinations(names, 2)), match=match)
    return running.run(subject)


def described(
    models: Mapping[str, SequenceModel],
    data: Data,
    test: float,
    running: Running,
    pairs: tuple[tuple[str, str], ...],
    *,
    match: str | None = None,
    permuted: str | None = None,
) -> Described:
    """The subject of such a comparison. ValueError and MemoryError as of compare_models."""
    real("test", test, 0.05, 0.9)
    first = next(iter(models.values()))
    rows = _rows(models, data)
    if (total := _size(rows)) < 2:
        raise ValueError(f"data expects at least 2 sequences to split; got {total}: pass more")
    at_a_time = running.at_a_time(len(models))
    plans = {name: Plan.of(model, rows, at_a_time) for name, model in models.items()}
    for seed in running.seeds:  # what one of them cannot train on is said before anything is trained
        for model in models.values():
            model._learnt(rows, divided(model, rows, test, seed)[0])
    training, testing = in_two(rows, first.targets, test, running.seeds[0])
    options = {name: _options(model) for name, model in models.items()}
    common = {
        option: value
        for option, value in options[next(iter(models))].items()
        if all(own[option] == value for own in options.values())
    }
    targets = {name: record_document(target) for name, target in first.targets.items()}
    kinds = {name: target.kind.replace("_", " ") for name, target in first.targets.items()}
    hidden = {name: model.hidden_size for name, model in models.items()}
    alike = match or ("hidden" if len(set(hidden.values())) == 1 else "none")
    return Described(
        noun="model",
        names=tuple(models),
        pairs=pairs,
        score_names={name: SCORES[target.kind] for name, target in first.targets.items()},
        curve="mean score" if len(targets) > 1 else _curve(next(iter(first.targets.values())).kind),
        sizes=(float(total - _size(testing)), float(_size(testing))),
        groups=None,
        match=alike,
        whole=_description(rows, first),
        task=", ".join(f"{name}: {kind}" for name, kind in kinds.items()),
        settings={
            **common,
            "inputs": {name: record.kind for name, record in first.inputs.items()},
            "match": alike,
        },
        data={
            "train": _description(training, first),
            "test": _description(testing, first)
            | {"origin": f"{test:.0%} of the sequences, split off anew with every seed"},
        },
        identity={
            "data": {name: _digest(own) for name, own in rows.items()},
            "validation": [_given_validation(model) for model in models.values()],
            "targets": targets,
            "test": test,
            "settings": common,
            "models": {
                name: {
                    "inputs": {key: record_document(record) for key, record in model.inputs.items()},
                    **{key: value for key, value in options[name].items() if key not in common},
                }
                for name, model in models.items()
            },
            "hidden_sizes": hidden,
            "permuted": permuted,
        },
        models=models,
        rows=rows,
        test=test,
        plans=plans,
        permuted=permuted,
    )


@dataclass(frozen=True)
class Plan:
    """What is known of a model before it is trained. lengths: (N,) steps of each sequence, of all streams."""

    network: Network
    encoders: Mapping[str, Encoder]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, model: SequenceModel, rows: Mapping[str, Rows], at_a_time: int) -> Plan:
        """What fit would refuse is refused, with as many trainings at a time."""
        encoders, codings = model._learnt(rows, rows)
        settings, examples = model._training_settings(), model._as_examples(rows)
        network = model._planned(settings, encoders, codings, examples, examples, None, at_a_time)
        return cls(network, encoders, model._steps(rows, encoders, network).total_lengths)


@dataclass(frozen=True, kw_only=True)
class Described(Subject):
    """models: by name; of the same targets. rows: of all sequences. test: the share that each seed tests on.
    permuted: the model whose permutation importance is measured, too."""

    models: Mapping[str, SequenceModel]
    rows: Mapping[str, Rows]
    test: float
    plans: Mapping[str, Plan]
    permuted: str | None

    def train(self, name: str, seed: int, stop: Stop, watch: Watch, checkpoint: Path | None) -> Trained:
        given = self.models[name]
        training, held_out, testing = divided(given, self.rows, self.test, seed)
        model = replace(given, validation=held_out, random_state=seed, num_threads=1, verbose=False)
        model._fit(training, known=self.rows, stop=stop, watch=watch, checkpoint=checkpoint)
        trained, tested = _measured(model, training), _measured(model, testing)
        validated = None if held_out is None else _measured(model, held_out)
        targets = {
            target: Measured(
                trained[target][0], None if validated is None else validated[target][0], score, answers
            )
            for target, (score, answers) in tested.items()
        }
        looked_at = None
        if name == self.permuted:
            lost = model.permutation_importance(testing, random_state=seed)
            looked_at = {"importance": finite(lost)}
        model.num_threads, model.source_ = given.num_threads, given.source_
        return Trained(model, targets, looked_at)

    def cell_of(self, name: str) -> str:
        return self.models[name].cell

    def memory_bytes(self, name: str) -> int:
        plan, model = self.plans[name], self.models[name]
        return training_bytes(
            plan.network,
            plan.lengths,
            model.batch_size,
            model.bptt_steps,
            model.recompute,
            model.weight_noise,
        )

    def latency_seconds(self, name: str) -> float:
        plan, model = self.plans[name], self.models[name]
        one = np.array([of_median_length(plan.lengths)])
        rows = {key: self.rows[key].take(one) for key in model.inputs}
        steps = model._steps(rows, plan.encoders, plan.network)
        engine = Engine(plan.network, dtype="float32", num_threads=1)
        outputs = [named(target, "output") for target in model.targets]
        window = evaluation_window(steps.lengths, model.bptt_steps, model.recompute)
        return median_seconds(lambda: engine.values(outputs, steps, 1, window))


def divided(
    model: SequenceModel, rows: Mapping[str, Rows], test: float, seed: int
) -> tuple[Data, Data | None, Data]:
    """What a model trains on, validates with and is tested on with this seed."""
    training, testing = in_two(rows, model.targets, test, seed)
    if isinstance(model.validation, Mapping):
        return training, _validation_rows(model, model.validation), testing
    if model.validation is None:
        return training, None, testing
    return *in_two(training, model.targets, model.validation, seed), testing


def matched(models: Mapping[str, SequenceModel], data: Data) -> dict[str, SequenceModel]:
    """The models with the hidden sizes that give each as many parameters as the first, as near as can be."""
    rows = _rows(models, data)
    reference, *others = models
    learnt = {name: model._learnt(rows, rows) for name, model in models.items()}

    def count(name: str, hidden_size: int) -> int:
        own = replace(models[name], hidden_size=hidden_size)
        return own._network_of(*learnt[name], own._as_examples(rows)).num_parameters

    goal = count(reference, models[reference].hidden_size)
    sizes = {name: nearest(goal, partial(count, name)) for name in others}
    found = {name: replace(models[name], hidden_size=size) for name, size in sizes.items()}
    for name, model in found.items():
        model.source_ = models[name].source_
    return {reference: models[reference], **found}


def _named(models: Any) -> Mapping[str, SequenceModel]:
    """The models; ValueError where they are not some with the same targets, by names of files."""
    if not isinstance(models, Mapping) or not models:
        raise ValueError(
            f"models expects SequenceModels by name, at least one; got {type(models).__name__}: pass a dict"
        )
    for name, model in models.items():
        if not isinstance(model, SequenceModel):
            raise ValueError(
                f"models[{name!r}] expects a SequenceModel; got {type(model).__name__}: pass one, not fitted"
            )
        if not isinstance(name, str) or not name.strip(". ") or "/" in name or "\0" in name:
            raise ValueError(f"models expects names that files can have; got {name!r}: rename it")
    first, *others = models
    for name in others:
        if models[name].targets != models[first].targets:
            raise ValueError(
                f"models[{name!r}].targets expects those of models[{first!r}]; got others: give them the same"
            )
    return models


def _rows(models: Mapping[str, SequenceModel], data: Data) -> dict[str, Rows]:
    """The data of all the models' inputs and targets."""
    first = next(iter(models.values()))
    inputs: dict[str, Any] = {}
    for name, model in models.items():
        for key, record in model.inputs.items():
            known = inputs.setdefault(key, record)
            if (known.kind, known.role, known.stream) != (record.kind, record.role, record.stream):
                raise ValueError(
                    f"models[{name!r}].inputs[{key!r}] expects the kind, role and stream that it has in "
                    "another model, as the data are the same; got others: name it otherwise"
                )
            ways = _padding(record), _padding(known)
            if (ways[0] == "skip") != (ways[1] == "skip"):
                raise ValueError(
                    f"models[{name!r}].inputs[{key!r}] expects padding='skip' in all models or in none, as "
                    f"they share the steps that are read; got {ways[0]!r} beside {ways[1]!r}: "
                    "give the data once more by another name, with a stream of its own"
                )
    return read(inputs, first.targets, data, "data", [*inputs, *first.targets])


def _padding(record: InputRecord) -> str:
    """What becomes of steps of padding; all ways but "skip" read them."""
    return record.padding if isinstance(record, Numeric) else "skip"


def _measured(model: SequenceModel, rows: Mapping[str, Rows]) -> dict[str, tuple[float, Answers | None]]:
    """Of each target, its score and what was answered."""
    outputs = model._outputs_of(rows)
    return {
        name: (
            leading(coding.measures(f"data[{name!r}]", rows[name], outputs[name])),
            _answers(coding, rows[name], outputs[name]),
        )
        for name, coding in model.codings_.items()
    }


def _answers(coding: Coding, rows: Rows, outputs: NDArray[Any]) -> Answers | None:
    """None where the target is neither one of several classes nor numbers, or has no answer there."""
    there = coding.there(rows)
    true, outputs = coding.coded("data", rows)[there], outputs[there]
    kind = coding.record.kind
    if kind in ("quantiles", "multi_label") or not len(true):
        return None
    if kind == "regression":
        return Answers((), true, coding.predicted(outputs).reshape(true.shape).astype(np.float64), None)
    names = coding.predicted(outputs).tolist()
    place = {name: at for at, name in enumerate(np.array(coding.names).tolist())}
    predicted = np.array([place[name] for name in names])
    probabilities = coding.probabilities(outputs)
    if kind == "binary":
        probabilities = np.stack([1.0 - probabilities, probabilities], axis=1)
    labels = tuple(str(name) for name in coding.names)
    return Answers(labels, true, predicted, probabilities[np.arange(len(true)), predicted])


def _options(model: SequenceModel) -> dict[str, Any]:
    """What is not set by the comparison, as JSON has it."""
    names = (one.name for one in fields(model) if one.init and one.name not in _OWN)
    own = {name: plain(getattr(model, name)) for name in names}
    return own | {"validation": "given"} if isinstance(model.validation, Mapping) else own


def _given_validation(model: SequenceModel) -> dict[str, str] | None:
    """A digest of the data given to validate with, where they are."""
    if not isinstance(model.validation, Mapping):
        return None
    return {name: _digest(own) for name, own in _validation_rows(model, model.validation).items()}


def _validation_rows(model: SequenceModel, data: Data) -> dict[str, Rows]:
    return read(model.inputs, model.targets, data, "validation", [*model.inputs, *model.targets])


def _curve(kind: str) -> str:
    return SCORES[kind] if SCORES[kind] in ("accuracy", "R2") else "score"


def _description(rows: Mapping[str, Rows], model: SequenceModel) -> dict[str, Any]:
    """Sequences, and steps of the main stream where there is one."""
    steps = next((rows[name].lengths for name, own in model.inputs.items() if own.is_step), None)
    found: dict[str, Any] = {"sequences": _size(rows)}
    if steps is None:
        return found
    return found | {
        "steps": int(steps.sum()),
        "shortest": int(steps.min()),
        "longest": int(steps.max()),
    }


def _size(rows: Mapping[str, Rows]) -> int:
    """Sequences."""
    return len(next(iter(rows.values())))


def _digest(rows: Rows) -> str:
    values = rows.values
    parts = (values.data, values.indices, values.indptr) if is_sparse(values) else (values,)
    return digest_of(*parts, rows.lengths, rows.present, rows.times, rows.padding)
