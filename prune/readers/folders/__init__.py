"""Folders: which of them are classes, splits or roles, and the images below them."""
