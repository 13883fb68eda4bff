"""Pure decisions: which job goes to which worker, how many may wait, for how long."""
