"""POT in an environment of its own: Sinkhorn's algorithm in the logarithmic domain, or exact transport, on request. One
JSON request a line on stdin, one answer on stdout; arrays travel as files."""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
import ot


def main() -> None:
    warnings.simplefilter("ignore")  # a run that is cut short on purpose says so
    print(json.dumps({"version": f"POT {ot.__version__}"}), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        with np.load(case["file"]) as data:
            r, c, matrix = data["r"], data["c"], data["matrix"]
        began = time.perf_counter()
        if case["method"] == "emd":
            plan, log = ot.emd(r, c, matrix, numItermax=10_000_000, log=True)
            answer = {"seconds": time.perf_counter() - began, "cost": float(log["cost"]), "iterations": 0}
        else:
            plan, log = ot.sinkhorn(r, c, matrix, 1 / case["eta"], method=case["method"], numItermax=case["most"],
                                    stopThr=case["tolerance"], log=True)  # fmt: skip
            answer = {"seconds": time.perf_counter() - began, "iterations": int(log["niter"]) + 1}
        error = float(np.abs(plan.sum(1) - r).sum() + np.abs(plan.sum(0) - c).sum())
        print(json.dumps(answer | {"error": error}), flush=True)


if __name__ == "__main__":
    main()
