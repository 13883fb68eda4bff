"""The front's parts, without sockets, processes or sleeps."""
