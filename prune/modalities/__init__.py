"""What a sample is, and all that is done to it: one package a modality."""
