"""Files of records, one a line or a few: JSON Lines, plain or compressed; a sample is a record."""
