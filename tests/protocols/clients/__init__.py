"""Programs that the clients' own environments run: each prints what came back, as JSON."""
