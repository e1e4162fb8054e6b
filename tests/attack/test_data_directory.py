"""Another user of the machine, who knows every path of the data directory, and gets nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from intruder import Attack

from binderhub_ext.service.launching.buildlog import BuildLog
from binderhub_ext.storage.doors import close_doors
from binderhub_ext.storage.trash import move_to_trash

NOBODY = 65534
WALK = """
import json, os, sys
os.setgroups([]), os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
got = []
for path in json.load(sys.stdin):
    for look in (os.listdir, os.stat, os.readlink, lambda path: open(path, "rb").read(1)):
        try:
            look(path)
            got.append(path)
        except OSError:
            pass
print(json.dumps(sorted(set(got))))
"""


def everything(root: Path) -> list[str]:
    found = [str(root)]
    for folder, folders, files in os.walk(root):
        found += [os.path.join(folder, name) for name in (*folders, *files)]  # noqa: PTH118
    return found


def seen_by(uid: int, paths: list[str]) -> list[str]:
    """Those that somebody can list, look at or read."""
    argv = [sys.executable, "-I", "-S", "-c", WALK, str(uid)]
    told = subprocess.run(argv, input=json.dumps(paths), capture_output=True, text=True, check=True)
    return list(json.loads(told.stdout))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
async def test_nobody_else_reads_or_lists_anything(attack: Attack) -> None:
    """With servers that run, builds, logs, environments, caches and a trash in it."""
    layout = attack.hub.layout
    layout.cache.mkdir(exist_ok=True)
    await attack.run("ana", "import os; os.makedirs('projects/o/n')")
    home = PurePosixPath(layout.home("ana").name)
    move_to_trash(layout, layout.homes, home / "projects/o/n", owner="ana", now=1.0)
    with BuildLog(layout.builds / "1.log", 1000) as log:
        log.write("of a private repository")
    # as they are on a machine where an earlier version ran; the hub goes on with them
    hub = layout.root.stat()
    for folder in layout.folders:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
        os.chown(folder, hub.st_uid, hub.st_gid)
    (layout.cache / "plans").mkdir(mode=0o755, exist_ok=True)
    (layout.cache / "plans/1").write_text("{}")
    layout.hub_db.chmod(0o644)

    close_doors(layout)
    paths = everything(layout.root)
    for kind in ("server.log", ".lock", "1.log", "secret.txt", "plans", "image.json", "content"):
        assert any(path.endswith(f"/{kind}") for path in paths), kind
    seen = set(seen_by(NOBODY, paths))
    # that these are there, which everybody knows
    known = {str(path) for path in (layout.root, *layout.root.iterdir())}
    assert seen <= known
    readable = [path for path in seen - {str(layout.root)} if not _is_closed(Path(path))]
    assert readable == []
    await attack.all_is_well()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
async def test_the_log_of_a_server_is_its_persons(attack: Attack) -> None:
    """Also where an administrator let others into the data directory."""
    logs = list((attack.hub.layout.run / "servers").glob("*/server.log"))
    assert len(logs) == 2
    assert {oct(log.stat().st_mode & 0o7) for log in logs} == {"0o0"}
    answer = await attack.run("ana", "print(len(open('/var/log/jupyter-server.log').read()))")
    assert int(answer.output) > 0


def _is_closed(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0
