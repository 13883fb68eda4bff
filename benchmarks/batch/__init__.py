"""`scoreserve batch` beside a process pool as one writes it by hand, on the same work.

tasks       what is scored: the scripts, and their inputs
by_hand     the pool
__main__    runs the two in turn, and on Ray if asked to, and prints their times
"""
