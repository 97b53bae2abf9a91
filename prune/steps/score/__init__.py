"""Score: from names of scores to columns of the store."""
