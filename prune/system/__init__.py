"""This machine: files, locks, cores, memory, and what it answers when something goes wrong."""
