"""The front: the process that speaks HTTP and hands jobs to the scoring workers."""
