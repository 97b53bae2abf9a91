"""Tar shards: their members, the samples those make up, and what is wrong with a shard."""
