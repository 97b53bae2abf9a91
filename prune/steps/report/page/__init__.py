"""One self-contained HTML page about a selection: pictures, charts, numbers and where they come from."""
