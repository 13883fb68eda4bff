"""The protocols as clients from PyPI speak them, unchanged: `make test-protocols`."""
