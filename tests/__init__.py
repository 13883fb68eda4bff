"""The tests mirror the package; `contract` and `live` start real servers."""
