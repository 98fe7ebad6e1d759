"""The published GP-HM code, run from a checkout of it, measured. Needs its requirements, not sciml.

Nothing of it is changed or repeated here: its own `evals` builds and trains the model with its own configuration
and the number of iterations of its run_1d.sh. Only its `step` is wrapped, to read the clock, to measure an error
with its own `preds`, and to stop when the budget is spent. Its first three steps, in which JAX compiles, are free.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

import numpy as np
from curve import Curve

EQUATION, KERNEL, ITERATIONS = "poisson_1d-single_sin", "Matern52_Cos_1d", 100000
FREE = 3  # the types of the parameters settle, and JAX compiles anew, until then


class BudgetSpentError(Exception):
    """Ends the authors' loop."""


def watched(step: Any, curve: Curve) -> Any:
    """step: the authors' method, one iteration of Adam on the parameters."""
    done = 0

    def measured(model: Any, parameters: Any, optimizer: Any, key: Any) -> Any:
        nonlocal done
        answer = step(model, parameters, optimizer, key)
        answer[2].block_until_ready()  # JAX returns before it has computed
        done += 1
        if done == FREE:
            curve.start()
        if done > FREE and (curve.due or curve.spent):
            curve.measure(lambda x: np.asarray(model.preds(answer[0], x)[0]), done, "adam")
        if done > FREE and curve.spent:
            predicted, exact = np.asarray(model.preds(answer[0], model.Xte)[0]), np.asarray(model.yte)
            own = np.linalg.norm(predicted.ravel() - exact.ravel()) / np.linalg.norm(exact)
            print(f"\nNOTE Error at the authors' own {exact.size} test points after {done} iterations: {own:.3e}")
            raise BudgetSpentError
        return answer

    return measured


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("budget", type=float)
    parser.add_argument("checkout")
    arguments = parser.parse_args()
    curve = Curve(arguments.target, arguments.budget)
    os.chdir(os.path.join(arguments.checkout, "code"))  # it reads its configuration from there
    sys.path.insert(0, os.getcwd())
    importlib.import_module("utils")  # first: the modules import each other
    published = importlib.import_module("model_GP_solver_1d")
    model = published.GP_solver_1d_single
    model.step = watched(model.step, curve)
    try:
        published.evals(equation=EQUATION, kernel=KERNEL, nepoch=ITERATIONS)
    except BudgetSpentError:
        return


if __name__ == "__main__":
    main()
