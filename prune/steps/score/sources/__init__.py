"""Where a trace or a score comes from when no proxy is trained for it."""
