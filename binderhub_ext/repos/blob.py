"""One file of a commit, from what is kept here; asks no host."""

from __future__ import annotations

from ..core.errors import NotFound, TooLarge
from ..core.layout import DataDirectory
from ..core.repo import Commit
from ..programs import ProcessFailed
from .command import Call, run
from .submodules import entries

_FILE = "100"
"""How the modes of files begin; a link's target is anybody's."""

_SECONDS, _NAMES = 5, 65_536


async def blob(layout: DataDirectory, commit: Commit, path: str, most: int) -> bytes | None:
    """What is in a file of a commit; nothing if the commit was not fetched yet.

    Args:
        path: as of :func:`~.core.plain.relative_path`.
        most: bytes that it may have.

    Raises:
        NotFound: there is no such file.
        TooLarge: it has more.
    """
    objects = layout.sources(commit.repo) / "objects.git"
    if not objects.is_dir():
        return None
    # `^{commit}` is looked up, never read as an option
    listing = ["ls-tree", "-z", "--long", "--full-tree", f"{commit.id}^{{commit}}", "--", path]
    literal = {"GIT_LITERAL_PATHSPECS": "1"}
    try:
        call = Call(listing, objects, _SECONDS, environment=literal, output_limit=_NAMES)
        listed = await run(call)
    except (ProcessFailed, FileNotFoundError):
        return None
    file = next((one for one in entries(listed) if one.path == path), None)
    if file is None or not file.mode.startswith(_FILE):
        raise NotFound("There is no such file in the repository.")
    if file.size > most:
        raise TooLarge("The file is too large.")
    return await run(Call(["cat-file", "blob", file.id], objects, _SECONDS, output_limit=most))
