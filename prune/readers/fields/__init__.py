"""What a dataset says of its samples beside payload and label: the fields that one can choose by."""
