"""The rules of Kubernetes' HorizontalPodAutoscaler, pure.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ (algorithm
details, configurable scaling behavior) with the defaults of autoscaling/v2.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

SYNC_SECONDS = 15.0
TOLERANCE = 0.1
UP_PODS, UP_RATIO, UP_SECONDS = 4, 2.0, 15.0  # what may be added in that time: the larger
DOWN_STABILIZATION_SECONDS = 300.0


def proposal(values: Sequence[float], unready: int, target: float) -> int:
    """How many pods one metric asks for.

    `values`: what each ready pod has of it. Pods that are not ready count as if they had none of it
    when it is about having more, and not at all otherwise.
    """
    pods = len(values) + unready
    if not values:
        return pods
    ratio = sum(values) / len(values) / target
    if unready and ratio > 1:
        ratio = max(1.0, sum(values) / pods / target)
        if ratio - 1 <= TOLERANCE:
            return pods
        return math.ceil(ratio * pods)
    if abs(ratio - 1) <= TOLERANCE:
        return pods
    return math.ceil(ratio * len(values))


@dataclass
class Autoscaler:
    """Its memory: what was proposed in the last minutes, and how many pods there were."""

    least: int
    most: int
    _proposals: deque[tuple[float, int]] = field(default_factory=deque)
    _sizes: deque[tuple[float, int]] = field(default_factory=deque)

    def decide(self, now: float, pods: int, proposals: Sequence[int]) -> int:
        """How many there shall be, of the largest of the metrics' proposals.

        `now`: in seconds, never less than before.
        """
        wanted = max(proposals)
        self._proposals.append((now, wanted))
        while self._proposals[0][0] < now - DOWN_STABILIZATION_SECONDS:
            self._proposals.popleft()
        self._sizes.append((now, pods))
        while self._sizes[0][0] < now - UP_SECONDS:
            self._sizes.popleft()
        if wanted < pods:
            wanted = min(pods, max(proposed for _, proposed in self._proposals))
        before = self._sizes[0][1]
        wanted = min(wanted, max(before + UP_PODS, math.ceil(before * UP_RATIO)))
        return min(max(wanted, self.least), self.most)
