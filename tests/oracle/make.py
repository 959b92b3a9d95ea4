"""Writes oracle.npz with PyTorch in float64: what Tidegate must reproduce.

    python tests/oracle/make.py            write the file
    python tests/oracle/make.py --check    compute again, compare to 1e-12, write nothing

archive.py describes the container. The fields of each kind of case, letters as in tidegate.shapes:

recurrent: a stack of one cell; gradients of sum(output * output_gradient) + sum(final * final_gradient)
    settings: cell, input_size, hidden_size, num_layers, bidirectional, lengths (B), source
    given:    x (B, T, I); parameters/NAME as network.parameter_shapes names them; initial/STATE (L*D, B, H);
              in some mask (B, T) and multiplier/STATE (L*D, B, T, H);
              output_gradient (B, T, D*H); final_gradient/STATE (L*D, B, H)
    expected: output (B, T, D*H); final/STATE (L*D, B, H); gradient/FIELD for each of x, parameters/NAME,
              initial/STATE, multiplier/STATE
    L*D is ordered l0, l0_reverse, l1, ... Padding of x, mask and multiplier holds random numbers that must
    not be read; padding of output, output_gradient, gradient/x and gradient/multiplier is zero.
    source: nn.RNN, nn.LSTM or nn.GRU on packed sequences, each bias split over bias_ih and bias_hh;
    with a mask or a multiplier, and for the other cells, equations.py.
loss
    settings: loss, delta
    given:    predictions (R, K); targets (R, K), or classes (R,); in some weights (R,)
    expected: value (); gradient (R, K)
optimizer: five updates
    settings: options by the names of tidegate.engine.Optimizer; learning_rates (5)
    given:    parameters (n,); gradients (5, n)
    expected: parameters (5, n) after each update
network: one per pooling and dense activation
    settings: arguments of sequence_network; lengths (N)
    given:    values (S, I); parameters/NAME; targets and in some weights, a row a sequence, or a row a step
              where pooling is None
    expected: predictions (rows, K); loss (); gradient/parameters/NAME
state_dict: PyTorch's own parameters; initial states are zero
    settings: module, num_layers, bidirectional, lengths (B)
    given:    x (B, T, I); state_dict/NAME as PyTorch names them
    expected: output (B, T, D*H); final/STATE (L*D, B, H)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import archive
import numpy as np
import torch
from archive import Entry
from recurrent_cases import recurrent_entries, state_dicts
from training_cases import losses, networks, optimizers

TOLERANCE = 1e-12


def make() -> list[Entry]:
    return [
        *recurrent_entries(),
        *losses(),
        *optimizers(),
        *networks(),
        *state_dicts(),
    ]


def differences(made: list[Entry], stored: list[Entry]) -> Iterator[str]:
    if [(entry.kind, entry.name) for entry in made] != [(entry.kind, entry.name) for entry in stored]:
        yield "the list of cases"
        return
    for new, old in zip(made, stored):
        label = f"{new.kind} {new.name}"
        if new.settings != old.settings or any(
            list(getattr(new, part)) != list(getattr(old, part)) for part in ("given", "expected")
        ):
            yield f"{label}: settings or fields"
            continue
        yield from (f"{label}: {f}" for f in new.given if not np.array_equal(new.given[f], old.given[f]))
        yield from (
            f"{label}: {f}"
            for f in new.expected
            if not np.allclose(new.expected[f], old.expected[f], rtol=TOLERANCE, atol=TOLERANCE)
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Write tests/oracle/oracle.npz with PyTorch, or check it.")
    parser.add_argument("--check", action="store_true", help="compare with the file; write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = make()
    if not arguments.check:
        archive.write(made)
        print(f"{archive.PATH}: {len(made)} cases, {archive.PATH.stat().st_size / 1e6:.2f} MB")
        return 0
    found = list(differences(made, archive.read()))
    for line in found:
        print(f"differs: {line}", file=sys.stderr)
    if not found:
        print(f"{len(made)} cases agree to {TOLERANCE:g}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
