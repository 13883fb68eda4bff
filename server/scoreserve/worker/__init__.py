"""The scoring worker: the process that runs the entry script. Knows nothing of HTTP servers."""
