"""What a commit says of itself, from what is kept here; asks no host."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.layout import DataDirectory
from ..core.repo import Commit
from ..programs import ProcessFailed
from .command import Call, run

_FORMAT = "%aI%x00%an%x00%s"
_SECONDS = 5


@dataclass(frozen=True)
class About:
    """A commit's own words: whoever made it may have written anything.

    Attributes:
        date: when it was written, ISO 8601.
        author: a name, without the address.
        subject: the first line of its message.
    """

    date: str
    author: str
    subject: str


async def about(layout: DataDirectory, commit: Commit) -> About | None:
    """What a commit says of itself; nothing if it was not fetched yet, or is an archive."""
    objects = layout.sources(commit.repo) / "objects.git"
    if not objects.is_dir():
        return None
    # `^{commit}` is looked up, never read as an option
    wanted = ["log", "-1", "--no-show-signature", f"--format={_FORMAT}", f"{commit.id}^{{commit}}"]
    try:
        output = await run(Call([*wanted, "--"], objects, timeout=_SECONDS, output_limit=65_536))
    except (ProcessFailed, FileNotFoundError):
        return None
    date, author, subject = output.decode("utf-8", "replace").rstrip("\n").split("\0")
    return About(date, _one_line(author, 80), _one_line(subject, 120))


def _one_line(text: str, most: int) -> str:
    """Without letters that show as nothing or turn the line around."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= most else f"{clean[:most]}…"
