"""Files of lines: records of the source copied byte for byte, or made of the fields of samples."""
