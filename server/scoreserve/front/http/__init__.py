"""The bytes of one client: connections, what is no request, limits, shutdown."""
