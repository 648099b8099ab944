"""How a task does on cases whose truth is known. Runs the task as users do; trains nothing and needs no torch."""

from overread_lab.evaluate.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
