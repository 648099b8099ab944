"""What is left of a film when its lungs are taken away. A head that does as well on this has not read the lungs."""

from overread.tasks._shared.film_controls.controls import frame_only, thumbnails

__all__ = ["frame_only", "thumbnails"]
