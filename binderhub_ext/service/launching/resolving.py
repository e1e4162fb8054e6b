"""Which commits a launch is of, and who was just seen to be able to read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import time

from ...core.errors import BadLink, RefMoved
from ...core.launch import Content, Launch
from ...core.progress import Event, Phase, Tell
from ...core.refs import taken_instead
from ...core.repo import Commit
from ...core.sentences import Sentence
from .builds import Builds


async def resolve(
    builds: Builds, sources: Sequence[Content], shown: Sequence[str], *, reader: str, tell: Tell
) -> tuple[Commit, ...]:
    """What refs stand for now, in their order; never anything that a person was not shown.

    Args:
        sources: repositories with their refs.
        shown: the commits they were asked about; empty where they were shown none.
        reader: whose credentials count.

    Raises:
        RefMoved, BadLink: it is not what they were shown.
        BinderError: it cannot be found out.
    """
    if shown and len(shown) != len(sources):
        raise BadLink("The page asked about other repositories than these. Open the link again.")
    commits = [await _resolve(builds, source, reader, tell) for source in sources]
    for id, commit in zip(shown, commits, strict=False):
        if commit.id != id:
            raise RefMoved(commit.ref, id, commit.id)
    return tuple(commits)


async def _resolve(builds: Builds, source: Content, reader: str, tell: Tell) -> Commit:
    repo, ref = source.repo, source.ref
    tell(Event(Phase.WAITING, Sentence("Looking for {ref} of {repo}.", ref=ref, repo=repo.shown)))
    commit = await builds.provider(repo.provider).resolve(repo, ref, reader=reader)
    if taken := taken_instead(ref, commit.ref, commit.branch):
        tell(Event(Phase.WAITING, taken))
    return commit


def checked(start: Launch, launch: Launch) -> Launch:
    """What is started; for private repositories, with the time of this launch's check."""
    one, other = _private(start), _private(launch)
    return replace(start, checked=int(time())) if one and one <= other else start


def noting(start: Launch, warnings: Sequence[Sentence], say: Callable[[Sentence], str]) -> Launch:
    """The same, with what its person has nearly used up, as they are told."""
    return replace(start, notices=tuple(map(say, warnings)), noted=int(time()) if warnings else 0)


def _private(launch: Launch) -> set[tuple[str, str]]:
    repos = [project.commit.repo for project in launch.projects]
    return {(repo.identity, repo.reader) for repo in repos if repo.reader}
