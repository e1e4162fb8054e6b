"""A ticket has a size for good; whether its person may have it, the Hub asks its groups."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from traitlets.config import Config

from binderhub_ext.core.errors import NotAllowed
from binderhub_ext.core.launch import LaunchRequest, sign_ticket
from binderhub_ext.core.policy import Policy, Size, admit
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.local.spawner import LocalSpawner

REPO = Repo("gh", "me/mine", "https://github.com/me/mine")
SIZES = {"gpu": Size(1, 1, ("lab", "crew")), "large": Size(1, 1)}


def kept(size: str) -> dict[str, str]:
    """What the Hub keeps of a member's start, and its own button starts again."""
    request = LaunchRequest(REPO, size=size, server="one")
    commit = Commit(REPO, "main", "a" * 40)
    launch = admit(Policy(sizes=SIZES).of(["crew"]), request, commit, user="ana")
    return {"ticket": sign_ticket(launch, "secret")}


def spawner_of(*groups: str) -> LocalSpawner:
    """Ana's, of whom the Hub knows that she is in these groups now."""
    spawner = LocalSpawner(config=Config({"LocalSpawner": {"ticket_secret": "secret"}}))
    mine = [SimpleNamespace(name=name) for name in groups]
    spawner.user = SimpleNamespace(name="ana", groups=mine)
    spawner.orm_spawner = SimpleNamespace(name="one", server=None)
    return spawner


@pytest.mark.parametrize(
    ("size", "groups", "starts"),
    [
        ("gpu", ("crew",), True),
        ("gpu", ("others", "lab"), True),
        ("gpu", ("others",), False),
        ("gpu", (), False),
        ("large", (), True),
    ],
)
def test_who_left_a_group_starts_nothing_of_its_size(
    size: str, groups: tuple[str, ...], starts: bool
) -> None:
    spawner = spawner_of(*groups)
    spawner.admit(kept(size))
    admission = spawner._admission
    assert admission is not None
    if starts:
        assert admission.launch and admission.launch.size == size
    else:
        assert isinstance(admission.refusal, NotAllowed)
        assert "“gpu” of this server is for members of a group" in admission.refusal.message
