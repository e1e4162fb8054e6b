"""`binder-at-home sync`, as it is typed, against real repositories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from gitserver import GitServer, RepoHandle

from binderhub_ext.commands.sync import main

FIRST = {"a.txt": "a1\n", "b.txt": "b1\n", "gone.txt": "g\n"}
SECOND = {"a.txt": "a2\n", "b.txt": "b2\n", "new.txt": "n\n", "gone.txt": None}
CONFIG = """
c = get_config()
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users of this machine may pass through."""
    with TemporaryDirectory(prefix="bh-sync-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def config(place: Path) -> Path:
    path = place / "config.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[RepoHandle]:
    with GitServer(tmp_path / "git") as server:
        yield server.create_repo("me/mine", FIRST)


def sync(config: Path, repo: str, into: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["sync", "--repo", repo, "--into", str(into), "-f", str(config), *more]
    return subprocess.run(
        [sys.executable, "-P", "-m", "binderhub_ext", *words], capture_output=True, text=True
    )


def files(into: Path) -> dict[str, str]:
    found = [p for p in into.rglob("*") if p.is_file() and ".git" not in p.parts]
    return {str(p.relative_to(into)): p.read_text() for p in found}


def test_two_commits_and_edits(config: Path, repo: RepoHandle, place: Path) -> None:
    into = place / "project"
    made = sync(config, repo.url, into)
    assert (made.returncode, files(into)) == (0, FIRST), made.stderr
    assert "3 files" in made.stdout

    new = repo.commit(SECOND)
    (into / "a.txt").write_text("mine")
    (into / "own.txt").write_text("own")
    planned = sync(config, repo.url, into, "--plan")
    assert "a.txt: changed by you and in the repository" in planned.stdout
    assert files(into)["b.txt"] == "b1\n"
    done = sync(config, repo.url, into, "--ref", "main")
    assert done.returncode == 0, done.stderr
    beside = f"a.incoming-{new[:7]}.txt"
    assert f"a.txt: changed by you: yours stays, the repository's is {beside}" in done.stdout
    assert "gone.txt: removed" in done.stdout
    now = files(into)
    assert now.pop(f"incoming-{new[:7]}.md")
    assert now == {
        "a.txt": "mine", "b.txt": "b2\n", "new.txt": "n\n", "own.txt": "own", beside: "a2\n"
    }  # fmt: skip
    again = sync(config, repo.url, into, "--json")
    assert json.loads(again.stdout)["state"] == "unchanged"


@pytest.mark.parametrize(("keep", "kept"), [("mine", "mine"), ("theirs", "a2\n")])
def test_the_choice(config: Path, repo: RepoHandle, place: Path, keep: str, kept: str) -> None:
    into = place / "project"
    sync(config, repo.url, into)
    new = repo.commit(SECOND)
    (into / "a.txt").write_text("mine")
    done = sync(config, repo.url, into, "--keep", keep, "--json")
    report = json.loads(done.stdout)
    assert report["commit"] == new
    assert files(into)["a.txt"] == kept
    assert "mine" in files(into).values()


def test_another_commit_by_its_id(config: Path, repo: RepoHandle, place: Path) -> None:
    old = repo.git("rev-parse", "main")
    repo.commit(SECOND)
    into = place / "project"
    sync(config, repo.url, into)
    assert sync(config, repo.url, into, "--ref", old).returncode == 0
    assert files(into) == FIRST


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests do not run as root")
def test_root_works_as_the_folders_owner(config: Path, repo: RepoHandle, place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 30_001, 30_001)
    done = sync(config, repo.url, home / "project")
    assert done.returncode == 0, done.stderr + done.stdout
    assert {p.stat().st_uid for p in (home / "project").rglob("*")} == {30_001}
    # and so cannot be led out of it
    (home / "link").symlink_to("/etc")
    led = sync(config, repo.url, home / "link")
    assert led.returncode == 1 and "Traceback" not in led.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repo", "not a repository", "--into", "x"], "bad-link"),
        (["--repo", "o/n", "--ref", "a b..c", "--into", "x"], "bad-link"),
        (["--repo", "quay.io/jupyter/base-notebook:x", "--into", "x"], "bad-link"),
        (["--repo", "https://github.com/o/n", "--into", "/"], "bad-folder"),
        (["--repo", "https://github.com/o/n", "--into", ".."], "bad-folder"),
        (["--repo", "https://github.com/o/n", "--into", "/nowhere/at/all"], "bad-folder"),
        (["--repo", "https://github.com/o/n", "--into", "a\0b"], "bad-folder"),
    ],
)
def test_bad_input_is_words_and_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert f"({said})" in capsys.readouterr().err
    assert main([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == said


@pytest.mark.parametrize("words", [["--keep", "none"], []])
def test_what_argparse_refuses_is_2_as_well(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--repo", "o/n", *words])
    assert refused.value.code == 2


def test_no_such_repository_and_no_such_ref(config: Path, repo: RepoHandle, place: Path) -> None:
    missing = sync(config, repo.url.replace("mine", "theirs"), place / "p")
    assert missing.returncode == 1 and "(repo-not-found)" in missing.stderr
    ref = sync(config, repo.url, place / "p", "--ref", "nope")
    assert ref.returncode == 1 and "(ref-not-found)" in ref.stderr
    assert not (place / "p").exists()


def test_what_is_not_ours_is_left_alone(config: Path, repo: RepoHandle, place: Path) -> None:
    into = place / "project"
    into.mkdir()
    (into / "work.txt").write_text("work")
    done = sync(config, repo.url, into)
    assert done.returncode == 1
    assert "ename the folder" in done.stdout
    assert files(into) == {"work.txt": "work"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_killed_leaves_nothing_beyond_the_next_run(
    config: Path, repo: RepoHandle, place: Path, how: signal.Signals
) -> None:
    (temporary := place / "tmp").mkdir()
    env = {**os.environ, "TMPDIR": str(temporary)}
    words = ["sync", "--repo", repo.url, "--into", str(place / "x"), "-f", str(config)]
    argv = [sys.executable, "-P", "-m", "binderhub_ext", *words]
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL) as process:
        while not list(temporary.glob("*/.scratch-*/*")):
            assert process.poll() is None
        process.send_signal(how)
    left = list(temporary.glob("*/.scratch-*"))
    assert bool(left) == (how is signal.SIGKILL)
    subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)
    assert not list(temporary.glob("*/.scratch-*"))
    assert files(place / "x") == FIRST
