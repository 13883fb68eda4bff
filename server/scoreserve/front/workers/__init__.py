"""The worker processes: their lives, their pipes, and what became of them."""
