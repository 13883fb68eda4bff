"""Pages of metrics, parsed as Prometheus does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

# It has no types.
parse_open_metrics: Callable[[str], Iterable[Metric]] = open_metrics.text_string_to_metric_families


class Page(NamedTuple):
    """A page of metrics."""

    families: list[Metric]

    @classmethod
    def parse(cls, text: bytes) -> Page:
        return cls(list(parse_text(text.decode())))

    def value(self, sample: str, **labels: str) -> float | None:
        """The value of the one sample of that name and these labels; None: there is none."""
        found = [
            each.value
            for family in self.families
            for each in family.samples
            if each.name == f"scoreserve_{sample}" and each.labels == labels
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def series(self, sample: str) -> list[dict[str, str]]:
        """The labels of all samples of that name."""
        return [
            each.labels
            for family in self.families
            for each in family.samples
            if each.name == f"scoreserve_{sample}"
        ]
