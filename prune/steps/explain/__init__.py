"""Explanations: labels in doubt, why a sample was kept or not, what two selections differ in."""
