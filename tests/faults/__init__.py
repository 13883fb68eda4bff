"""What clients and models do to a server, done to the real one as a black box."""
