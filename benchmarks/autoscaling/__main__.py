"""Measures the scripts, plays the loads, prints the tables as Markdown."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks import program
from benchmarks.autoscaling.profile import BODIES, Profile, measure
from benchmarks.autoscaling.simulation import SHAPES, Outcome, Policy, Shape, simulate
from benchmarks.report import table
from benchmarks.settings import positive

POLICIES = (
    Policy("CPU 70 %", cpu=0.7),
    Policy("CPU 60 %", cpu=0.6),
    Policy("CPU 50 %", cpu=0.5),
    Policy("in hand 1", in_hand=1),
    Policy("in hand 2", in_hand=2),
    Policy("in hand 4", in_hand=4),
    Policy("in hand 8", in_hand=8),
    Policy("CPU 60 % and in hand 2", cpu=0.6, in_hand=2),
)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser("python -m benchmarks.autoscaling", description=__doc__)
    parser.add_argument("--seeds", type=positive, default=5, help="runs of each load")
    parser.add_argument(
        "--seconds", type=positive, default=5, help="of measuring each script, three times"
    )
    parser.add_argument(
        "--start-seconds",
        type=positive,
        default=30,
        help="from the autoscaler's decision to a pod that is ready: pull, import, init()",
    )
    return parser.parse_args()


def play(profile: Profile, start_seconds: float, seeds: int) -> Iterator[list[str]]:
    """The rows of one script's table."""
    with ProcessPoolExecutor() as pool:
        for policy in POLICIES:
            row = [policy.name]
            for shape in SHAPES:
                run = partial(_run, profile, policy, shape, start_seconds)
                row += _cells(list(pool.map(run, range(seeds))))
            yield row


def _run(
    profile: Profile, policy: Policy, shape: Shape, start_seconds: float, seed: int
) -> Outcome:
    return simulate(profile, policy, shape, start_seconds, seed)


def _cells(outcomes: Sequence[Outcome]) -> list[str]:
    lost = [100 * outcome.lost for outcome in outcomes]
    minutes = statistics.median(outcome.pod_minutes for outcome in outcomes)
    return [
        f"{statistics.median(lost):.1f} % ({min(lost):.1f}-{max(lost):.1f})",
        f"{minutes:.0f}",
    ]


def main() -> int:
    """The exit status."""
    chosen = options()
    columns = ["scaled by"]
    for shape in SHAPES:
        columns += [f"lost, {shape.name}", "pod-minutes"]
    for name in BODIES:
        # The best of three: what else the machine does only makes a pod slower.
        profiles = [measure(name, chosen.seconds) for _ in range(3)]
        profile = max(profiles, key=lambda profile: profile.requests_per_second)
        share = profile.cpu_seconds * profile.requests_per_second
        print(
            f"\n{name}.py: {profile.requests_per_second:.0f} requests/s a pod; run() takes"
            f" {1e3 * profile.quantile(0.5):.1f} ms (p99 {1e3 * profile.quantile(0.99):.1f});"
            f" saturated, a pod uses {share:.2f} CPUs; ready {profile.ready_seconds:.1f} s after"
            f" its server starts, of which init() {profile.init_seconds:.1f} s\n"
        )
        rows = list(play(profile, chosen.start_seconds, chosen.seeds))
        print("\n".join(table(columns, rows)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(program.run(main))
