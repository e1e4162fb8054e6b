"""How much room something takes of what it may, and what people are told about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .sentences import NOTHING, Sentence

NEAR = 0.9
"""Share of a limit from which people are warned."""


@dataclass(frozen=True)
class Taken:
    """What a home or a volume takes.

    Attributes:
        bytes: when it was last measured; `None` if it never was.
        limit: bytes it may take; 0 for no limit.
    """

    bytes: int | None
    limit: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more should come in. What is not known is not held against anybody."""
        return bool(self.limit and self.bytes is not None and self.bytes >= self.limit)

    @property
    def near(self) -> bool:
        """Whether it is time for a warning."""
        return bool(self.limit and self.bytes is not None and self.bytes >= NEAR * self.limit)


def size_words(size: int) -> Sentence:
    """Bytes as people say them."""
    if size < 1 << 20:
        return Sentence("{size} KiB", size=ceil(size / (1 << 10)))
    if size < 1 << 30:
        return Sentence("{size} MiB", size=round(size / (1 << 20)))
    return Sentence("{size:.1f} GiB", size=size / (1 << 30))


def home_words(taken: Taken) -> Sentence:
    """One quiet sentence about a home; empty if nothing is known."""
    if taken.bytes is None:
        return NOTHING
    size = size_words(taken.bytes)
    if not taken.limit:
        return Sentence("Your files take {size}.", size=size)
    return Sentence("Your files take {size} of {limit}.", size=size, limit=size_words(taken.limit))


def over_words(taken: Taken) -> Sentence:
    """What a launch says to somebody whose home is over its limit; empty if it is not."""
    if not taken.over:
        return NOTHING
    return Sentence(
        "{use} So nothing new is put into them: this server is for making room."
        " Delete what you do not need there or on the page Files; what is deleted in this server's"
        " file browser is gone for good.",
        use=home_words(taken),
    )


def near_words(taken: Taken) -> Sentence:
    """A warning, before it hurts; empty if there is room."""
    use = home_words(taken)
    if taken.over:
        return Sentence(
            "{use} Servers still start, but nothing new is put into your files until there is"
            " room again.",
            use=use,
        )
    return Sentence("{use} Make room before it is full.", use=use) if taken.near else NOTHING


def volume_words(name: str, taken: Taken) -> Sentence:
    """What a launch says about a volume it mounts; empty unless that is over its limit."""
    if taken.bytes is None or not taken.over:
        return NOTHING
    return Sentence(
        'The volume "{volume}" takes {size} of {limit}.'
        " Delete what is not needed in it, or ask those who use it to.",
        volume=name,
        size=size_words(taken.bytes),
        limit=size_words(taken.limit),
    )


FULL = Sentence(
    "The disk of this hub is full, so nothing new is put into your files. Delete what you do not"
    " need: what is deleted in this server's file browser is gone for good, which makes room."
)
"""What a launch says where the disk is full."""

HOME_FULL = Sentence(
    "There is no room left for your files, so nothing new is put into them. Delete what you do not"
    " need: what is deleted in this server's file browser is gone for good, which makes room."
)
"""What a launch says to somebody whose quota is reached."""

FULL_START = Sentence(
    "The disk of this hub is full: not even a new folder can be made. Start a server you have used"
    " before and delete files in it, or delete for good what is in your trash, on the page Files."
    " Tell the administrator."
)
"""Why a start failed that needed more than there was."""

NOT_BUILT = Sentence(
    "There is no room for anything new: your files are over their limit, or the disk is full. The"
    " environment this asks for is not built yet, so it cannot start. Start a server you have used"
    " before and delete files in it, or delete projects on the page Files; then launch again."
)
"""Why a launch without room ends that would have to build first."""
