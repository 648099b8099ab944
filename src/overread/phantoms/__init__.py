"""Images with known truth, and writing them as the files a scanner would send."""

from overread.phantoms.phantom import FilmPhantom, Phantom, Planted

AnyPhantom = Phantom | FilmPhantom
"""What a task may simulate."""

__all__ = ["AnyPhantom", "FilmPhantom", "Phantom", "Planted"]
