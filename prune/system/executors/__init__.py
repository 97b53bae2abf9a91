"""Work side by side in this process: what comes out does not depend on how many threads there are."""
