"""A soak: the real server under mixed load and random faults for minutes. `make soak`.

    faults.py    kills, stops and reloads                ─→ server
    clients.py   one thread a client, of eight kinds     ─→ server ─→ ledger.py: what became of each
    watch.py     memory, descriptors, processes, probes  ─→ verdict

The first two thirds are a storm; then the faults end, and everything has to be as if there had been
none. No part of the default suite: it is no test of one thing, but a search for what none tests.
"""
