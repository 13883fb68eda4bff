"""What a HorizontalPodAutoscaler makes of a load: a simulation, fed with measured servers.

    python -m benchmarks.autoscaling

starts a server for each of two scripts, measures what one pod of it does (`profile`), and plays
loads against the autoscaler's own rules (`hpa`) with pods like that one (`simulation`), several
seeds each.
"""
