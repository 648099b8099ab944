"""Recipes: one command makes the weights of a task."""
