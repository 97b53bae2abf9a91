"""Columns that one can choose by: those of the dataset, and what the store knows of every sample."""
