"""What a selection is to match: numbers in a file, another store, or a dataset seen as the pool was."""

from prune.steps.select.target.resolve import open_target
from prune.steps.select.target.texts import open_text_target

__all__ = ["open_target", "open_text_target"]
