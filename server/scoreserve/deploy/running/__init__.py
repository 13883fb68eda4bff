"""An image → a service on this machine, which is healthy or not."""
