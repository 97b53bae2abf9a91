"""Labels: from a file of their own or from the source, and which texts are one."""
