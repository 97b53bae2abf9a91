"""What the shell sees: one file a verb. Parse, call the pipeline, print."""
