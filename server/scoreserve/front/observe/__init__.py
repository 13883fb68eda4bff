"""What is seen of the front: counters, the page of metrics, the access log."""
