"""A soak: the real server under mixed load and random faults for minutes. `make soak`.

    faults.py    kills, stops and reloads                ─→ server
    clients.py   one thread a client                     ─→ server ─→ ledger.py: what became of each
                 honest.py: get their own answers; rude.py: leave, stand still, talk nonsense;
                 failing.py: have the script fail
    watch.py     memory, descriptors, processes, probes  ─→ verdict

The first two thirds are a storm; then the faults end, and everything has to be as if there had been
none. No part of the default suite: it is no test of one thing, but a search for what none tests.
"""
