"""Task cards: what a task is for, what it refuses, how it did on cases it never saw. Data, no behaviour."""

from overread.cards.card import Figure, OperatingPoint, TaskCard, read_card

__all__ = ["Figure", "OperatingPoint", "TaskCard", "read_card"]
