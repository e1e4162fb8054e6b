"""How much may be launched at once and in an hour, as far as the service itself can count.

It has no administrator's rights at the Hub, so it counts launches, not servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ...core.errors import TooMany
from ...core.sentences import Sentence, fixed
from . import metrics
from .orders import LaunchOrder


@dataclass(frozen=True)
class Allowance:
    """How many launches a person may still start.

    Attributes:
        limit: within an hour.
        remaining: now.
        reset: when all of them are there again at the latest, in seconds since 1970.
    """

    limit: int
    remaining: int
    reset: int

    @classmethod
    def of(cls, limit: int, used: int, reset: datetime) -> Allowance:
        return cls(limit, max(limit - used, 0), int(reset.timestamp()))


@dataclass(frozen=True)
class Quotas:
    """How many launches there may be; 0 for no limit.

    Attributes:
        per_person: of one person at the same time.
        per_hour: of one person within an hour.
        total: of all people at the same time.
        per_repo: of one repository at the same time.
    """

    per_person: int = 0
    per_hour: int = 0
    total: int = 0
    per_repo: int = 0

    def check(
        self, order: LaunchOrder, under_way: Iterable[LaunchOrder], within_an_hour: int = 0
    ) -> None:
        """Refuse one launch more than the quotas allow.

        Args:
            order: what somebody wants.
            under_way: all that are being launched.
            within_an_hour: how many that person has started.

        Raises:
            TooMany: later it will work.
        """
        orders, repo = list(under_way), order.request.repo
        if self.total and len(orders) >= self.total:
            _refuse(order, "pod_quota", fixed("Too many launches are under way on this hub."))
        if self.per_repo and repo and _of_repo(orders, repo.identity) >= self.per_repo:
            said = fixed("This repository is being launched by too many people at this moment.")
            _refuse(order, "repo_quota", said)
        own = sum(1 for other in orders if other.person.name == order.person.name)
        if self.per_person and own >= self.per_person:
            raise TooMany(
                "You have {own} launches under way. Wait for one of them, or cancel one.", own=own
            )
        if self.per_hour and within_an_hour >= self.per_hour:
            raise TooMany(
                "You have started {limit} launches within an hour, as many as this hub "
                "allows. Try again later; running servers are not affected.",
                limit=self.per_hour,
            )


def _of_repo(orders: Iterable[LaunchOrder], identity: str) -> int:
    repos = (order.request.repo for order in orders)
    return sum(1 for repo in repos if repo and repo.identity == identity)


def _refuse(order: LaunchOrder, status: str, said: str) -> None:
    """Say no, and count it under BinderHub's name for it."""
    provider = order.request.repo.provider if order.request.repo else "image"
    metrics.LAUNCH_COUNT.labels(status=status, provider=provider).inc()
    raise TooMany("{said} Try again in a minute.", said=Sentence(said))
