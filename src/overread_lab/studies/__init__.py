"""Studies: one command prints the figures of a card."""
