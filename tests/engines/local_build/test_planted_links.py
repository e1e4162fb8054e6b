"""Each path of a build that strangers can change becomes a link between two steps.

Their code is played by :class:`Stranger` in place of the sandbox, with the very folders that the
sandbox would let it write; everything else of a build is real, except that packages come from here.
First it does what an honest repository does, and every path that is then there, or is made later
by us, is noted. Then one build for each step and each path: the step leaves a link at that path
to the same place of a copy, which belongs to somebody else, and the copy stays as it was.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, partialmethod
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hostile import snapshot

from binderhub_ext.core.errors import BinderError
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.detect import Detection
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.buildsandbox import REPO, BuildSandbox
from binderhub_ext.engines.local.interpreters import Interpreter
from binderhub_ext.engines.local.ownuv import OwnUv
from binderhub_ext.engines.local.plan import Plan
from binderhub_ext.engines.local.sandbox import HOME, Sandbox
from binderhub_ext.programs import Log
from binderhub_ext.repos.base import Source

SITE = "lib/python3.11/site-packages"
FILES = {
    "setup.py": "",
    "postBuild": "#!/bin/sh\n",
    "start": "#!/bin/sh\n",
    "data/here.txt": "x",
}
NOBODY = 65_000


@dataclass
class Stranger:
    """What the code of a repository does in each step of a build.

    Attributes:
        plant: after which step, at which path, a link to which place.
        folders: what each step could change.
        seen: what was there at its end.
    """

    plant: tuple[int, Path, Path] | None = None
    folders: list[list[Path]] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)

    def step(self, workshop: BuildSandbox, sandbox: Sandbox) -> None:
        """One program of the build."""
        binds = [bind for bind in sandbox.binds if not bind.read_only]
        open_to_it = {str(bind.target): Path(str(bind.source)) for bind in binds}
        self._work(workshop, open_to_it)
        self.folders.append(list(open_to_it.values()))
        self.seen |= {path for folder in self.folders[-1] for path in folder.rglob("*")}
        if self.plant and self.plant[0] == len(self.folders) - 1:
            _link(*self.plant[1:])

    def _work(self, workshop: BuildSandbox, open_to_it: dict[str, Path]) -> None:
        environment = str(workshop.environment)
        if environment not in open_to_it:  # the trial
            compiled = open_to_it[str(workshop.bytecode)] / environment.lstrip("/") / SITE
            compiled.mkdir(parents=True, exist_ok=True)
            (compiled / "more.cpython-311.pyc").write_text("x")
            (open_to_it[HOME] / ".cache").mkdir()
            return
        if self.plant and self.plant[0] < len(self.folders):
            return  # whatever is done through a link inside of a sandbox stays there
        for folder in (open_to_it[REPO], open_to_it[environment] / SITE, open_to_it[HOME]):
            made = folder / f"made{len(self.folders)}"
            made.mkdir(exist_ok=True)
            (made / "file.py").write_text("x")


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


async def _play(workshop: BuildSandbox, stranger: Stranger, sandbox: Sandbox, log: Log) -> None:
    """In place of :meth:`BuildSandbox.run`."""
    stranger.step(workshop, sandbox)
    log.add("done")


async def _packages(own: OwnUv, argv: Sequence[str], log: Log) -> None:
    """In place of our own uv: an environment of two files."""
    log.add("Audited 2 packages in 1ms")
    site = own.path / SITE
    site.mkdir(parents=True, exist_ok=True)
    python = own.path / "bin" / "python"
    for file in (site / "six.py", site / "more.py", python):
        file.parent.mkdir(exist_ok=True)
        file.touch()


class Machine:
    """A builder, and one repository that runs code of its own in every way."""

    def __init__(self, folder: Path, python: tuple[int, int, int]) -> None:
        self.builder = LocalBuilder(data_dir=str(folder / "data"))
        self.source = _source(folder)
        reasons = ("the repository is itself a Python package",)
        files = tuple((name, "0") for name in FILES if "/" not in name)
        detection = Detection("PythonBuildPack", "", "3.11", "", files, reasons, False)
        self.plan = self._plan(detection, python)
        plain = Detection("PythonBuildPack", "", "3.11", "", (), (), False)
        self.builder._machine = (Interpreter((3, 11, 0), "/usr/bin/python3", "/usr"),)
        self.model = self._plan(plain, (3, 11, 0))

    def _plan(self, detection: Detection, python: tuple[int, int, int]) -> Plan:
        interpreter = Interpreter(python, "/usr/bin/python3", "/usr")
        return self.builder._decide(detection, interpreter, self.source.tree)

    def build(self, plan: Plan, stranger: Stranger) -> Path | None:
        """The environment; `None` if there is none, which has been said in words."""
        self.builder.store.remove(plan.environment.key)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BuildSandbox, "run", partialmethod(_play, stranger))
            patch.setattr(OwnUv, "_run", _packages)
            try:
                return asyncio.run(self._image(plan))
            except BinderError:
                return None

    async def _image(self, plan: Plan) -> Path:
        source = self.source if plan is self.plan else None
        image = await self.builder._ensure(plan, source, unheard)
        return self.builder.store.path(image.name)


def _source(folder: Path) -> Source:
    origin, bundle = folder / "origin", folder / "commit.bundle"
    for name, text in FILES.items():
        file = origin / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        (*identity, "commit", "-qm", "one"),
        ("bundle", "create", "-q", str(bundle), "HEAD"),
    ):
        subprocess.run(["git", *arguments], cwd=origin, check=True)
    tree = subprocess.check_output(["git", "rev-parse", "HEAD^{tree}"], cwd=origin, text=True)
    commit = Commit(Repo("git", "x", "https://example.org/x"), "main", "0")
    return Source(commit, bundle, tree.strip())


def _copy(canary: Path, paths: set[Path]) -> Callable[[Path], Path]:
    """Somebody else's files in a place for each path; says which is whose."""
    places = {path: canary / str(path).lstrip("/") for path in paths}
    for path, place in places.items():
        folder = place if path.is_dir() or path.suffix == "" else place.parent
        folder.mkdir(parents=True, exist_ok=True)
    for place in places.values():
        if not place.is_dir():
            place.write_text("of ana")
    for place in sorted(canary.rglob("*")):
        place.chmod(0o700 if place.is_dir() else 0o600)
    return places.__getitem__


def attempts(folder: Path, python: tuple[int, int, int] = (3, 11, 0)) -> list[str]:
    """Every step with every path; says which changed anything elsewhere.

    Args:
        python: what the repository asks for.
    """
    machine = Machine(folder, python)
    assert machine.build(machine.model, Stranger())
    honest = Stranger()
    environment = machine.build(machine.plan, honest)
    assert environment, "the honest build"
    made = set(environment.rglob("*"))
    assert environment / SITE / "__pycache__" / "more.cpython-311.pyc" in made
    for place in ("repo", "home"):
        assert environment / ".binder" / "made" / place / "made1" / "file.py" in made
    paths = made | honest.seen
    canary = folder / "canary"
    copied = _copy(canary, paths)
    before = snapshot(canary)
    found = []
    for step, folders in enumerate(honest.folders):
        for path in sorted(filter(partial(_in_one_of, folders), paths)):
            machine.build(machine.plan, Stranger((step, path, copied(path))))
            if snapshot(canary) != before:
                found.append(f"{path} after step {step}")
                shutil.rmtree(canary)
                _copy(canary, paths)
                before = snapshot(canary)
    assert len(honest.folders) == 3
    return found


def _in_one_of(folders: list[Path], path: Path) -> bool:
    return any(path.is_relative_to(folder) and path != folder for folder in folders)


def test_nothing_is_followed(tmp_path: Path) -> None:
    """As whoever runs the tests; in CI that is root."""
    assert attempts(tmp_path) == []


def test_nothing_is_followed_where_the_server_is_apart(tmp_path: Path) -> None:
    """Its environment is made where the repository's code could have left anything."""
    assert attempts(tmp_path, (3, 7, 0)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the other test ran as an ordinary user")
def test_nothing_is_followed_by_an_ordinary_user() -> None:
    with TemporaryDirectory(prefix="bu-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        assert _as_nobody(lambda: attempts(Path(folder))) == []


def _as_nobody(action: Callable[[], list[str]]) -> list[str]:
    """What an action returns in a process of an ordinary user."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        result = ["the child failed"]
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.chdir("/")
            result = action()
        except BaseException as error:
            result = [repr(error)]
        finally:
            os.write(writing, pickle.dumps(result)[:65536])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer: list[str] = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    return answer
