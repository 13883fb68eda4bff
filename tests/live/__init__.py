"""The real server as a black box: what only sockets, signals and processes can show."""
