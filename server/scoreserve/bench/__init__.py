"""Measures how fast an entry script is served: servers, load, and what follows from the figures.

    sweep      which settings are tried, in what order, for how long
    servers    one server around the script, started, asked and stopped
    load       one reading, by a load generator in a process of its own (client)
    choice     the settings to use, pure
    report     tables and sentences, pure

`scoreserve bench` is the command; the comparison with other servers, in the project's `benchmarks`,
uses some of it.
"""
