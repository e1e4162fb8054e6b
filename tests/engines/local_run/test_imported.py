"""What was imported from another hub is its person's, in a server under a real Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sandboxhub import SandboxHub, as_ordinary

from binderhub_ext.core.launch import Files

READ = """
import os
os.chdir("/home/jovyan")
print(open("old.txt").read(), os.stat("old.txt").st_uid == os.getuid(), end=" ")
print(sorted(os.listdir({project!r})), open({project!r} + "/readme.txt").read(), end=" ")
open("old.txt", "a").write("+")
"""


def imported(hub: SandboxHub, *argv: str | Path) -> None:
    command = ["admin", "--data-dir", hub.layout.root, "import", "--engine", "local", *argv]
    line = [sys.executable, "-m", "binderhub_ext", *map(str, command)]
    line = as_ordinary(line, hub.root) if hub.ordinary else line
    subprocess.run(line, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


async def test_what_was_imported_is_theirs(sandbox_hub: SandboxHub) -> None:
    """Also while the Hub runs; a project opens as it is, and nothing of the commit is put in it."""
    old = sandbox_hub.root / "old"
    for name, text in {"home/old.txt": "old", "clone/readme.txt": "changed"}.items():
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text(text)
    commit, project = sandbox_hub.repository({"readme.txt": "new", "more.txt": ""}, "owner/moved")
    imported(sandbox_hub, "imp", old / "home")
    imported(sandbox_hub, "imp", old / "clone", "--project", commit.repo.url)
    launch = sandbox_hub.launch("imp", commit=commit, project=project, files=Files.HOME)
    async with sandbox_hub.client() as client:
        told = [str(event["message"]) for event in await client.start(launch)]
        answer = await client.run("imp", READ.format(project=project))
        await client.stop("imp")
    assert answer.output == "old True ['readme.txt'] changed ", answer
    assert any("was not made by a launch" in message for message in told), told
