"""Readers of the data sets that studies use; the data are never part of the package."""
