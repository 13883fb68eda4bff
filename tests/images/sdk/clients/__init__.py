"""Programs that the SDKs' own environments run: each prints what came of its steps, as JSON."""
