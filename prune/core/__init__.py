"""Words that everything shares: arrays, errors, methods, budgets, progress."""
