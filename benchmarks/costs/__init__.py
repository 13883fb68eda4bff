"""What a request costs our Python: `python -m benchmarks.costs`."""
