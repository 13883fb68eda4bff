"""The scoring worker's parts, without sockets, processes or sleeps."""
