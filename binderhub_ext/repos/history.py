"""A real checkout's `.git`: as little of the history as `git describe` needs.

Git makes it anew, from nothing but objects: no hook, no setting, no filter and no other repository
is named in it, whoever made the commit. What can be read in it follows from the commit's id and
the tags', so that whoever names these names all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from ..programs import ProcessFailed
from .command import Call, run

_ROUNDS = 20
_NOTHING: Mapping[str, str] = MappingProxyType({})


async def add_history(objects: Path, id: str, tags: Iterable[tuple[str, str]], into: Path) -> None:
    """Make a folder with a commit's files the checkout of that commit.

    Args:
        objects: a bare repository that has the commit and the tags.
        tags: their names and objects.
        into: absolute path of the folder.

    Raises:
        ProcessFailed
    """
    tags = list(tags)
    peeled = [f"{tag}^{{commit}}" for _, tag in tags]
    named = (await _git(objects, "rev-parse", *peeled)).decode().split() if tags else []
    commits = await _needed(objects, id, named)
    wanted = _lines(sorted(commits))
    of_all = await _parents(objects, "--no-walk", "--stdin", stdin=wanted)
    cut = {one for one, parents in of_all.items() if not commits.issuperset(parents)}
    if (objects / "shallow").exists():
        cut |= commits & set((objects / "shallow").read_text().split())
    kind = "sha256" if len(id) == 64 else "sha1"
    # Its files may be such that Git would take the folder for a repository of their making.
    new = {"GIT_DIR": str(into / ".git"), "GIT_WORK_TREE": str(into)}
    await _git(into, "init", "--quiet", "--template=", f"--object-format={kind}", env=new)
    listed = await _git(objects, "rev-list", "--objects", "--no-walk", "--stdin", stdin=wanted)
    listed += _lines(tag for _, tag in tags)
    pack = str(into / ".git/objects/pack/pack")
    await _git(objects, "pack-objects", "--quiet", pack, stdin=listed)
    if cut:
        (into / ".git/shallow").write_bytes(_lines(sorted(cut)))
    names = _lines(f"create refs/tags/{name} {tag}" for name, tag in tags)
    await _git(into, "update-ref", "--stdin", stdin=names, env=new)
    await _git(into, "update-ref", "--no-deref", "HEAD", id, env=new)
    await _git(into, "read-tree", "HEAD", env=new)


async def _needed(objects: Path, id: str, tagged: list[str]) -> set[str]:
    """All commits since the tagged ones, and those before by which both sides of a merge meet.

    Without the latter `git describe` would count commits that the tag has too.
    """
    ends = set(tagged)
    for _ in range(_ROUNDS if tagged else 0):
        try:
            bases = await _git(objects, "merge-base", "--octopus", *sorted(ends))
        except ProcessFailed:  # they have nothing in common
            break
        bottom = bases.decode().split()[0]
        parents = await _parents(objects, id, f"^{bottom}")
        commits = {*parents, bottom}
        around = {parent for of in parents.values() for parent in of} - commits
        if not around:
            return commits
        ends = {bottom, *around}
    return set(await _parents(objects, id)) if tagged else {id}


async def _parents(objects: Path, *asked: str, stdin: bytes = b"") -> Mapping[str, tuple[str, ...]]:
    """The commits that `git rev-list` lists, with their parents."""
    listed = await _git(objects, "rev-list", "--parents", *asked, stdin=stdin)
    lines = listed.decode().splitlines()
    return {words[0]: tuple(words[1:]) for words in map(str.split, lines)}


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


async def _git(
    directory: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] = _NOTHING
) -> bytes:
    call = Call(arguments, directory, timeout=600, stdin=stdin, output_limit=2**29, environment=env)
    return await run(call)
