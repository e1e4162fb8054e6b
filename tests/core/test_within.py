"""What a hub offers instead of what it refuses: the nearest that may be, and how it is said."""

from __future__ import annotations

import pytest

from binderhub_ext.core.errors import NotAllowed
from binderhub_ext.core.launch import Access, Files, LaunchRequest, VolumeRequest
from binderhub_ext.core.policy import Policy, Size, judge
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.within import nearer

GIB = 2**30
REPO = Repo("gh", "a/b", "https://github.com/a/b")
POLICY = Policy(
    max_memory=4 * GIB,
    max_cpu=2,
    max_idle=3600,
    sizes={"small": Size(GIB)},
    files=(Files.PROJECT, Files.NONE),
)
SEA = VolumeRequest("sea", access=Access.RO)
LAND = VolumeRequest("land")


def nearest(policy: Policy, request: LaunchRequest, volumes: set[str]) -> tuple[LaunchRequest, str]:
    said = []
    while (step := nearer(policy, request, volumes))[1]:
        request = step[0]
        said.append(step[1])
    return request, ", ".join(said)


@pytest.mark.parametrize(
    ("asked", "instead", "words"),
    [
        ({"memory": 16 * GIB}, {"memory": 4 * GIB}, "with 4 GiB"),
        ({"cpu": 8, "memory": GIB}, {"cpu": 2, "memory": GIB}, "with 2 processors"),
        ({"idle": 7200}, {"idle": 3600}, "for 1h without use"),
        ({"size": "huge"}, {}, "in the usual size"),
        ({"files": Files.HOME}, {"files": Files.PROJECT}, "with files=project"),
        ({"volumes": (SEA, LAND)}, {"volumes": (SEA,)}, "without the volume “land”"),
        ({"target": "nonsense"}, {"target": "lab"}, "with JupyterLab"),
        (
            {"memory": 16 * GIB, "volumes": (LAND,)},
            {"memory": 4 * GIB},
            "with 4 GiB, without the volume “land”",
        ),
        (
            {"size": "huge", "memory": 16 * GIB, "cpu": 8, "idle": 7200},
            {"memory": 4 * GIB, "cpu": 2, "idle": 3600},
            "for 1h without use, in the usual size, with 4 GiB, with 2 processors",
        ),
        ({"size": "small", "volumes": (SEA,)}, {"size": "small", "volumes": (SEA,)}, ""),
        ({}, {}, ""),
    ],
)
def test_the_nearest(asked: dict, instead: dict, words: str) -> None:
    found, said = nearest(POLICY, LaunchRequest(REPO, **asked), {"sea"})
    assert (found, said) == (LaunchRequest(REPO, **instead), words)
    judge(POLICY, found)


def test_where_nobody_may_ask_for_anything() -> None:
    request = LaunchRequest(REPO, memory=GIB, cpu=1)
    found, said = nearest(Policy(), request, set())
    assert found == LaunchRequest(REPO)
    assert said == "with the usual memory, with the usual processors"
    judge(Policy(), found)


def test_each_step_is_what_the_refusal_was_about() -> None:
    """So that the page that asks has a reason for each."""
    request = LaunchRequest(REPO, files=Files.HOME, idle=7200, size="huge", memory=16 * GIB, cpu=8)
    for part in ("files=home", "at most 1h", "“huge”", "16 GiB", "8 processors"):
        with pytest.raises(NotAllowed, match=part):
            judge(POLICY, request)
        request, _ = nearer(POLICY, request, ())
    judge(POLICY, request)
