"""Checks of a selection: conditions that a pipeline may stop on, and leaks of held-out data."""
