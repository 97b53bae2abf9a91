"""Select: from a request to a selection in the store."""
