"""What a verb does, from store to store."""
