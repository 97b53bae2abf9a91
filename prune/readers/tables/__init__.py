"""Rows of parquet and Arrow files as samples."""
