"""What was kept, what was dropped, and how that compares with chance."""

from prune.steps.report.compare import MeasuredPool, compare
from prune.steps.report.scores import summaries

__all__ = ["MeasuredPool", "compare", "summaries"]
