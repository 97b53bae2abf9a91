"""What was kept, what was dropped, how that compares with chance, and what a store and the tables hold."""
