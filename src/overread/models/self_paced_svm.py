"""A support vector machine that learns the easy samples first (HX 2.3, equation 3): a binary scikit-learn estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from overread.errors import UsageError
from overread.models.rbf_decision import RbfMachine
from overread.runtime import Runtime

Floats = NDArray[np.floating[Any]]
KERNELS, ADMISSIONS = ("rbf", "linear", "fourier"), ("balanced", "shared")
GROWTH, ENOUGH = 1.2, 0.98
FALLS = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """What happened at one threshold.

    Parameters
    ----------
    thresholds : (float, float)
        lambda of the lower and the higher class: samples with C_i L_i below it are admitted.
    objective : tuple of float
        After each w-step and each v-step, in turn; never rises but for the tolerance of the solver.
    share : (float, float)
        Of each class that the last machine of the stage was fitted on.
    validation : float
        Dice of the higher class on the validation rows; NaN without any.
    """

    thresholds: tuple[float, float]
    objective: tuple[float, ...]
    share: tuple[float, float]
    validation: float


class SelfPacedSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """min over w, b, v in {0, 1}: sum C_i v_i L_i + |w|^2 / 2 - sum lambda_i v_i, L the hinge loss.

    The v-step admits every sample with C_i L_i < lambda, the w-step is an ordinary machine on the admitted; neither can
    raise the objective (hard regulariser: Kumar, Packer & Koller 2010). C_i is inversely proportional to the size of
    the class. Rows are scaled to mean 0 and deviation 1 of the training rows.

    On clean labels expect no gain over a plain machine: dropping the hard rows drops the border itself.

    Parameters
    ----------
    kernel : str
        "rbf" (up to about 2e4 rows), "linear", or "fourier": linear on random Fourier features of the Gaussian kernel.
    C : float
        Weight of an average sample's loss.
    gamma : float or None
        Of the Gaussian kernel on scaled rows; None is 1 / features.
    admission : str
        "balanced": lambda of each class is a quantile of its own losses, so that the same share of each enters.
        "shared": one lambda for both, from the median loss, times 1.2 a stage; stages that would admit one class only
        are passed over.
    start, step, end : float
        Quantiles of "balanced"; an `end` below 1 is to keep out the hardest, for labels that are wrong; lambda is
        fixed within a stage, so that a later w-step may still admit them.
    rounds : int
        At most so many w-steps at one threshold.
    components : int
        Random Fourier features.
    seed : int
        Of the first sample and the Fourier features.
    tol : float
        Of the solver.

    Attributes
    ----------
    classes_ : (2,) array
    history_ : tuple of Stage
    admitted_ : (rows,) bool
        What the machine was fitted on.
    """

    def __init__(  # noqa: PLR0917  (scikit-learn sets parameters by name)
        self,
        kernel: str = "rbf",
        C: float = 1.0,
        gamma: float | None = None,
        admission: str = "balanced",
        start: float = 0.5,
        step: float = 0.1,
        end: float = 1.0,
        rounds: int = 5,
        components: int = 512,
        seed: int = 0,
        tol: float = 1e-3,
    ) -> None:
        self.kernel = kernel
        self.C = C
        self.gamma = gamma
        self.admission = admission
        self.start = start
        self.step = step
        self.end = end
        self.rounds = rounds
        self.components = components
        self.seed = seed
        self.tol = tol

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, *, validation: tuple[ArrayLike, ArrayLike] | None = None) -> SelfPacedSVM:
        """Fit on (n, features) rows and their (n,) labels of two classes.

        Parameters
        ----------
        validation : (rows, labels), optional
            The stage with the best Dice on these is kept, and fitting ends when it has fallen twice.

        Raises
        ------
        UsageError
            Not two classes, a parameter out of range, or validation labels that are none of the two.
        """
        self._require_parameters()
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = _two_classes(labels)
        self.scaler_ = StandardScaler().fit(rows)
        ready = self._lift(self.scaler_.transform(rows), fit=True)
        held = None
        if validation is not None:
            held_rows = validate_data(self, validation[0], reset=False, dtype=np.float64)
            held = self._lift(self.scaler_.transform(held_rows)), self._is_second(validation[1], len(held_rows))
        self._learn(ready, codes, held)
        return self

    def decision_function(self, X: ArrayLike, *, runtime: Runtime | None = None) -> Floats:
        """(n,) signed distances from the border, above 0 for the second of `classes_`; not probabilities."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return self.machine_.decide(self._lift(self.scaler_.transform(rows)), double=True, runtime=runtime)

    def predict(self, X: ArrayLike, *, runtime: Runtime | None = None) -> NDArray[Any]:
        """(n,) labels; quicker than `decision_function`, with the same signs."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        above = self.machine_.decide(self._lift(self.scaler_.transform(rows)), runtime=runtime) > 0
        answer: NDArray[Any] = self.classes_[above.astype(int)]
        return answer

    def _is_second(self, labels: ArrayLike, rows: int) -> NDArray[np.bool_]:
        given = np.asarray(labels)
        unknown = [] if given.shape != (rows,) else [one for one in np.unique(given) if one not in self.classes_]
        if given.shape != (rows,) or unknown:
            what = f"hold {unknown[:3]}" if unknown else f"have shape {given.shape}"
            raise UsageError(
                f"the validation labels {what}, expected one of {self.classes_.tolist()} for each of {rows} rows",
                way_out="Code validation and training labels alike.",
            )
        second: NDArray[np.bool_] = given == self.classes_[1]
        return second

    def _learn(self, rows: Floats, codes: NDArray[np.intp], held: tuple[Floats, NDArray[np.bool_]] | None) -> None:
        signs, size = 2.0 * codes - 1, np.bincount(codes, minlength=2)
        costs = self.C * len(codes) / (2.0 * size[codes])
        machine = self._machine(rows, codes, costs, _balanced_tenth(codes, self.seed))
        history: list[Stage] = []
        best, falls, level = -1.0, 0, 0
        thresholds: Floats = np.zeros(2)
        while True:
            losses = costs * np.maximum(0, 1 - signs * machine.decide(rows))
            thresholds, last = self._thresholds(losses, codes, thresholds, level)
            while self.admission == "shared" and len(np.unique(codes[admit(losses, thresholds[codes])])) < 2:
                thresholds = thresholds * GROWTH
            level += 1
            machine, admitted, objective = self._alternate(rows, (codes, signs, costs), thresholds, losses)
            share = np.bincount(codes, weights=admitted, minlength=2) / size
            score = float("nan") if held is None else _dice(machine.decide(held[0]) > 0, held[1])
            history.append(
                Stage(
                    (float(thresholds[0]), float(thresholds[1])),
                    objective,
                    (float(share[0]), float(share[1])),
                    score,
                )
            )
            if held is None or score > best:
                self.machine_, self.admitted_, best = machine, admitted, score
            falls = falls + 1 if held is not None and len(history) > 1 and score < history[-2].validation else 0
            if last or falls >= FALLS or (self.admission == "shared" and admitted.mean() >= ENOUGH):
                break
        self.history_ = tuple(history)

    def _thresholds(self, losses: Floats, codes: NDArray[np.intp], before: Floats, level: int) -> tuple[Floats, bool]:
        """Thresholds of the next stage, and whether it is the last one."""
        if self.admission == "balanced":
            share = min(self.start + level * self.step, self.end)
            found = np.array([np.quantile(losses[codes == c], share) for c in (0, 1)])
            # the sample at the quantile itself is admitted too; at quantile 1 every sample is, whatever comes
            return np.full(2, np.inf) if share >= 1 else np.nextafter(found, np.inf), share >= self.end
        if level:
            return before * GROWTH, False
        return np.full(2, np.nextafter(max(float(np.median(losses)), 1e-6 * self.C), np.inf)), False

    def _alternate(
        self, rows: Floats, samples: tuple[NDArray[np.intp], Floats, Floats], thresholds: Floats, losses: Floats
    ) -> tuple[Machine, NDArray[np.bool_], tuple[float, ...]]:
        """w-steps and v-steps at fixed thresholds."""
        codes, signs, costs = samples
        again = admit(losses, thresholds[codes])
        objective: list[float] = []
        machine = None
        for _ in range(self.rounds):
            admitted = again
            if len(np.unique(codes[admitted])) < 2:
                raise UsageError(
                    "only one class is admitted at this threshold",
                    way_out="Use admission='balanced', or a larger C.",
                )
            machine = self._machine(rows, codes, costs, admitted)
            losses = costs * np.maximum(0, 1 - signs * machine.decide(rows))
            objective.append(_objective(losses, admitted, thresholds[codes], machine))
            again = admit(losses, thresholds[codes])
            objective.append(_objective(losses, again, thresholds[codes], machine))
            if np.array_equal(again, admitted) or len(np.unique(codes[again])) < 2:
                break
        assert machine is not None  # noqa: S101  (rounds >= 1)
        return machine, admitted, tuple(objective)

    def _machine(self, rows: Floats, codes: NDArray[np.intp], costs: Floats, chosen: NDArray[np.bool_]) -> Machine:
        picked, labels, weights = rows[chosen], codes[chosen], costs[chosen]
        if self.kernel == "rbf":
            gamma = self._gamma(rows.shape[1])
            fitted = SVC(kernel="rbf", C=1.0, gamma=gamma, tol=self.tol, cache_size=500)
            fitted.fit(picked, labels, sample_weight=weights)
            return RbfMachine(fitted.support_vectors_, fitted.dual_coef_[0], float(fitted.intercept_[0]), gamma)
        linear = LinearSVC(loss="hinge", C=1.0, tol=self.tol, random_state=self.seed, max_iter=50_000)
        linear.fit(picked, labels, sample_weight=weights)
        return LinearMachine(linear.coef_[0], float(linear.intercept_[0]))

    def _gamma(self, features: int) -> float:
        return 1.0 / features if self.gamma is None else float(self.gamma)

    def _lift(self, rows: Floats, *, fit: bool = False) -> Floats:
        """Rows as the machine takes them: unchanged, or their random Fourier features (Rahimi & Recht 2007)."""
        if self.kernel != "fourier":
            return rows
        if fit:
            rng = np.random.default_rng(self.seed)
            wide = np.sqrt(2 * self._gamma(rows.shape[1]))
            self.waves_ = rng.normal(0, wide, (rows.shape[1], self.components))
            self.phases_ = rng.uniform(0, 2 * np.pi, self.components)
        lifted: Floats = np.sqrt(2 / self.components) * np.cos(rows @ self.waves_ + self.phases_)
        return lifted

    def _require_parameters(self) -> None:
        for name, value, choices in (("kernel", self.kernel, KERNELS), ("admission", self.admission, ADMISSIONS)):
            if value not in choices:
                raise UsageError(f"{name} is {value!r}, expected one of {', '.join(choices)}")
        sound = {
            "C": self.C > 0,
            "gamma": self.gamma is None or self.gamma > 0,
            "start": 0 < self.start <= self.end,
            "step": self.step > 0,
            "end": self.end <= 1,
            "rounds": self.rounds >= 1,
            "components": self.components >= 1,
            "tol": self.tol > 0,
        }
        for name, holds in sound.items():
            if not holds:
                raise UsageError(f"{name} is {getattr(self, name)!r}, which is out of range", way_out="See the docs.")


@dataclass(frozen=True, slots=True, eq=False)
class LinearMachine:
    """f(x) = w x + b; b is part of the regulariser."""

    weights: Floats
    intercept: float

    @property
    def norm_squared(self) -> float:
        """|w|^2 + b^2."""
        return float(self.weights @ self.weights) + self.intercept**2

    def decide(self, rows: Floats, *, double: bool = True, runtime: Runtime | None = None) -> Floats:
        """(n,) decisions, always in double precision; takes what `RbfMachine.decide` takes."""
        decision: Floats = rows @ self.weights + self.intercept
        return decision


Machine = RbfMachine | LinearMachine


def admit(weighted_losses: Floats, thresholds: Floats | float) -> NDArray[np.bool_]:
    """The v-step: samples whose C_i L_i is below the threshold."""
    admitted: NDArray[np.bool_] = weighted_losses < thresholds
    return admitted


def _objective(losses: Floats, admitted: NDArray[np.bool_], thresholds: Floats, machine: Machine) -> float:
    """Without the constant of thresholds that are infinite."""
    gained = thresholds[admitted]
    return float(losses[admitted].sum() - gained[np.isfinite(gained)].sum()) + machine.norm_squared / 2


def _balanced_tenth(codes: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """A tenth of the rows, as many of one class as of the other as far as there are."""
    rng, chosen = np.random.default_rng(seed), np.zeros(len(codes), bool)
    for code in (0, 1):
        members = np.flatnonzero(codes == code)
        wanted = min(len(members), max(2, len(codes) // 20))
        chosen[rng.choice(members, wanted, replace=False)] = True
    return chosen


def _two_classes(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y")
    if kind != "binary":
        raise UsageError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise UsageError(
            "Classifier can't train when only one class is present.", way_out="Give rows of the other class too."
        )
    return classes, codes


def _dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    size = np.count_nonzero(found) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(found & truth) / size if size else 1.0
