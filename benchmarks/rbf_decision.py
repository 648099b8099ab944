"""Decisions of a Gaussian support vector machine: blocks of ours against SVC.predict, labels compared.

python benchmarks/rbf_decision.py    # the peer takes about half a minute
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.svm import SVC

from overread.models.rbf_decision import RbfMachine
from overread.runtime import Runtime

FEATURES, ROWS, PEER_ROWS, REPEATS = 61, 200_000, 10_000, 5


def main() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(6000, FEATURES))
    labels = rows[:, :5].sum(axis=1) + 0.5 * (rows[:, 5:10] ** 2).sum(axis=1) + rng.normal(0, 1, 6000) > 2.5
    svc = SVC(gamma=1 / FEATURES, cache_size=500).fit(rows, labels)
    machine = RbfMachine(svc.support_vectors_, svc.dual_coef_[0], float(svc.intercept_[0]), 1 / FEATURES)
    many = rng.normal(size=(ROWS, FEATURES))
    few = many[:PEER_ROWS]
    print(f"{len(machine.support)} support vectors, {FEATURES} features")
    times: dict[str, list[float]] = {"SVC.predict": [], "1 thread": [], "2 threads": []}
    for _ in range(REPEATS):
        for name, run, count in (
            ("SVC.predict", lambda: svc.predict(few), PEER_ROWS),
            ("1 thread", lambda: machine.decide(many, runtime=Runtime(1)), ROWS),
            ("2 threads", lambda: machine.decide(many, runtime=Runtime(2)), ROWS),
        ):
            began = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - began) / count * 1e6)
    peer = float(np.median(times["SVC.predict"]))
    for name, values in times.items():
        one = float(np.median(values))
        print(f"  {name:12s} {one:7.2f} us a row   {peer / one:5.1f}x")
    differ = np.count_nonzero((machine.decide(few) > 0) != svc.predict(few))
    off = np.abs(machine.decide(few) - svc.decision_function(few)).max()
    print(f"labels that differ: {differ} of {PEER_ROWS}; largest difference of a decision {off:.1e}")


if __name__ == "__main__":
    main()
