"""The command of a sandbox, without starting one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.engines.local.limits import Limits
from binderhub_ext.engines.local.network import Network
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import (
    HOME,
    Bind,
    Descriptors,
    Person,
    Sandbox,
    arguments,
    own_files,
)
from binderhub_ext.engines.local.unsafe import RealPaths
from binderhub_ext.programs import host_program

FDS = Descriptors({"/etc/passwd": 20}, seccomp=(21, 25), info=22, block=23, life=24)


def command(**fields: object) -> list[str]:
    given = {"argv": ("serve",), "env": {"TOKEN": "hush"}, "python": "/usr/bin/python3"} | fields
    return arguments(Sandbox(**given), FDS)  # type: ignore[arg-type]


def after(words: list[str], *sequence: str) -> bool:
    """Whether these words stand one after the other."""
    return any(tuple(words[i : i + len(sequence)]) == sequence for i in range(len(words)))


def test_secrets_of_the_environment_are_not_on_the_command_line() -> None:
    assert "hush" not in " ".join(command())


@pytest.mark.parametrize("uid", [None, 200_007])
def test_a_person_ends_up_with_no_right_whatever_the_hub_is(uid: int | None) -> None:
    words = command(person=Person(uid))
    if uid is None:
        assert after(words, "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns")
        assert host_program("setpriv") not in words
    else:
        assert after(words, "--cap-drop", "ALL")
        become = (host_program("setpriv"), "--reuid", "200007", "--regid", "200007")
        assert after(words, *become, "--clear-groups")
        assert after(words, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def test_groups_are_given_only_with_a_uid_of_the_host() -> None:
    words = command(person=Person(200_007, (5000, 5001)))
    assert after(words, "--groups", "5000,5001")
    assert b"group5000:x:5000:" in own_files(Person(200_007, (5000,)))["/etc/group"]


@pytest.mark.parametrize(
    ("network", "own"),
    [
        (Network.NONE, True),
        (Network.ISOLATED, True),
        (Network.PRIVATE, False),
        (Network.UNSAFE_HOST, False),
    ],
)
def test_only_pasta_and_the_host_have_a_network_from_outside(network: Network, own: bool) -> None:
    assert ("--unshare-net" in command(network=network)) is own


def test_mounts_keep_their_order_and_their_access() -> None:
    binds = (
        Bind(30, PurePosixPath(HOME), read_only=False),
        Bind(31, PurePosixPath(HOME, "shared/x")),
        Bind(Path("/srv/data/environments/k"), PurePosixPath("/srv/data/environments/k")),
    )
    words = command(binds=binds)
    assert after(words, "--bind", "/proc/self/fd/30", HOME)
    assert after(words, "--ro-bind", "/proc/self/fd/31", f"{HOME}/shared/x")
    assert words.index("/proc/self/fd/30") < words.index("/proc/self/fd/31")
    # Parents bubblewrap makes by itself could be entered by root alone.
    assert after(words, "--perms", "0755", "--dir", "/srv/data/environments")
    # The two places whose owner is inside are the last to be written.
    last_bind = max(i for i, word in enumerate(words) if word in ("--bind", "--ro-bind"))
    assert words.index("--remount-ro") > last_bind


def test_temporary_space_always_has_a_size() -> None:
    words = command(limits=Limits(temp=1 << 20))
    for i, word in enumerate(words):
        if word == "--tmpfs":
            assert words[i - 2 : i] == ["--size", str(1 << 20)]


def test_server_outlives_the_hub_and_a_build_does_not() -> None:
    assert "--die-with-parent" not in command()
    assert "--die-with-parent" in command(ends_with_hub=True)


@pytest.mark.parametrize("counted", [True, False])
def test_limits_of_single_processes_are_for_where_nothing_counts(counted: bool) -> None:
    limits = Limits(memory=1 << 30, processes=100, counted=counted)
    words = command(limits=limits)
    plan = json.loads(words[words.index("/run/binder/inside/first.py") + 1])
    wanted = {} if counted else {"RLIMIT_NPROC": 100, "RLIMIT_DATA": 1 << 30}
    assert plan["limits"] == {"RLIMIT_CORE": 0, **wanted}
    assert plan["keep"] == []
    assert words[-1] == "serve"


async def test_nothing_works_on_with_descriptors_that_were_closed() -> None:
    """A start that is given up before its sandbox said anything."""
    async with prepared(Sandbox(("serve",), {}, network=Network.NONE)) as command:
        assert not command.init.done()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_what_names_a_place_in_a_sandbox_names_the_real_one_without() -> None:
    places = RealPaths(Path("/homes/una"), Path("/homes/una/projects/o/n"), "projects/o/n")
    for text, real in {
        "/srv/repo": "/homes/una/projects/o/n",
        "JULIA_PROJECT=/srv/repo/binder": "JULIA_PROJECT=/homes/una/projects/o/n/binder",
        f"JULIA_DEPOT_PATH={HOME}/.local:/e:": "JULIA_DEPOT_PATH=/homes/una/.local:/e:",
        f"{HOME}/projects/o/n": "/homes/una/projects/o/n",
        # a data directory may be there, and is where it is
        "/srv/repo/data/bin/python": "/srv/repo/data/bin/python",
    }.items():
        assert places.real(text) == real
    assert replace(places, relative="").real("/srv/repo") == "/srv/repo"
