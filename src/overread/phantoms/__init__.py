"""Images with known truth, and writing them as the files a scanner would send."""

from overread.phantoms.phantom import Phantom, Planted

__all__ = ["Phantom", "Planted"]
