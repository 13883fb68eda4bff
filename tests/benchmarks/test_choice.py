"""Which settings are suggested."""

import pytest

from benchmarks.choice import Choice, Outcome, choose

PLAIN = Choice(1, 1)


def outcome(rate: float, memory: float = 100.0) -> Outcome:
    return Outcome(requests_per_second=rate, p50_ms=1.0, p99_ms=2.0, memory_mib=memory)


def test_the_fastest_is_chosen() -> None:
    chosen, why = choose(
        {PLAIN: outcome(1000), Choice(1, 32): outcome(4000), Choice(2, 32): outcome(8000, 200)}
    )
    assert chosen == Choice(2, 32)
    assert why.startswith("8.00 times the requests of 1 worker, no batching, with 2.00 times")
    assert "nothing cheaper came within 5% of it" in why


@pytest.mark.parametrize(("rate", "expected"), [(3850, Choice(1, 8)), (3700, Choice(1, 32))])
def test_what_is_as_fast_within_the_margin_and_cheaper_is_preferred(
    rate: float, expected: Choice
) -> None:
    outcomes = {PLAIN: outcome(1000), Choice(1, 8): outcome(rate), Choice(1, 32): outcome(4000)}
    assert choose(outcomes)[0] == expected


def test_fewer_workers_count_before_smaller_batches() -> None:
    outcomes = {PLAIN: outcome(1000), Choice(1, 128): outcome(4000), Choice(2, 1): outcome(4000)}
    assert choose(outcomes)[0] == Choice(1, 128)


def test_what_is_faster_by_a_little_is_named() -> None:
    outcomes = {PLAIN: outcome(1000), Choice(1, 8): outcome(3900), Choice(2, 8): outcome(4000)}
    chosen, why = choose(outcomes)
    assert chosen == Choice(1, 8)
    assert "2 workers, batches up to 8 was at most 5% faster and costs more" in why


def test_the_plainest_is_kept_when_nothing_is_faster() -> None:
    chosen, why = choose({PLAIN: outcome(1000), Choice(2, 32): outcome(1040)})
    assert chosen == PLAIN
    assert why == "nothing else was more than 5% faster."
