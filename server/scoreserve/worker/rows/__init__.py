"""Bodies of several requests merged by rows into one call of run()."""
