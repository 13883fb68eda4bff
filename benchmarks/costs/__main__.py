"""What a score request costs our Python, in the front and in a worker, and each part by itself.

    python -m benchmarks.costs                       the tree it is started in
    python -m benchmarks.costs --clients 16

A front without sockets or processes: requests are handed to the connections as an event loop would
hand them over, a worker that is no process answers at once with what a real one would, and what is
written is thrown away. So neither the kernel nor the machine's other work is in the figures, and
two trees can be told apart by a tenth of a microsecond. What the kernel takes comes on top, see
"What a request costs" in README.md.

The worker is one that merges, with a run() that sums the numbers of each row. Its frames come from
a list, and what it sends is thrown away.

The parts are called by themselves with the same arguments. `the rest` is what calls them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc

from benchmarks.costs import front, worker
from benchmarks.costs.timing import Clock


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=62, help="that ask at once (62)")
    parser.add_argument("--seconds", type=float, default=1.2, help="for each part (1.2)")
    arguments = parser.parse_args()
    gc.disable()  # which else comes at any time; the front lets it come seldom
    clock = Clock(arguments.seconds)
    print("µs of CPU time a request")
    for cost in (
        asyncio.run(front.cost(clock, arguments.clients)),
        worker.cost(clock, arguments.clients),
    ):
        print("\n".join(cost.lines()))


if __name__ == "__main__":
    main()
