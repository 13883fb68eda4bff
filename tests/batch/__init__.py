"""`scoreserve batch`: the contract of its scripts, its parts, and whole jobs."""
