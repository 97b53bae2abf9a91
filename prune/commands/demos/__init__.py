"""What `prune demo` runs: the whole chain on a dataset that lies beside."""
