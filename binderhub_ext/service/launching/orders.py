"""What somebody wants launched, and what they have answered about it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...core.launch import LaunchRequest
from ...core.notebooks import Notebook
from ...core.secretnames import name_of
from ...core.sentences import Sentence, listing
from ...core.updates import Keep
from ..hub import Person

_WITHHELD = (
    "Its link asks for secrets of yours, {names}: it is not given them, since you did not say so."
)


class OnChange(StrEnum):
    """What to do about a running server that was started with another launch.

    `FRESH` starts it anew even if nothing is different.
    """

    ASK = "ask"
    RESTART = "restart"
    KEEP = "keep"
    FRESH = "fresh"


@dataclass(frozen=True)
class LaunchOrder:
    """A launch somebody wants.

    Attributes:
        person: who wants it, and in whose name the Hub is asked.
        request: what they want.
        on_change: what to do if their server runs with something else.
        keep: whose version keeps the name of a file that they and the repository changed; `None`
            to ask them where there are such files.
        build_only: end with the image; start nothing.
        prepull: and then get it to where servers run.
        origin: host the request came from, for the records; empty if unknown.
        host: of this hub, as the person reached it.
        project: the folder in which they have the repository; known once it is a launch.
        content: the same of the content.
        shown: the commits they were asked about; empty where they were shown none.
        told: ids of those named as teachers of its class of whom the page that asked told them.
        secrets: keys of secrets of theirs that they themselves said the server is given.
        withheld: keys of others that their link asks for.
        notebook: a file to put into the project and to open; none for what the request opens.
        language: that the person reads; as of :class:`~...core.launch.Launch`.
        say: a sentence in it.
    """

    person: Person
    request: LaunchRequest
    on_change: OnChange = OnChange.ASK
    keep: Keep | None = Keep.BOTH
    build_only: bool = False
    prepull: bool = False
    origin: str = ""
    host: str = ""
    project: str = ""
    content: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    notebook: Notebook | None = None
    language: str = ""
    say: Callable[[Sentence], str] = field(default=str, compare=False)

    @property
    def answers(self) -> dict[str, str]:
        """What the person has answered already, as fields of a form."""
        on_change = "" if self.on_change is OnChange.ASK else str(self.on_change)
        return {"on_change": on_change, "keep": str(self.keep or "")}

    @property
    def withheld_words(self) -> Sentence:
        names = listing(Sentence.verbatim(name_of(key)) for key in self.withheld)
        return Sentence(_WITHHELD, names=names)

    def as_said(self) -> LaunchOrder:
        """The same, for the secrets that its person said, whatever its link names."""
        given = () if self.build_only else self.secrets
        names = {name_of(key) for key in given}
        return replace(
            self,
            request=replace(self.request, secrets=given),
            withheld=tuple(key for key in self.request.secrets if name_of(key) not in names),
        )
