"""Your own model and training loop write the trace that every score is computed from."""

from prune.steps.score.sources.own_trace import OwnTrace, own_traces
from prune.trace.batches import numbered
from prune.trace.writer import TraceWriter

__all__ = ["OwnTrace", "TraceWriter", "numbered", "own_traces"]
