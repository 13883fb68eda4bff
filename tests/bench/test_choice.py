"""Which settings are suggested."""

import pytest

from scoreserve.bench.choice import Choice, Outcome, choose

PLAIN = Choice(1, 1)


def outcome(*rates: float, memory: float = 100.0) -> Outcome:
    return Outcome(rates=rates, memory_mib=memory)


def test_the_fastest_is_chosen() -> None:
    chosen, why = choose(
        {
            PLAIN: outcome(1000),
            Choice(1, 32): outcome(4000),
            Choice(2, 32): outcome(8000, memory=200.0),
        }
    )
    assert chosen == Choice(2, 32)
    assert why.startswith("8.00 times the requests of 1 worker, no batching, with 2.00 times")
    assert "nothing cheaper came near it" in why


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
    assert "2 workers, batches up to 8 costs more and was not faster by more than chance" in why


def test_ranges_that_overlap_decide_nothing() -> None:
    outcomes = {PLAIN: outcome(1000, 1100, 2100), Choice(2, 128): outcome(2000, 2200, 2300)}
    assert choose(outcomes)[0] == PLAIN
    outcomes[PLAIN] = outcome(1000, 1100, 1200)
    assert choose(outcomes)[0] == Choice(2, 128)


def test_the_plainest_is_kept_when_nothing_is_faster() -> None:
    chosen, why = choose({PLAIN: outcome(1000), Choice(2, 32): outcome(1040)})
    assert chosen == PLAIN
    assert why == "nothing else was faster by more than chance."
