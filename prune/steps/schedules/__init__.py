"""Which samples each epoch of a training has: rules that need no model."""
