"""What every engine's builder promises (`engines/base.py`), tried on every engine."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from dockersources import build, make_source
from enginekit import Kit
from patience import wait_until
from processlist import processes

from binderhub_ext.core.errors import BuildFailed, BuildTimeout
from binderhub_ext.core.progress import Event, Phase
from binderhub_ext.engines.base import Image

POST_BUILD = "#!/bin/sh\nset -e\n"
LONG, LONGER, HELD = (f"{seconds}.{os.getpid()}" for seconds in (4242, 4243, 100))
"""Seconds of sleep that nobody else on this machine sleeps."""


def slow(seconds: str, mark: str) -> dict[str, str]:
    """A repository whose build says when it has begun, and then takes its time.

    No other run's build is of the same script: a daemon would take it from its cache.
    """
    return {"postBuild": f"{POST_BUILD}# {uuid4()}\necho {mark}\nsleep {seconds}\n"}


async def until_gone(seconds: str) -> None:
    def gone() -> bool:
        return not processes("sleep", seconds)

    await asyncio.to_thread(wait_until, gone, "what the build started runs on")


async def test_planning_runs_nothing_and_repeats(kit: Kit, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    files = {"postBuild": f"{POST_BUILD}touch {mark}\n", "requirements.txt": "six\n"}
    source = make_source(tmp_path / "repo", files)
    first = await kit.builder().plan(source)
    assert first == await kit.builder().plan(source)
    assert {"postBuild", "requirements.txt"} <= set(first.files)
    assert await kit.builder().find(first) is None
    assert not mark.exists()


async def test_built_once_for_all_with_the_same_files(kit: Kit, tmp_path: Path) -> None:
    """A commit that changes only content and a fork build nothing."""
    environment = {"requirements.txt": "six==1.16.0\n"}
    sources = [
        make_source(tmp_path / "first", {**environment, "a.ipynb": "{}"}),
        make_source(tmp_path / "content", {**environment, "a.ipynb": '{"cells": []}'}),
        make_source(tmp_path / "fork", {**environment, "a.ipynb": "{}"}, name="somebody/fork"),
    ]
    builder = kit.builder()
    built = [await build(builder, source) for source in sources]
    assert [one.was_built for one in built] == [True, False, False]
    assert len({one.image.name for one in built}) == 1
    found = await builder.find(await builder.plan(sources[0]))
    assert found is not None and found.name == built[0].image.name and found.size > 0
    assert found.name in [image.name for image in await builder.images()]
    assert {event.phase for event in built[0].events} == {Phase.BUILDING}
    bar = [event.data["progress"] for event in built[0].events if "progress" in event.data]
    assert bar and bar == sorted(bar)


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({"requirements.txt": "six\n"}, {"requirements.txt": "six>=1\n"}),
        ({}, {"postBuild": POST_BUILD}),
        ({}, {"start": '#!/bin/sh\nexec "$@"\n'}),
        ({"postBuild": POST_BUILD, "x": "1"}, {"x": "2"}),
        ({"setup.py": "", "x.py": "1"}, {"x.py": "2"}),
        ({"requirements.txt": "-e .\n", "setup.py": ""}, {"x.py": "2"}),
    ],
)
async def test_what_determines_the_environment_is_in_its_key(
    kit: Kit, tmp_path: Path, files: dict[str, str], changed: dict[str, str]
) -> None:
    builder = kit.builder()
    before = await builder.plan(make_source(tmp_path / "before", files))
    after = await builder.plan(make_source(tmp_path / "after", {**files, **changed}))
    assert before.key != after.key


async def test_a_raised_recipe_is_another_basis_and_another_key(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder, source = kit.builder(), make_source(tmp_path / "repo", {"requirements.txt": "six\n"})
    basis, planned = await builder.basis(), await builder.plan(source)
    assert (await builder.basis(), await builder.plan(source)) == (basis, planned)
    monkeypatch.setattr(sys.modules[type(builder).__module__], "RECIPE", "raised")
    assert await builder.basis() != basis
    assert (await builder.plan(source)).key != planned.key


async def test_many_at_once_are_one_build(kit: Kit, tmp_path: Path) -> None:
    source = make_source(tmp_path / "repo", slow("1", "crowd"))
    builder = kit.builder()
    await builder.plan(source)  # the service, too, looks at a commit once for all who want it
    built = await asyncio.gather(*(build(builder, source) for _ in range(50)))
    assert sum("crowd" in one.log for one in built) == 1
    assert len({one.image.name for one in built}) == 1


async def test_two_processes_are_one_build(kit: Kit, tmp_path: Path) -> None:
    source = make_source(tmp_path / "repo", slow("2", "two-services"))
    builds = [kit.start_build(source) for _ in range(2)]
    told = await asyncio.gather(*(asyncio.to_thread(one.communicate) for one in builds))
    assert [one.returncode for one in builds] == [0, 0], told
    images = [output.splitlines()[-1] for output, _ in told]
    assert images[0] == images[1] and images[0].startswith("IMAGE ")
    assert sum("two-services\n" in output for output, _ in told) == 1


async def test_cancelled_build_ends_and_leaves_nothing(kit: Kit, tmp_path: Path) -> None:
    source = make_source(tmp_path / "repo", slow(LONG, "begun"))
    builder = kit.builder()
    environment = await builder.plan(source)
    events: list[Event] = []
    building = asyncio.create_task(builder.build(environment, source, events.append))
    while not any(event.message.endswith("begun") for event in events):
        await asyncio.sleep(0.1)
        assert not building.done()
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await until_gone(LONG)
    assert await builder.find(environment) is None
    assert environment.key not in [image.key for image in await builder.images()]


async def test_killed_builder_is_followed_by_a_whole_build(kit: Kit, tmp_path: Path) -> None:
    held = f"{POST_BUILD}# {uuid4()}\necho to-be-killed\nsleep {HELD} || true\n"
    source = make_source(tmp_path / "repo", {"postBuild": held})
    process = kit.start_build(source)
    assert process.stdout is not None
    for line in process.stdout:
        if "to-be-killed" in line and "echo" not in line:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    builder = kit.builder()
    environment = await builder.plan(source)
    assert await builder.find(environment) is None
    building = asyncio.create_task(build(builder, source))
    while not building.done():
        with suppress(ProcessLookupError):
            for sleeping in processes("sleep", HELD):
                os.kill(sleeping, signal.SIGTERM)
        await asyncio.sleep(0.2)
    assert (await building).was_built and await builder.find(environment) is not None


async def test_failed_build_says_why_and_leaves_nothing(kit: Kit, tmp_path: Path) -> None:
    source = make_source(
        tmp_path / "repo", {"postBuild": f"{POST_BUILD}echo because-of-this\nexit 3\n"}
    )
    builder = kit.builder()
    environment = await builder.plan(source)
    before = {image.name for image in await builder.images()}
    with pytest.raises(BuildFailed) as failure:
        await build(builder, source)
    assert "because-of-this" in failure.value.detail
    assert await builder.find(environment) is None
    assert {image.name for image in await builder.images()} == before


async def test_build_that_takes_too_long_is_ended(kit: Kit, tmp_path: Path) -> None:
    source = make_source(tmp_path / "repo", slow(LONGER, "slow"))
    with pytest.raises(BuildTimeout):
        await build(kit.builder(build_timeout=12), source)
    await until_gone(LONGER)


async def test_garbage_is_what_is_old_and_not_in_use(kit: Kit, tmp_path: Path) -> None:
    images: list[Image] = []
    for number in range(2):
        files = {"postBuild": f"{POST_BUILD}echo garbage {number}\n"}
        source = make_source(tmp_path / f"repo{number}", files)
        images.append((await build(kit.builder(), source)).image)
    with kit.in_use(images[0]):
        removed = await kit.builder(max_age=0.001).collect_garbage()
        names = [image.name for image in removed]
        assert images[1].name in names and images[0].name not in names
        left = [image.name for image in await kit.builder().images()]
        assert images[0].name in left and images[1].name not in left
    assert await kit.builder(max_age=0.001).collect_garbage({images[0].key}) == []
    assert images[0].name in [i.name for i in await kit.builder(max_age=0.001).collect_garbage()]
    assert await kit.builder().images() == []
    assert await kit.builder().collect_garbage() == []


async def test_checks_say_that_it_works(kit: Kit) -> None:
    checks = await kit.builder().checks()
    assert checks and all(check.ok or check.fix for check in checks)
    assert all(check.ok for check in checks if check.required)
