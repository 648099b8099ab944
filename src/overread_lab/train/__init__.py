"""One training loop, driven by a frozen Recipe; the only place, with the recipes, that may name torch.

Importing this package, and asking which recipes there are, needs no torch.
"""
