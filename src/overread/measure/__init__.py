"""Masks and images to measurements with intervals."""
