"""The differential contract suite: the reference server and ours get the same requests."""
