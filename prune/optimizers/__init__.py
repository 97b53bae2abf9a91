"""What greedy selectors have in common: set functions, engines that maximise them, matching pursuit."""
