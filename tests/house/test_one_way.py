"""What the house does in one way is done nowhere in another."""

from __future__ import annotations

import ast
import errno
import multiprocessing
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import SOON

import binderhub_ext
from binderhub_ext.core import errors
from binderhub_ext.core.errors import NoSpace
from binderhub_ext.locks import held, held_if_free, held_in_turn
from binderhub_ext.programs import passed_on

ROOT = Path(binderhub_ext.__file__).parent
ERRORS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception)
}
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.rglob("*.py"))}


@pytest.mark.parametrize(
    ("words", "home"),
    [
        (r"fcntl\.flock", "locks.py"),
        (r"create_subprocess_(exec|shell)", "programs.py"),
        (r"ENOSPC|EDQUOT|(?i:no space left on)", "core/errors.py"),
        (r"['\"](HTTPS?|https?|NO|no)_(PROXY|proxy)['\"]", "programs.py"),
        (r"except BadTicket", "core/launch.py"),
        (r"ByteSpecification", "traits.py"),
    ],
)
def test_it_stands_in_one_file(words: str, home: str) -> None:
    found = {name for name, text in SOURCES.items() if re.search(words, text)}
    assert found <= {home, *_ALLOWED.get(home, ())}


_ALLOWED = {
    # an answer of a registry is recognised by its own table of words
    "core/errors.py": {"engines/containers/complaints.py"},
    # the Hub's gate refuses with it
    "core/launch.py": {"engines/spawner.py"},
}


def test_an_error_is_made_where_it_is_raised() -> None:
    """One that is raised again and again keeps every frame that it came through, with all that is
    in them: strangers could fill the memory.
    """
    kept = []
    for name, text in SOURCES.items():
        for part in _lasting(ast.parse(text)):
            value = part.value if isinstance(part, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Call) and ast.unparse(value.func) in ERRORS:
                kept.append(f"{name}:{part.lineno}")
    assert kept == []


WAITS = re.compile(
    r"(asyncio\.timeout|subprocess\.(run|call|check_output)|urlopen|requests\.\w+|session\.\w+"
    r"|\.(communicate|click|wait_for\w*|to_\w+))$"
)
IN_A_KERNEL = "tries.py"
"""Is code for somebody's server, where nothing of ours is."""


def test_how_long_tests_wait_for_what_comes_is_said_in_one_place() -> None:
    """Else one of thousands is impatient, and fails where a machine is busy."""
    tests = Path(__file__).parents[1]
    found = []
    for path in sorted(tests.rglob("*.py")):
        calls = (
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        )
        for call in calls:
            name = ast.unparse(call.func)
            times = [one.value for one in call.keywords if one.arg == "timeout"]
            times += call.args if name == "asyncio.timeout" else []
            if WAITS.search(name) and any(isinstance(time, ast.Constant) for time in times):
                found.append(f"{path.relative_to(tests)}:{call.lineno}")
    assert [place for place in found if not place.startswith(IN_A_KERNEL)] == []


def _lasting(body: ast.Module | ast.ClassDef) -> Iterator[ast.stmt]:
    """What is done once, when a module is read."""
    for part in body.body:
        yield part
        if isinstance(part, ast.ClassDef):
            yield from _lasting(part)


def test_workers_are_whole_when_they_are_made() -> None:
    """Only programs have a `setup`: theirs is a part of their life."""
    found = {name for name, text in SOURCES.items() if re.search(r"def setup\(", text)}
    assert found <= {"app.py"}


def test_what_is_passed_on() -> None:
    environ = {"PATH": "/bin", "PIP_INDEX_URL": "x", "SECRET": "x", "PIPE": "x"}
    assert passed_on(environ, "PATH", "PIP_*") == {"PATH": "/bin", "PIP_INDEX_URL": "x"}
    assert passed_on(environ) == {}


def test_a_full_disk_is_known_by_words_and_by_number() -> None:
    for words in ("fatal: write error: No space left on device", "error: Disk quota exceeded"):
        assert NoSpace.in_text(words)
    assert not NoSpace.in_text("error: quota of requests")
    assert NoSpace.caused(OSError(errno.EDQUOT, "x")) and NoSpace.caused(OSError(errno.ENOSPC, ""))
    assert not NoSpace.caused(OSError(errno.EACCES, "x")) and not NoSpace.caused(ValueError())


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_a_lock_is_held_by_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lock"
    if kind == "folder":
        path.mkdir()
    with held(path) as descriptor:
        assert not os.get_inheritable(descriptor)
        with held_if_free(path) as free:
            assert not free
    async with held_in_turn(path):
        pass
    with held_if_free(path) as free:
        assert free
    assert kind == "folder" or path.stat().st_mode & 0o777 == 0o600


def _hold(path: Path, told: multiprocessing.synchronize.Event) -> None:
    with held(path):
        told.set()
        os.kill(os.getpid(), 9)


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    told = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "lock", told))
    holder.start()
    assert told.wait(SOON)
    holder.join()
    with held_if_free(tmp_path / "lock") as free:
        assert free
