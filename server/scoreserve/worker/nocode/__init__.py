"""Built-in entry scripts, for models that have none."""
