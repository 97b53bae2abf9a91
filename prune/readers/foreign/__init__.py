"""What prune does not read: recognised, named, and the lines that convert it."""
