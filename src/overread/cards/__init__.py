"""Task cards: what a task is for, what it refuses, how it did on cases it never saw. Data, no behaviour."""

from overread.cards.card import Figure, OperatingPoint, TaskCard, read_card
from overread.cards.question import Question, QuestionKind
from overread.cards.training import TrainingGroups, hash_group

__all__ = [
    "Figure",
    "OperatingPoint",
    "Question",
    "QuestionKind",
    "TaskCard",
    "TrainingGroups",
    "hash_group",
    "read_card",
]
