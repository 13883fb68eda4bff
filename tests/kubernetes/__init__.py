"""The chart and the manifests under deploy/, without a cluster. `make test-kubernetes`."""
