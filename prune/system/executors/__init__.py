"""Work side by side, in threads or processes: what comes out does not depend on how many there are."""
