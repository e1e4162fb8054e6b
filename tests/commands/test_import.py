"""`binder-at-home admin import`: what people have on other hubs becomes theirs here."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from documented import blocks_of, files_of
from hostiletrees import make_deep
from httpserver import Quiet, serving

from binderhub_ext.__main__ import main
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.installed import ensure_owner, find_engine
from binderhub_ext.locks import held
from binderhub_ext.storage import importing
from binderhub_ext.storage.projects import list_projects
from binderhub_ext.up.datadir import prepare

pytestmark = pytest.mark.usefixtures("cleared")

PAGE = "how-to/move-from-another-hub.md"
ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root may give files away")


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    layout = prepare(tmp_path / "data")
    (layout.root / "engine").write_text("docker\n")
    return layout


@pytest.fixture
def run(layout: DataDirectory, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*argv: str | Path, status: int = 0) -> str:
        command = ["admin", "--data-dir", str(layout.root), "import", *map(str, argv)]
        assert main(command) == status
        told = capsys.readouterr()
        return (told.err if status else told.out).strip()

    return run


def fill(place: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    """A claim as Zero to JupyterHub makes them: of uid 1000 and group 100, on a disk of its own."""
    place = fill(
        tmp_path / "claim-ana",
        {
            "notes.ipynb": "{}",
            "data/a.csv": "1,2",
            ".bashrc": "alias ll='ls -l'",
            ".local/lib/python3.11/site-packages/numpy.py": "of another environment",
            ".cache/pip/x": "x",
            "lost+found/x": "the kernel's",
        },
    )
    os.link(place / "data/a.csv", place / "same.csv")
    (place / "link").symlink_to("/home/jovyan/data")
    (place / b"caf\xe9".decode("utf-8", "surrogateescape")).write_text("old name")
    (place / "run.sh").write_text("#!/bin/sh")
    (place / "run.sh").chmod(0o4755)
    os.utime(place / "run.sh", (1e9, 1e9))
    (place / "data").chmod(0o2775)
    (place / "closed").mkdir(mode=0o500)
    with (place / "holes").open("wb") as file:
        file.truncate(1 << 30)
    if ROOT:
        subprocess.run(["chown", "-R", "1000:100", place], check=True)
    return place


def owners(place: Path) -> set[tuple[int, int]]:
    every = [place, *place.rglob("*")]
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in every}


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_claim_becomes_a_home(run: Any, layout: DataDirectory, claim: Path) -> None:
    assert "ana: " in run("ana", claim)
    home = layout.home("ana")
    left = {".local", ".cache", "lost+found"}
    assert names(home) == sorted(set(names(claim)) - left)
    assert (home / "data/a.csv").samefile(home / "same.csv")
    assert (home / "link").readlink() == Path("/home/jovyan/data")
    assert (home / "holes").stat().st_size == 1 << 30
    assert (home / "holes").stat().st_blocks == 0
    script = (home / "run.sh").stat()
    assert (script.st_mode & 0o7777, script.st_mtime) == (0o755, 1e9)
    assert (home / "closed").stat().st_mode & 0o7777 == 0o700
    assert (home / "data").stat().st_mode & 0o7777 == 0o775
    assert home.stat().st_mode & 0o777 == 0o700
    # Nothing was taken from where it was.
    assert (claim / ".local").is_dir() and (claim / "notes.ipynb").read_text() == "{}"


@needs_root
def test_files_belong_to_the_one_uid_of_containers(
    run: Any, layout: DataDirectory, claim: Path
) -> None:
    run("ana", claim)
    assert owners(layout.home("ana")) == {(1000, 1000)}


@needs_root
def test_with_sandboxes_everybody_gets_a_uid_of_their_own(
    run: Any, layout: DataDirectory, claim: Path
) -> None:
    (layout.root / "engine").write_text("local\n")
    run("ana", claim)
    run("bob", claim)
    first, second = (owners(layout.home(user)) for user in ("ana", "bob"))
    assert first != second
    for user, found in (("ana", first), ("bob", second)):
        ((uid, gid),) = found
        assert ensure_owner(find_engine("local"), layout, user) == (uid, gid)
        assert uid >= 200_000


@needs_root
def test_whose_files_become_is_not_guessed(run: Any, layout: DataDirectory, claim: Path) -> None:
    (layout.root / "engine").unlink()
    assert "--engine" in run("ana", claim, status=1)
    assert not layout.home("ana").exists()
    run("--engine", "docker", "ana", claim)
    assert layout.home("ana").stat().st_uid == 1000


def test_names_that_are_escaped(run: Any, layout: DataDirectory, claim: Path) -> None:
    run("Zoë@example.org", claim)
    assert "notes.ipynb" in names(layout.home("Zoë@example.org"))
    home = layout.home("Zoë@example.org").name
    assert names(layout.homes) == [".imports", ".owners", home]


def test_twice_is_once(run: Any, layout: DataDirectory, claim: Path) -> None:
    run("ana", claim)
    (layout.home("ana") / "notes.ipynb").unlink()
    assert "before" in run("ana", claim)
    assert not (layout.home("ana") / "notes.ipynb").exists()
    assert names(layout.homes / ".imports" / layout.home("ana").name) == []


def test_nothing_is_written_over(run: Any, layout: DataDirectory, claim: Path) -> None:
    run("ana", fill(claim.parent / "other", {"notes.ipynb": "hers"}))
    assert "~/notes.ipynb" in run("ana", claim, status=1)
    home = layout.home("ana")
    assert names(home) == ["notes.ipynb"]
    assert (home / "notes.ipynb").read_text() == "hers"
    run("--into", "before/2025", "ana", claim)
    assert (home / "before/2025/notes.ipynb").read_text() == "{}"
    # There, what every project has of its own can be seen.
    assert (home / "before/2025/.local").is_dir()
    assert owners(home) == owners(home / "before")


def test_what_comes_in_the_way_meanwhile_stays(
    run: Any, layout: DataDirectory, claim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(whole: int, target: int) -> None:
        (layout.home("ana") / "notes.ipynb").write_text("saved just now")

    monkeypatch.setattr(importing, "count_with", busy)
    assert "come in the way" in run("ana", claim, status=1)
    monkeypatch.undo()
    notes = layout.home("ana") / "notes.ipynb"
    assert notes.read_text() == "saved just now"
    notes.rename(notes.with_name("mine.ipynb"))
    run("ana", claim)
    assert notes.read_text() == "{}"
    assert "same.csv" in names(layout.home("ana"))


def test_another_folder_begins_anew(run: Any, layout: DataDirectory, claim: Path) -> None:
    draft = layout.homes / ".imports" / layout.home("ana").name
    fill(draft, {"about.json": "{}", "copied/of-another": "x", "whole/of-another": "x"})
    run("ana", claim)
    assert "of-another" not in names(layout.home("ana"))


def test_a_project_of_persistent_binderhub(run: Any, layout: DataDirectory, tmp_path: Path) -> None:
    """They are folders of a claim, and the image's home with a clone in it."""
    claim = fill(
        tmp_path / "claim-ana",
        {
            "gh_Owner_my_course/.git/HEAD": "ref: refs/heads/main",
            "gh_Owner_my_course/index.ipynb": "changed",
            "gh_Owner_my_course/.cache/x": "x",
            "gl_group_sub_other/README.md": "x",
        },
    )
    run("--project", "https://github.com/Owner/my_course", "ana", claim / "gh_Owner_my_course")
    run("--project", "https://gitlab.com/group/sub/other", "ana", claim / "gl_group_sub_other")
    home = layout.home("ana")
    mine = list_projects(layout, "ana")
    assert mine == ["projects/gitlab.com/group+sub/other", "projects/owner/my_course"]
    assert names(home / mine[1]) == [".git", "index.ipynb"]
    same = "git@github.com:owner/My_Course.git"
    again = run("--project", same, "ana", claim / "gl_group_sub_other", status=1)
    assert "~/projects/owner/my_course" in again


def test_a_list(run: Any, layout: DataDirectory, tmp_path: Path, claim: Path) -> None:
    home = fill(tmp_path / "home/jupyter-bob", {"x.py": "x"})
    lines = [
        "# from the old hub",
        f"ana\t{claim}",
        f"ana\t{home}\t~/gpu",
        "",
        f"bob\t{home}\tgh/owner/name/main",
    ]
    table = tmp_path / "people.tsv"
    table.write_text("\n".join(lines))
    told = run("--list", table)
    assert told.count("\n") == 2
    assert (layout.home("ana") / "gpu/x.py").exists()
    assert (layout.home("bob") / "projects/owner/name/x.py").exists()
    assert run("--list", table).count("before") == 3


def test_one_of_a_list_that_fails_holds_up_nobody(
    run: Any, layout: DataDirectory, tmp_path: Path, claim: Path
) -> None:
    fill(layout.home("ana"), {"notes.ipynb": "hers"})
    if ROOT:
        os.chown(layout.home("ana"), 1000, 1000)
    table = tmp_path / "people.tsv"
    table.write_text(f"ana\t{claim}\nbob\t{claim}\n")
    told = run("--list", table, status=1)
    assert "ana has this already" in told and "1 of 2 were not imported" in told
    assert (layout.home("bob") / "notes.ipynb").exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("ana /old/ana", "a person, a tab and a folder"),
        ("a/b\tFOLDER", "cannot be the"),
        ("ana\t/nowhere", "is no folder"),
        ("ana\tFOLDER\tnonsense at all", "Line 1"),
        ("ana\tFOLDER\t~/../up", "Line 1"),
        ("ana\tFOLDER\nana\tFOLDER", "Line 2 of the list: ana has that place already"),
        ("ana\tFOLDER\t~/a\u2028bob\tFOLDER", "Line 1"),
    ],
)
def test_a_list_is_understood_before_anything_is_done(
    run: Any, layout: DataDirectory, tmp_path: Path, claim: Path, lines: str, words: str
) -> None:
    table = tmp_path / "people.tsv"
    table.write_text(lines.replace("FOLDER", str(claim)))
    assert words in run("--list", table, status=1)
    assert names(layout.homes) == []


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "Name the person"),
        (["ana", "/nowhere"], "is no folder"),
        (["ana", "CLAIM/notes.ipynb"], "is no folder"),
        (["ana", "CLAIM/link"], "link to one"),
        (["ana", "DATA/homes"], "one in the other"),
        (["ana", "/"], "one in the other"),
        (["--into", "../x", "ana", "CLAIM"], "x"),
        (["--into", ".ssh", "ana", "CLAIM"], "hidden"),
        (["--project", "docker pull python:3.12", "ana", "CLAIM"], "no project"),
        (["--project", "gh/owner/name", "ana", "CLAIM"], "several things"),
        (["--list", "/nowhere"], "cannot be read"),
        (["--list", "x", "ana", "CLAIM"], "not both"),
    ],
)
def test_refusals_in_words(
    run: Any, layout: DataDirectory, claim: Path, argv: list[str], words: str
) -> None:
    argv = [arg.replace("CLAIM", str(claim)).replace("DATA", str(layout.root)) for arg in argv]
    assert words in run(*argv, status=1)
    assert not layout.home("ana").exists() or names(layout.home("ana")) == []


def test_no_link_is_followed_and_no_pipe_is_waited_for(
    run: Any, layout: DataDirectory, tmp_path: Path
) -> None:
    secret = fill(tmp_path / "root", {"secret": "of root"})
    home = fill(tmp_path / "old", {"x": "x"})
    (home / "folder").symlink_to(secret)
    (home / "file").symlink_to(secret / "secret")
    os.mkfifo(home / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "s"))
        told = run("ana", home)
    assert "no files: pipe, s" in told
    assert names(layout.home("ana")) == ["file", "folder", "x"]
    assert (layout.home("ana") / "folder").is_symlink()


def test_a_link_on_the_way_is_the_administrators(
    run: Any, layout: DataDirectory, tmp_path: Path
) -> None:
    """What a person can put in the way of a list leads nowhere; what root has there does."""
    fill(tmp_path / "homes/bob/data/work", {"x": "bob's"})
    ana = fill(tmp_path / "homes/ana", {"y": "y"})
    (ana / "data").symlink_to("../bob/data")
    ana.chmod(0o775)
    assert "somebody else" in run("ana", ana / "data/work", status=1)
    assert names(layout.home("ana")) == []
    (tmp_path / "old").symlink_to("homes")
    run("bob", tmp_path / "old/bob/data/work")
    assert names(layout.home("bob")) == ["x"]


def test_no_name_of_a_file_is_a_command_of_the_terminal(
    run: Any, layout: DataDirectory, tmp_path: Path
) -> None:
    old = fill(tmp_path / "old", {"\x1b[2Jx": "x"})
    os.mkfifo(old / "\x1b]0;owned\x07")
    os.mkfifo(os.fsencode(old) + b"/caf\xe9")
    told = run("ana", old)
    assert "no files: " in told and "caf" in told and not {"\x1b", "\x07"} & {*told}
    again = fill(tmp_path / "again", {"\x1b[2Jx": "x"})
    assert "\x1b" not in run("ana", again, status=1)


def test_a_link_in_the_home_leads_nowhere(run: Any, layout: DataDirectory, claim: Path) -> None:
    outside = claim.parent / "outside"
    outside.mkdir()
    run("ana", fill(claim.parent / "first", {"x": "x"}))
    (layout.home("ana") / "old").symlink_to(outside)
    assert "link or a file" in run("--into", "old/2025", "ana", claim, status=1)
    assert names(outside) == []


def test_too_deep_is_said(run: Any, layout: DataDirectory, tmp_path: Path) -> None:
    make_deep(tmp_path / "deep", 300)
    assert "within each other" in run("ana", tmp_path / "deep", status=1)
    assert names(layout.home("ana")) == []


@pytest.mark.skipif(ROOT, reason="root can read everything")
def test_a_folder_that_is_closed_is_said(run: Any, layout: DataDirectory, claim: Path) -> None:
    closed = fill(claim.parent / "closed", {"home/x": "x"})
    closed.chmod(0)
    assert "no folder that can be read" in run("ana", closed, status=1)
    assert "no folder that can be read" in run("ana", closed / "home", status=1)
    closed.chmod(0o700)


@pytest.mark.skipif(ROOT, reason="root can read everything")
def test_what_cannot_be_read_is_said(run: Any, layout: DataDirectory, claim: Path) -> None:
    (claim / "data").chmod(0)
    told = run("ana", claim, status=1)
    assert "cannot be read" in told and "data" in told
    assert names(layout.home("ana")) == []
    (claim / "data").chmod(0o700)
    run("ana", claim)
    assert (layout.home("ana") / "data/a.csv").exists()


def test_one_import_at_a_time(run: Any, layout: DataDirectory, claim: Path) -> None:
    draft = layout.homes / ".imports" / layout.home("ana").name
    draft.mkdir(parents=True)
    with held(draft):
        assert "just being imported" in run("ana", claim, status=1)


class OldHub(Quiet):
    """What the page asks of a persistent_binderhub."""

    ANSWERS = {
        "/hub/api/users": [{"name": "ana"}, {"name": "zo\u00eb@example.org"}],
        "/hub/api/projects/ana": {
            "projects": [
                {"repo_url": "https://github.com/Owner/my_course"},
                {"repo_url": "https://example.org/some/repo.git"},
            ]
        },
        "/hub/api/projects/zo%C3%AB%40example.org": {"projects": []},
        "/hub/api/groups": [{"name": "staff", "users": ["ana"], "kind": "group"}],
    }

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "token secret" and self.path in self.ANSWERS
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(json.dumps(self.ANSWERS.get(self.path)).encode())


def sh(script: str, folder: Path, **variables: str) -> str:
    """What a block of the page prints, run where it can do no harm."""
    environment = {**os.environ, "HOME": str(folder), **variables}
    argv = ["bash", "-euc", script]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def block(part: str) -> str:
    """The one block of the page that has these words."""
    [found] = [text for text in blocks_of(PAGE, "sh") if part in text]
    return found


def ours(layout: DataDirectory) -> str:
    """The command as it is called here."""
    command = [sys.executable, "-m", "binderhub_ext", "admin", "--data-dir", str(layout.root)]
    return shlex.join(command)


def test_the_page_moves_projects_of_persistent_binderhub(
    layout: DataDirectory, tmp_path: Path
) -> None:
    for folder in ("gh_Owner_my_course", "git_some_repo"):
        fill(tmp_path / "old/ana" / folder, {"index.ipynb": "changed"})
    (tmp_path / "projects.py").write_text(files_of(PAGE)["projects.py"].replace("/old/", "old/"))
    with serving(OldHub) as address:
        script = block("projects.py https").replace("https://old.example.org", address)
        told = sh(
            script.replace("python3", sys.executable).replace("binder-at-home admin", ours(layout)),
            tmp_path,
            TOKEN="secret",
        )
    assert told.count("ana: 1 files") == 2
    assert list_projects(layout, "ana") == [
        "projects/example.org/some/repo",
        "projects/owner/my_course",
    ]


class LyingHub(OldHub):
    """One on which somebody has a project whose address is more than one line of a list."""

    ANSWERS = {
        "/hub/api/users": [{"name": "ana"}],
        "/hub/api/projects/ana": {
            "projects": [{"repo_url": "https://github.com/a/b\nana\t/old/bob/gh_b_c\t~/bobs"}]
        },
    }


def test_no_project_is_more_than_a_line_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "projects.py").write_text(files_of(PAGE)["projects.py"])
    with serving(LyingHub) as address:
        script = block("projects.py https").replace("https://old.example.org", address)
        script = script.replace("python3", sys.executable).partition(">")[0]
        told = sh(script, tmp_path, TOKEN="secret")
    [line] = told.splitlines()
    assert line.count("\t") == 2


def test_the_page_moves_accounts_of_the_littlest_jupyterhub(
    layout: DataDirectory, tmp_path: Path
) -> None:
    for name in ("jupyter-ana", "jupyter-bob-b"):
        fill(tmp_path / "home" / name, {"work.ipynb": name})
    script = block("/home/jupyter-*").replace("/home/jupyter-", f"{tmp_path}/home/jupyter-")
    sh(script.replace("binder-at-home admin", ours(layout)), tmp_path)
    for user in ("ana", "bob-b"):
        assert (layout.home(user) / "work.ipynb").read_text() == f"jupyter-{user}"


def test_the_page_makes_groups(tmp_path: Path) -> None:
    with serving(OldHub) as address:
        script = block("api/groups").replace("https://old.example.org", address)
        told = sh(script, tmp_path, TOKEN="secret")
    name, _, value = told.partition(" = ")
    assert name == "c.JupyterHub.load_groups"
    assert json.loads(value) == {"staff": {"users": ["ana"]}}


def test_the_page_writes_a_job_for_each_claim(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("claim-ana ana\nclaim-ana--gpu ana gpu\n")
    (tmp_path / "import.yaml").write_text(files_of(PAGE)["import.yaml"])
    loop = block("while read -r claim").partition("done <claims")[0] + "done <claims"
    jobs = sh(loop.replace("kubectl -n hub create -f -", "cat"), tmp_path)
    assert 'import, "--into=", "ana", /old]' in jobs
    assert 'import, "--into=servers/gpu", "ana", /old]' in jobs
    assert 'claimName: "claim-ana--gpu"' in jobs
