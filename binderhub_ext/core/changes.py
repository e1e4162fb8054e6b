"""What differs between the launch a server was started with and the one asked for now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .launch import Files, Launch, VolumeRequest
from .repo import Commit
from .secretnames import words_of
from .sentences import Sentence, listing
from .sharees import Sharee, newcomers

_SEES = {
    Files.PROJECT: Sentence("the project's own folder"),
    Files.HOME: Sentence("your whole home"),
    Files.NONE: Sentence("nothing of your files"),
}


UNKNOWN = Sentence("It was started in another way.")
"""All that can be said of a server that was not started by a launch."""


def changes(old: Launch, new: Launch, *, image: bool = True) -> tuple[Sentence, ...]:
    """Sentences that say what would change; empty if both start the same.

    Where the browser lands is no difference: one server serves every target. Nor is who may enter,
    which needs no restart: see :func:`lets_in`.

    Args:
        old: what runs.
        new: what is asked for.
        image: whether the new one's image is known yet.
    """
    return tuple(_changes(old, new if image else replace(new, image=old.image)))


def lets_in(shared: Iterable[Sharee], new: Launch) -> tuple[Sentence, ...]:
    """Sentences that say who could enter a server after a launch and cannot now.

    Nobody is put out by a launch, whomever it leaves unnamed.

    Args:
        shared: who may enter now.
    """
    return tuple(
        Sentence("It would let in {sharee}.", sharee=sharee.words)
        for sharee in newcomers(new.share, shared)
    )


def told_to(
    shared: Iterable[Sharee], *, invites: bool, old: Launch | None, new: Launch
) -> tuple[Sentence, ...]:
    """Sentences that say who would read secrets that a server is given for the first time.

    Args:
        shared: who may enter it already.
        invites: whether there are invitations into it.
        old: what it was started with last, if that is known.
    """
    given = [key for key in new.secrets if old is None or key not in old.secrets]
    if not given:
        return ()
    secrets = listing(map(words_of, given))
    already = "{sharee} may enter it already, and would read {secrets}."
    told = [Sentence(already, sharee=sharee.words, secrets=secrets) for sharee in shared]
    invited = "Who has an invitation into it may enter, and would read {secrets}."
    return (*told, *([Sentence(invited, secrets=secrets)] if invites else []))


def _changes(old: Launch, new: Launch) -> Iterator[Sentence]:
    if _identity(old) != _identity(new):
        yield Sentence("It would run {new} instead of {old}.", new=_repo(new), old=_repo(old))
    # what a folder of the machine has changed in is there already, unless it makes another image
    elif old.commit and new.commit and old.commit.id != new.commit.id and not new.live:
        yield Sentence(
            "It would run commit {new} instead of {old}.",
            new=new.commit.short,
            old=old.commit.short,
        )
    yield from _content_changes(old, new)
    if old.image != new.image:
        yield Sentence("It would run in another environment.")
    if old.files != new.files:
        sees = {"new": _SEES[new.files], "old": _SEES[old.files]}
        yield Sentence("It would see {new} instead of {old}.", **sees)
    if old.volumes != new.volumes:
        names = {"new": _names(new.volumes), "old": _names(old.volumes)}
        yield Sentence("Its volumes would be {new} instead of {old}.", **names)
    if (old.memory, old.cpu) != (new.memory, new.cpu):
        yield Sentence("It would have other limits of memory and processors.")
    elif old.size != new.size:
        yield Sentence("It would be a server of another size.")
    if old.idle != new.idle:
        yield Sentence("It would stop after another time of inactivity.")
    if set(old.secrets) != set(new.secrets):
        names = {"new": _secrets(new.secrets), "old": _secrets(old.secrets)}
        yield Sentence("It would be given the secrets {new} instead of {old}.", **names)


def _content_changes(old: Launch, new: Launch) -> Iterator[Sentence]:
    before, after = _content(old), _content(new)
    if before.keys() != after.keys():
        names = {"new": _contents(new), "old": _contents(old)}
        yield Sentence("Its content would be {new} instead of {old}.", **names)
        return
    for key, commit in after.items():
        if before[key].id != commit.id:
            ids = {"new": commit.short, "old": before[key].short}
            text = "It would have commit {new} of {repo} instead of {old}."
            yield Sentence(text, repo=commit.repo.shown, **ids)


def _content(launch: Launch) -> dict[tuple[str, str], Commit]:
    return {(p.commit.repo.identity, p.place): p.commit for p in launch.content}


def _contents(launch: Launch) -> str:
    return ", ".join(f"{p.commit.repo.shown} in {p.place}" for p in launch.content) or "none"


def _identity(launch: Launch) -> str:
    return launch.commit.repo.identity if launch.commit else ""


def _repo(launch: Launch) -> str:
    return launch.commit.repo.shown if launch.commit else Sentence("the image alone")


def _secrets(keys: Iterable[str]) -> Sentence:
    return listing(map(words_of, keys)) or Sentence("none")


def _names(volumes: Iterable[VolumeRequest]) -> Sentence:
    named = (
        Sentence("{volume} ({access})", volume=one.name, access=one.access)
        if one.access
        else Sentence("{volume} (as allowed)", volume=one.name)
        for one in volumes
    )
    return listing(named) or Sentence("none")
