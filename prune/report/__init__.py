"""What was kept, what was dropped, and how that compares with chance."""

from prune.report.compare import Pool, compare
from prune.report.scores import summaries

__all__ = ["Pool", "compare", "summaries"]
