"""Plan: what a chain will take, from rates measured on a few samples of the user's own data and machine."""
