"""What a build made beside its environment is kept, if it is a plain file under a new name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines import containers
from binderhub_ext.engines.given import NAMED, told
from binderhub_ext.engines.local import made as made_module
from binderhub_ext.engines.local.made import KeptFiles, ScriptFolder, keep_made


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def kept(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_only_new_plain_files_are_kept(tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {"README.md": "one", "data/a": "1"})
    (repo / "old-link").symlink_to("README.md")
    home = tmp_path / "home"
    home.mkdir()
    places = ScriptFolder.repo(repo), ScriptFolder.home(home)
    before = {place: place.files() for place in places}
    write(repo, {"README.md": "changed", "data/b": "2", "deep/er/c": "3", "__pycache__/x.pyc": "4"})
    write(repo, {".git/hooks/post-checkout": "evil", ".cache/kept": "5"})
    write(home, {"nltk_data/w": "1", ".cache/pip/x": "2", ".npm/x": "3", ".bash_history": "ls"})
    (repo / "link").symlink_to("/etc/passwd")
    (repo / "folder").symlink_to("/etc")
    os.mkfifo(home / "pipe")
    into = tmp_path / "made"
    into.symlink_to("/etc")
    made = keep_made(before, into)
    assert not into.is_symlink()
    assert kept(into) == ["home/nltk_data/w", "repo/.cache/kept", "repo/data/b", "repo/deep/er/c"]
    assert made.count == 4
    assert sorted(name.partition(" ")[0] for name in made.left) == [
        *("README.md", "folder", "link", "~/pipe"),
    ]


def test_no_number_of_files_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, home = write(tmp_path / "repo", {"README.md": "one"}), tmp_path / "home"
    home.mkdir()
    places = ScriptFolder.repo(repo), ScriptFolder.home(home)
    before = {place: place.files() for place in places}
    for folder in (repo, home):
        for number in range(NAMED + 5):
            (folder / f"link-{number}").symlink_to("README.md")
    made = keep_made(before, tmp_path / "made")
    assert (made.count, len(made.left), made.more) == (0, NAMED, NAMED + 10)
    assert told(0, made.left, made.more)[-1] == f"Not given: {NAMED + 10} more"
    monkeypatch.setattr(made_module, "_REMEMBERED", 1000)
    with pytest.raises(BuildFailed, match="too many files in ~/"):
        places[1].files()


def test_what_an_image_tells_is_as_short(tmp_path: Path) -> None:
    repo, home, known = tmp_path / "repo", tmp_path / "home", tmp_path / "known.json"
    known.write_text("{}")
    for folder in (repo, home):
        folder.mkdir()
        for number in range(NAMED):
            (folder / f"link-{number}").symlink_to("nowhere")
    program = Path(containers.__file__).parent / "inside" / "keep_made.py"
    into = tmp_path / "made"
    names = [str(path) for path in (known, repo, home, into)]
    subprocess.run(
        [sys.executable, "-I", program, *names, ".git", ".cache", str(NAMED)], check=True
    )
    said = json.loads((into / "told.json").read_text())
    assert (said["count"], len(said["left"]), said["more"]) == (0, NAMED, NAMED)


def test_nothing_made_is_nothing_kept(tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {"README.md": "one"})
    place = ScriptFolder.repo(repo)
    assert keep_made({place: place.files()}, tmp_path / "made") == KeptFiles()
