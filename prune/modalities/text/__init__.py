"""Texts: a sample is a `str`, its digest that of its UTF-8 bytes."""
