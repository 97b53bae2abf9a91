"""Object stores: listed, read by ranges, known by their ETags, kept for a while on this machine."""
