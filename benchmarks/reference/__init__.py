"""Plain loops that do what the published programs do, written from the papers: a yardstick."""
