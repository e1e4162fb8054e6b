"""An engine that builds nothing but keeps every promise of the interface, in memory.

For tests of what is above engines. `Images` made by it exist only as names; a test tells it how
a build goes by the files' content: `fail` in the tree's name fails, and so on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from traitlets import Any, Dict, Float, Int, List, Unicode

from binderhub_ext.core.errors import BuildFailed, NoSpace, Unsupported
from binderhub_ext.core.progress import Event, Phase, Tell
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.engines.base import Builder, Check, Engine, Environment, Image
from binderhub_ext.engines.checks import free_space, git
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.listing import listed

ENGINE = Engine(
    "memory",
    "memory_engine:MemoryBuilder",
    "jupyterhub.spawner.SimpleLocalProcessSpawner",
    secrets=True,
)

NOTED = "devcontainer.json"
"""A file of which this engine says that it does not count."""


class MemoryBuilder(Builder):
    """Builds in no time, unless told to take some."""

    seconds = Float(0, help="How long a build takes.").tag(config=True)
    lines = Int(3, help="Lines of log a build prints.").tag(config=True)
    recipe = Unicode("1", help="Raised when it builds something else of the same files.")
    fail = Any(lambda key: False, help="Which keys fail.")
    key_of = Any(lambda source: f"env-{source.tree}", help="The environment of a source.")
    built: dict[str, Image] = Dict()  # type: ignore[assignment]
    started: list[str] = List()  # type: ignore[assignment]
    ended: list[str] = List()  # type: ignore[assignment]
    surplus: list[str] = List(help="Keys of what is garbage.")  # type: ignore[assignment]
    plans = Int()
    held = Unicode(help="A file; as long as it is there, no build ends.").tag(config=True)

    prepulled: list[tuple[str, str]] = List()  # type: ignore[assignment]

    async def basis(self) -> str:
        return self.recipe

    async def plan(self, source: Source) -> Environment:
        self.plans += 1
        if await listed(source, ["Dockerfile"]):
            raise Unsupported("Dockerfile: this engine has none. Another engine can build it.")
        files = ("requirements.txt",)
        noted = await listed(source, [NOTED])
        notes = [Sentence("{path} does not count beside {files}", path=NOTED, files=files[0])]
        facts = files, tuple(notes if noted else ())
        return Environment(self.key_of(source), "Python, in memory", *facts)

    async def find(self, environment: Environment) -> Image | None:
        return self.built.get(environment.key)

    async def plain(self) -> Environment:
        return Environment("env-plain", "Python, in memory")

    async def build(self, environment: Environment, source: Source | None, tell: Tell) -> Image:
        self.started.append(environment.key)
        try:
            for line in range(self.lines):
                tell(Event.log(Phase.BUILDING, f"line {line}"))
                await asyncio.sleep(self.seconds / self.lines)
            while self.held and Path(self.held).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            if self.fail(environment.key):
                raise BuildFailed("The requirements cannot be solved.", detail="no such package")
            image = self.built[environment.key] = Image(f"image-{environment.key}", environment.key)
            tell(Event(Phase.BUILT, Sentence("Built.")))
            return image
        finally:
            self.ended.append(environment.key)

    async def prepull(self, image: Image, size: str, tell: Tell) -> Sentence:
        """As on a cluster of two nodes, of which one cannot."""
        self.prepulled.append((image.name, size))
        await asyncio.sleep(self.seconds)
        words = Sentence("node-2: Its disk is too full for the image.")
        tell(Event(Phase.BUILT, words, {"attention": words, "progress": 50}))
        return Sentence("It is on {done} of {count} nodes.", done=1, count=2)

    async def images(self) -> list[Image]:
        return list(self.built.values())

    async def remove(self, image: Image) -> bool:
        return self.built.pop(image.key, None) is not None

    async def collect_garbage(self, keep: Collection[str] = ()) -> list[Image]:
        surplus = [key for key in self.surplus if key in self.built and key not in keep]
        return [self.built.pop(key) for key in surplus]

    async def checks(self) -> list[Check]:
        return [git(), free_space(Path("/"), 1), free_space(Path("/"), 1 << 62)]


class MemoryRepos:
    """A provider whose commits are the refs themselves and whose files are their names."""

    def __init__(self, tree: Callable[[Commit], str] = lambda commit: commit.id) -> None:
        self.tree = tree
        self.fetched: list[str] = []
        self.bundling = asyncio.Event()
        self.bundling.set()
        self.full: NoSpace | None = None
        self.closed = False

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        return Commit(repo, ref, ref)

    def find(self, commit: Commit) -> Source | None:
        if commit.id not in self.fetched or not self.bundling.is_set() or self.full:
            return None
        return Source(commit, Path("/nowhere"), self.tree(commit))

    async def readable(self, commit: Commit, tell: Tell) -> Source:
        self.fetched.append(commit.id)
        tell(Event(Phase.FETCHING, Sentence("Fetching {commit}", commit=commit.id)))
        await asyncio.sleep(0)
        return Source(commit, Path("/nowhere"), self.tree(commit))

    async def fetch(self, commit: Commit, tell: Tell) -> Source:
        await self.bundling.wait()
        if self.full:
            raise self.full
        return Source(commit, Path("/nowhere"), self.tree(commit))

    async def close(self) -> None:
        self.closed = True
