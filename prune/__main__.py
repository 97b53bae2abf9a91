"""`python -m prune`."""

from prune.cli import main

main()
