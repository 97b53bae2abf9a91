"""Does a smaller dataset train as well: models trained on selections and on random sets of the same size."""
