"""A recipe: the chain of commands as one file, `prune.toml`."""
