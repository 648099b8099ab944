"""Lung fields of frontal chest films, for every task that reads them."""

from overread.tasks._shared.film_lungs.find import LungFinder, film_lungs_card

__all__ = ["LungFinder", "film_lungs_card"]
