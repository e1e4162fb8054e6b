"""Banned networks, launches per hour as clients see them, and how many may be under way."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import pytest
from gitserver import GitServer
from realhub import PREFIX, RealHub
from traitlets import TraitError
from yarl import URL

from binderhub_ext.core.errors import NotAllowed, TooMany
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.sse import Parser
from binderhub_ext.service.access import Access
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.orders import LaunchOrder
from binderhub_ext.service.launching.quotas import Quotas

_LIMITED = """
c.Launches.per_hour = 1
c.Access.ban_networks = {"192.0.2.0/24": "automated traffic"}
"""


async def test_limits_and_bans_are_told(tmp_path: Path, repos: GitServer) -> None:
    with RealHub(tmp_path, _LIMITED) as hub:
        token = await hub.token("ana")
        repo = quote(f"{repos.url}/me/mine", safe="")
        async with hub.browser() as client:
            url = URL(client.url(f"{PREFIX}build/git/{repo}/main"), encoded=True)
            headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
            for remaining, phase in (("0", "ready"), ("0", "failed")):
                async with client.session.get(url, headers=headers) as response:
                    last = Parser().feed(await response.read())[-1]
                    assert (last["phase"], response.status) == (phase, 200)
                    assert response.headers["x-ratelimit-limit"] == "1"
                    assert response.headers["x-ratelimit-remaining"] == remaining
                    assert int(response.headers["x-ratelimit-reset"]) > time.time()
            assert last["status_code"] == 429

            banned = {**headers, "X-Real-IP": "192.0.2.7"}
            async with client.session.get(url, headers=banned) as response:
                [event] = Parser().feed(await response.read())
            assert event["status_code"] == 403
            assert "automated traffic" in event["message"]
            page = await client.send("GET", PREFIX, headers={"X-Real-IP": "192.0.2.7"})
            assert page.status == 403
            health = await client.send("GET", f"{PREFIX}health", headers={"X-Real-IP": "192.0.2.7"})
            assert health.status == 200


@pytest.mark.parametrize(
    ("address", "banned"),
    [
        ("192.0.2.1", True),
        ("::ffff:192.0.2.1", True),
        ("2001:db8::1", True),
        ("192.0.3.1", False),
        ("", False),
        (None, False),
        ("nonsense", False),
    ],
)
def test_networks(address: str | None, banned: bool) -> None:
    bans = Access(ban_networks={"192.0.2.0/24": "", "2001:db8::/32": "why"}).bans()
    if banned:
        with pytest.raises(NotAllowed):
            bans.check(address)
    else:
        bans.check(address)


def test_a_network_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(TraitError, match="ban_networks"):
        Access(ban_networks={"192.0.2.1/24": "host bits"})


def order(name: str) -> LaunchOrder:
    repo = Repo("gh", name, f"https://github.com/{name}")
    return LaunchOrder(Person("ana", token=""), LaunchRequest(repo=repo))


@pytest.mark.parametrize(
    ("quotas", "under_way", "refused"),
    [
        (Quotas(), ["a/b"] * 9, False),
        (Quotas(total=2), ["a/b"], False),
        (Quotas(total=2), ["a/b", "c/d"], True),
        (Quotas(per_repo=2), ["a/b", "c/d", "c/d"], False),
        (Quotas(per_repo=2), ["A/b", "a/B"], True),
    ],
)
def test_quotas(quotas: Quotas, under_way: list[str], refused: bool) -> None:
    orders = [order(name) for name in under_way]
    if refused:
        with pytest.raises(TooMany):
            quotas.check(order("a/b"), orders)
    else:
        quotas.check(order("a/b"), orders)


class Uncompared(Repo):
    """A repository that nobody has a reason to tell from others."""

    @property
    def identity(self) -> str:
        raise AssertionError("compared")


def test_of_a_class_nobody_is_compared_with_all_the_others_in_vain() -> None:
    same = Uncompared("gh", "a/b", "https://github.com/a/b")
    orders = [LaunchOrder(Person("bo", token=""), LaunchRequest(repo=same))] * 9
    Quotas(per_person=10, total=10).check(order("a/b"), orders)
