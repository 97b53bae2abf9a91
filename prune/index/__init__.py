"""Who is near whom: the spaces that selectors compute in, and the searches over them."""
