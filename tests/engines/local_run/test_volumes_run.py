"""Volumes in real servers of a real Hub: the kernel says who writes, the Hub who sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sandboxhub import Client, Failed, SandboxHub, one_will_do, running_hub

from binderhub_ext.core.launch import Access, Files, VolumeRequest

RO, RW = Access.RO, Access.RW
EXTRA = """
c.Volumes.groups = {"class-a": {"rw": ["teachers"], "ro": ["students"]}}
c.Volumes.group_pattern = "lab-.*"
c.Space.volume_limit = "8M"
c.JupyterHub.load_groups = {
    "teachers": {"users": ["tea"]},
    "students": {"users": ["stu", "two"]},
    "lab-1": {"users": ["tea"]},
    "prop": {"users": ["tea"], "properties": {"binder-volume": {"name": "from-property"}}},
}
c.JupyterHub.load_roles[0]["scopes"] += ["admin:groups"]
"""

WRITE = """
from pathlib import Path
folder = Path.home() / {place!r}
tried = {{
    "new": lambda: (folder / "new.txt").write_text("x"),
    "change": lambda: (folder / "lesson.txt").open("a").write("x"),
    "delete": lambda: (folder / "lesson.txt").unlink(),
    "rename": lambda: (folder / "lesson.txt").rename(folder / "gone.txt"),
    "mkdir": lambda: (folder / "dir").mkdir(),
    "chmod": lambda: (folder / "lesson.txt").chmod(0o777),
}}
for name, act in tried.items():
    try:
        act()
        print(name, "done")
    except OSError as error:
        print(name, error.errno)
"""


@pytest.fixture(scope="module", params=["root", "ordinary"])
def hub(request: pytest.FixtureRequest) -> Iterator[SandboxHub]:
    with running_hub(request.param, EXTRA) as hub:
        yield hub


@pytest.fixture
async def client(hub: SandboxHub) -> AsyncIterator[Client]:
    async with hub.client() as client:
        yield client


def store_as_hub(hub: SandboxHub, code: str) -> str:
    """Change volumes as the Hub's own user, as the service does."""
    import subprocess
    import sys

    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from binderhub_ext.core.layout import DataDirectory\n"
        "from binderhub_ext.core.launch import Access\n"
        "from binderhub_ext.storage.volumes import VolumeStore\n"
        f"store = VolumeStore(DataDirectory(Path({str(hub.data)!r})))\n{code}"
    )
    told = subprocess.run(
        hub.command([sys.executable, "-c", script]),
        env=hub.environment(),
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def share(hub: SandboxHub, name: str, owner: str, users: dict[str, str]) -> str:
    access = "{" + ",".join(f"{u!r}: Access({a!r})" for u, a in users.items()) + "}"
    code = f"v = store.create({name!r}, {owner!r}, 1.0)\n"
    code += f"store.change(v.id, lambda v: replace(v, users={access}))\nprint(v.id)"
    return store_as_hub(hub, code)


def asked(*texts: str) -> tuple[VolumeRequest, ...]:
    return tuple(
        VolumeRequest(name, mount, Access(access) if access else None)
        for name, mount, access in ((*text.split(":"), "", "")[:3] for text in texts)
    )


async def again(client: Client, user: str, server: str = "one") -> None:
    """The Hub's own start button: the same launch, no options."""
    status, answer = await client.api("POST", f"users/{user}/servers/{server}")
    if status >= 400:
        raise Failed(str(answer))
    await client._follow(f"users/{user}/servers/{server}/progress")


async def test_a_class(hub: SandboxHub, client: Client) -> None:
    """Teachers write, students read; no program of theirs can change that."""
    await client.start(hub.launch("tea", volumes=asked("class-a::rw")))
    code = "from pathlib import Path; f = Path.home() / 'shared/class-a/lesson.txt'"
    told = await client.run("tea", f"{code}; f.write_text('one'); print(f.read_text())")
    assert told.output.strip() == "one", told
    for wanted in ("class-a", "class-a::rw", "class-a:data/here:rw"):
        await client.start(hub.launch("stu", volumes=asked(wanted)))
        place = asked(wanted)[0].mount or "shared/class-a"
        told = await client.run("stu", f"print(open('/home/jovyan/{place}/lesson.txt').read())")
        assert told.output.strip() == "one", told
        told = await client.run("stu", WRITE.format(place=place))
        assert [line.split()[1] for line in told.output.splitlines()] == ["30"] * 6, told
        await client.stop("stu")
    await client.stop("tea")


async def test_files_of_each_are_usable_by_all(hub: SandboxHub, client: Client) -> None:
    share(hub, "paper", "ann", {"bob": "rw", "cat": "ro"})
    await client.start(hub.launch("ann", volumes=asked("paper")))
    await client.start(hub.launch("bob", volumes=asked("paper:texts")))
    await client.start(hub.launch("cat", volumes=asked("paper::rw")))
    made = await client.run(
        "ann",
        "import os; os.umask(0o077); os.chdir('/home/jovyan/shared/paper')\n"
        "os.makedirs('a/b'); open('a/b/text', 'w').write('ann ')",
    )
    assert not made.error
    told = await client.run(
        "bob",
        "import os; os.chdir('/home/jovyan/texts')\n"
        "open('a/b/text', 'a').write('bob'); open('a/own', 'w').write('1')\n"
        "os.rename('a/b/text', 'a/moved'); print(open('a/moved').read())",
    )
    assert told.output.strip() == "ann bob", told
    told = await client.run("ann", "import shutil, os; shutil.rmtree('shared/paper/a/b'); print(1)")
    assert not told.error, told
    told = await client.run("cat", "print(open('/home/jovyan/shared/paper/a/moved').read())")
    assert told.output.strip() == "ann bob", told
    told = await client.run("cat", "open('/home/jovyan/shared/paper/a/moved', 'w')")
    assert "Read-only file system" in told.error
    for user in ("ann", "bob", "cat"):
        await client.stop(user)


@one_will_do("hub")
@pytest.mark.parametrize("files", Files)
async def test_in_every_mode_and_inside_the_project(
    hub: SandboxHub, client: Client, files: Files
) -> None:
    share(hub, f"set-{files}", "ann", {})
    commit, project = hub.repository({"index.txt": "hello"}, f"o/{files}")
    where = f"{project}/data"
    launch = hub.launch(
        "ann",
        commit=commit,
        project=project,
        files=files,
        volumes=asked(f"set-{files}:{where}", f"set-{files}:Daten/für alle:ro"),
    )
    for _ in range(2):
        await client.start(launch)
        told = await client.run(
            "ann",
            f"import os; os.chdir('/home/jovyan'); open({where!r} + '/x', 'a').write('1')\n"
            f"print(open('Daten/für alle/x').read(), os.listdir({project!r}))\n"
            "os.mkdir('Daten/mine' + str(len(os.listdir('Daten'))))",
        )
        assert not told.error and "index.txt" in told.output, told
        await client.stop("ann")
    assert told.output.startswith("11 ")


SHOWN = """
import os, subprocess
print(os.readlink(f'/proc/{{os.getppid()}}/cwd'))
os.chdir('/home/jovyan/{project}')
print(sorted(os.listdir('shared-volumes')), os.listdir('shared-volumes/{name} (read only)'))
print('shared-volumes' in subprocess.check_output(['git', 'status', '--porcelain'], text=True))
for place in ('shared-volumes/new', 'shared-volumes/{name} (read only)/new'):
    try:
        open(place, 'w')
    except OSError as error:
        print(error.errno)
"""


@one_will_do("hub")
@pytest.mark.parametrize("files", Files)
async def test_file_browsers_show_them(hub: SandboxHub, client: Client, files: Files) -> None:
    """In the project, which is all that a file browser shows; Git knows nothing of it.

    VS Code opens the folder in which Jupyter runs (jupyter-vscode-proxy starts it with `.`).
    """
    name = f"see-{files}"
    share(hub, name, "ann", {})
    commit, project = hub.repository({"index.txt": "hello"}, f"see/{files}")
    launch = hub.launch(
        "ann",
        commit=commit,
        project=project,
        files=files,
        volumes=asked(f"{name}", f"{name}:elsewhere:ro"),
    )
    await client.start(launch)
    await client.run("ann", f"open('/home/jovyan/shared/{name}/x', 'w').write('1')")
    told = await client.run("ann", SHOWN.format(project=project, name=name))
    listed = f"['.gitignore', '{name}', '{name} (read only)'] ['x']"
    opened = "/home/jovyan" if files is Files.HOME else f"/home/jovyan/{project}"
    assert told.output.splitlines() == [opened, listed, "False", "30", "30"], told
    await client.stop("ann")


@one_will_do("hub")
async def test_a_repositorys_own_folder_is_not_hidden(hub: SandboxHub, client: Client) -> None:
    share(hub, "hidden", "ann", {})
    commit, project = hub.repository({"shared-volumes/own.txt": "hello"}, "see/own")
    volumes = asked("hidden")
    await client.start(hub.launch("ann", commit=commit, project=project, volumes=volumes))
    look = f"import os; print(os.listdir('/home/jovyan/{project}/shared-volumes'))"
    assert (await client.run("ann", look)).output.strip() == "['own.txt']"
    await client.stop("ann")


@one_will_do("hub")
async def test_revoked_is_gone_at_the_next_start(hub: SandboxHub, client: Client) -> None:
    """Also by the Hub's own button, and for whoever is in a group no more."""
    id = share(hub, "gone", "ann", {"bob": "rw"})
    mine = hub.launch("bob", volumes=asked("gone::rw"))
    await client.start(mine)
    store_as_hub(hub, f"store.change({id!r}, lambda v: replace(v, users={{'bob': Access('ro')}}))")
    await client.stop("bob")
    await again(client, "bob")
    told = await client.run("bob", "open('/home/jovyan/shared/gone/x', 'w')")
    assert "Read-only" in told.error, told
    await client.stop("bob")
    store_as_hub(hub, f"store.change({id!r}, lambda v: replace(v, users={{}}))")
    with pytest.raises(Failed, match="no volume “gone” for you"):
        await again(client, "bob")
    with pytest.raises(Failed, match="no volume “gone” for you"):
        await client.start(mine)

    student = hub.launch("two", volumes=asked("class-a"))
    await client.start(student)
    await client.stop("two")
    await client.api("DELETE", "groups/students/users", json={"users": ["two"]})
    with pytest.raises(Failed, match="no volume “class-a” for you"):
        await again(client, "two")
    await client.api("POST", "groups/students/users", json={"users": ["two"]})
    await again(client, "two")
    await client.stop("two")


@one_will_do("hub")
async def test_volumes_by_pattern_and_property(hub: SandboxHub, client: Client) -> None:
    await client.start(hub.launch("tea", volumes=asked("lab-1", "from-property")))
    told = await client.run("tea", "open('/home/jovyan/shared/from-property/x', 'w').write('1')")
    assert not told.error
    await client.stop("tea")
    await client.api("PUT", "groups/prop/properties", json={})
    with pytest.raises(Failed, match="no volume “from-property” for you"):
        await again(client, "tea")


@one_will_do("hub")
async def test_deleted_while_it_is_used(hub: SandboxHub, client: Client) -> None:
    id = share(hub, "doomed", "ann", {})
    await client.start(hub.launch("ann", volumes=asked("doomed")))
    assert not (await client.run("ann", "open('shared/doomed/x', 'w').write('1')")).error
    trashed = store_as_hub(hub, f"print(store.delete({id!r}, 'ann', 5.0).id)")
    told = await client.run("ann", "print(open('shared/doomed/x').read())")
    assert told.output.strip() == "1"
    await client.stop("ann")
    with pytest.raises(Failed, match="no volume"):
        await again(client, "ann")
    store_as_hub(hub, f"store.restore({trashed!r}, 'ann')")
    await again(client, "ann")
    told = await client.run("ann", "print(open('shared/doomed/x').read())")
    assert told.output.strip() == "1"
    await client.stop("ann")


HOSTILE: dict[str, Any] = {
    "another's": asked("secret"),
    "over the home": asked("mine:~"),
    "outside": asked("mine:../../../etc"),
    "absolute": asked("mine:/etc"),
    "settings": asked("mine:.local"),
    "projects": asked("mine:projects"),
    "over each other": asked("mine:a", "mine:a"),
    "nested": asked("mine:a", "mine:a/b"),
    "a path for a name": (VolumeRequest("../secret"),),
    "nothing for a name": (VolumeRequest(""),),
}


@one_will_do("hub")
async def test_hostile_volumes_in_a_signed_ticket(hub: SandboxHub, client: Client) -> None:
    """Should the service ever sign such a thing, the Hub still does not do it."""
    share(hub, "secret", "ann", {})
    share(hub, "mine", "eve", {})
    for what, volumes in HOSTILE.items():
        with pytest.raises(Failed) as caught:
            await client.start(hub.launch("eve", volumes=volumes))
        assert "Launch" in str(caught.value) or "volume" in str(caught.value), what
    assert hub.alive
    await client.start(hub.launch("eve", volumes=asked("mine")))
    told = await client.run("eve", "import os; os.symlink('/etc', 'link'); os.mkdir('file')")
    assert not told.error
    await client.stop("eve")
    with pytest.raises(Failed, match="a link or a file is in its"):
        await client.start(hub.launch("eve", volumes=asked("mine:link/x")))


async def test_links_in_a_volume_lead_nowhere(hub: SandboxHub, client: Client) -> None:
    """What a member plants is followed inside the sandbox only, by whoever follows it."""
    share(hub, "traps", "eve", {"ann": "rw"})
    await client.start(hub.launch("eve", volumes=asked("traps")))
    planted = f"import os; os.symlink({str(hub.layout.secrets)!r}, 'shared/traps/in')"
    assert not (await client.run("eve", planted)).error
    await client.start(hub.launch("ann", volumes=asked("traps")))
    told = await client.run("ann", "import os; print(os.path.exists('shared/traps/in'))")
    assert told.output.strip() == "False"
    told = await client.run("ann", "import os; print(os.listdir('shared/traps/..'))")
    assert "traps" in told.output and "volume.json" not in told.output, told
    for user in ("eve", "ann"):
        await client.stop(user)


@one_will_do("hub")
async def test_over_its_limit_everybody_is_told(hub: SandboxHub, client: Client) -> None:
    id = share(hub, "crowded", "tea", {"stu": "rw"})
    measure = "from binderhub_ext.storage.usage import usage; from pathlib import PurePosixPath\n"
    measure += f"l = store.layout; usage(l, l.volumes, PurePosixPath({id!r}), now=1.0, max_age=0)"
    launch = hub.launch("stu", "full", volumes=asked("crowded"))
    events = await client.start(launch)
    assert not any("crowded" in event["message"] for event in events), events
    code = "from pathlib import Path; f = Path.home() / 'shared/crowded/big'\n"
    await client.run("stu", f"{code}f.write_bytes(b'x' * (9 << 20))", "full")
    await client.stop("stu", "full")

    store_as_hub(hub, measure)
    events = await client.start(launch)
    told = 'The volume "crowded" takes 9 MiB of 8 MiB. Delete what is not needed in it'
    assert any(event["message"].startswith(told) for event in events), events
    assert not (await client.run("stu", f"{code}f.unlink()", "full")).error
    await client.stop("stu", "full")
