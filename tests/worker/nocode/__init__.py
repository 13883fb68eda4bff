"""Built-in entry scripts."""
