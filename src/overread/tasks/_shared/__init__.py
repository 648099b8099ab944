"""Parts that several tasks share: each has its weights and its own card. No task by itself."""
