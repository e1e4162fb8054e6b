"""What a person is shown before a stranger's link runs, and what they said about it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.changes import UNKNOWN, changes, lets_in
from ...core.classes import Named, seen_by
from ...core.contents import projects_of
from ...core.errors import BadLink, NotAllowed
from ...core.launch import Launch, LaunchRequest, Project
from ...core.links import write_link
from ...core.policy import admit, judge
from ...core.progress import unheard
from ...core.providers import find
from ...core.refs import taken_instead
from ...core.repo import Commit
from ...core.rights import rights, words
from ...core.sentences import NOTHING, Sentence, listing
from ...core.sharees import Sharee
from ...core.space import size_words
from ...core.targets import lacks, missing, program
from ...core.volumes import Placed
from ...core.within import nearer
from ...engines.base import Environment, Image
from ...repos.about import About
from ..hub import Person, State
from ..launching.orders import OnChange
from ..launching.resolving import resolve
from ..person.secrets import StoredSecret
from ..records.classtables import ClassRow
from ..requests import SHOWN, TOLD
from . import views
from .context import Service
from .refused import Refusal, look
from .resources import resources
from .seen import seen
from .trusting import trusted

_UNKNOWN = Sentence("Found out from the repository's files when it is launched")
_OF_NOTHING = Sentence("That of an empty repository: nothing of this one is installed")
_NETWORK = Sentence("The internet, but nothing of this hub or of other people.")
_CREDENTIALS = Sentence("None of your passwords or tokens.")
_TICKED = Sentence("None of your passwords or tokens, but for the secrets that you tick.")


@dataclass(frozen=True)
class Question:
    """Everything the page that asks shows.

    Attributes:
        request: what the link wants.
        commit: what its ref stands for now.
        known: the environment and its image, as far as they are known.
        about: what the commit says of itself; nothing before it was fetched for the first time.
        differs: what launching would change about a server that exists.
        trusted: whether it was answered before, for all that the link wants.
        volumes: the group and shared volumes it would see, as the person has them now.
        project: its folder in their home, relative; empty without a repository.
        target: the path it would open, below the server's URL.
        share: whom it would let in.
        content: what comes besides, and where.
        refusal: why its environment cannot be built here, and the ways on.
        warnings: on what the person has nearly used up.
        cost: what an hour is expected to cost; empty where nothing has a price.
        of_class: the class whose link it is; `None` for none.
        teachers: of that class, besides its owner.
        not_of_class: why it is not of the class that its link names, or not quite that one's link.
        secrets: what the person has of what could be given to it.
        place: of a folder of this machine, where it is; empty for every other repository.
    """

    request: LaunchRequest
    commit: Commit | None
    known: tuple[Environment, Image | None] | None
    about: About | None
    differs: tuple[Sentence, ...]
    trusted: bool
    volumes: tuple[Placed, ...] = ()
    project: str = ""
    target: str = ""
    share: tuple[str, ...] = ()
    content: tuple[Project, ...] = ()
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()
    cost: str = ""
    of_class: ClassRow | None = None
    teachers: tuple[Named, ...] = ()
    not_of_class: Sentence = NOTHING
    secrets: tuple[StoredSecret, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Source:
    """Where a link came from, as far as the browser says. Shown, and believed for nothing.

    Attributes:
        host: of the page the link was on, or empty.
        kind: `site` (another site), `here` (a page of this hub; also of people's servers, where
            these have no hosts of their own), `typed` (the address bar, a bookmark, another
            program) or `silent`.
    """

    host: str
    kind: str

    @classmethod
    def of(cls, host: str, *, own_host: str, fetch_site: str) -> Source:
        """From the `Referer`'s host, our own, and the header `Sec-Fetch-Site`."""
        if host and host != own_host:
            return cls(host, "site")
        if host or fetch_site == "same-origin":
            return cls("", "here")
        return cls("", "typed" if fetch_site == "none" else "silent")


async def question(service: Service, person: Person, request: LaunchRequest) -> Question:
    """Look up what the page shows. Starts and builds nothing.

    Raises:
        NotAllowed, RepoNotFound, RefNotFound, …: there is nothing to ask.
    """
    policy = service.policy.of(person.groups)
    judge(policy, request)
    known = about = refusal = None
    counted = await service.classes.counted(request)
    request = counted.request
    commits = await resolve(service.builds, request.sources, (), reader=person.name, tell=unheard)
    commit, content = request.told_apart(commits)
    own, folders = await service.launches.folders(person, request)
    launch = admit(
        policy,
        # nothing is given before it is ticked
        replace(request, secrets=()),
        commit,
        user=person.name,
        project=own,
        content=projects_of(request, content, folders),
        targets=service.targets,
    )
    if commit:
        refusal = await _refusal(service, person, request, commit)
        known = await service.builds.known(commit)
        about = await service.builds.about(commit)
    return Question(
        request=request,
        commit=commit,
        known=known,
        about=about,
        differs=await _differs(service, person, launch, asks=bool(request.secrets)),
        trusted=await trusted(service, person, request, counted.teachers),
        volumes=await service.volumes.placed(person, launch.volumes, launch.project),
        project=launch.project,
        target=launch.target,
        share=launch.share,
        content=launch.content,
        refusal=refusal,
        warnings=tuple(await service.limits.warnings(person)),
        cost=service.costs.words(launch),
        of_class=counted.row,
        teachers=counted.teachers,
        not_of_class=counted.why,
        secrets=tuple(await service.secrets.mine(person.name) if request.secrets else ()),
        place=await service.builds.place(commit) if commit else "",
    )


@dataclass(frozen=True)
class Nearest:
    """What can be asked about a link.

    Attributes:
        asked: about it or, where it cannot be had, about the nearest launch that can.
        refused: why it cannot be had.
        instead: what is different then, each to be read after “Launch”.
    """

    asked: Question
    refused: tuple[Sentence, ...] = ()
    instead: tuple[Sentence, ...] = ()


async def nearest(service: Service, person: Person, request: LaunchRequest) -> Nearest:
    """Ask about a request or, where it cannot be had, about the nearest that can.

    Raises:
        BinderError: there is none.
    """
    refused: list[Sentence] = []
    instead: list[Sentence] = []
    while True:
        try:
            asked = await question(service, person, request)
        except (NotAllowed, BadLink) as error:
            request, words = await _nearer(service, person, request)
            if not words:
                raise
            refused.append(error.message)
            instead.append(words)
        else:
            return Nearest(asked, tuple(refused), tuple(instead))


async def _nearer(
    service: Service, person: Person, request: LaunchRequest
) -> tuple[LaunchRequest, Sentence]:
    mine = await service.volumes.mine(person) if request.volumes else []
    names = {name for access in mine for name in (access.volume.name, access.volume.id)}
    return nearer(service.policy.of(person.groups), request, names, service.targets)


async def _refusal(
    service: Service, person: Person, request: LaunchRequest, commit: Commit
) -> Refusal | None:
    """Why a commit's environment cannot be built, if one would be, and that is soon found out."""
    given = request.image or request.environment
    if given or await service.space.no_room(person.name):
        return None
    looked = await look(service, request, commit)
    return looked if isinstance(looked, Refusal) else None


def page_values(
    service: Service, nearest: Nearest, source: Source, guessed: Sequence[Sentence] = ()
) -> dict[str, Any]:
    """The values of the template `confirm.html`.

    Args:
        guessed: sentences on what was assumed of the link.
    """
    asked, refused = nearest.asked, nearest.refused
    request, commit = asked.request, asked.commit
    repo, offers = request.repo, request.secrets if service.secrets.usable else ()
    taken = taken_instead(request.ref, commit.ref, commit.branch) if commit else ""
    link = write_link(request, providers=service.providers)
    form: dict[str, Any] = {"link": link}
    form["on_change"] = str(OnChange.RESTART) if asked.differs else ""
    at_once = asked.trusted and not (asked.differs or asked.refusal or refused)
    if not at_once:
        content = [project.commit for project in asked.content]
        form[SHOWN] = [shown.id for shown in (commit, *content) if shown]
    form[TOLD] = [named.id for named in asked.teachers]
    wanted = rights(request, service.targets) | seen_by(request.class_id, asked.teachers)
    return {
        "request": {
            "repo": views.repo_view(repo),
            "ref": commit.ref if commit else request.ref,
            "has_ref": repo is not None and find(service.providers, repo.provider).has_ref,
        },
        "warnings": asked.warnings,
        "guessed": [
            *guessed,
            *filter(None, (taken, _not_to_open(service, asked), asked.not_of_class)),
        ],
        "of_class": views.class_words(asked.of_class, asked.teachers),
        "commit": _commit(asked),
        "content": [views.content_view(project) for project in asked.content],
        "environment": _environment(asked),
        "sees": seen(request.files, asked.project, asked.content, asked.volumes, asked.place),
        "resources": resources(request, service.targets, asked.cost),
        "lets_in": [Sharee.of(sharee).words for sharee in asked.share],
        "network": _NETWORK,
        "credentials": _TICKED if offers else _CREDENTIALS,
        "secrets": views.secret_choices(asked.secrets, offers, others=False),
        "source": {"host": source.host, "kind": source.kind, "outside": True},
        "rights": words(wanted),
        "form": form,
        "trusted": at_once,
        "refused": refused,
        "instead": listing(nearest.instead),
        "refusal": asked.refusal.to_dict() if asked.refusal else None,
        "change_url": views.form_url(service.prefix, link),
        "cancel_url": service.prefix,
        "changes": asked.differs,
    }


async def _differs(
    service: Service, person: Person, launch: Launch, *, asks: bool
) -> tuple[Sentence, ...]:
    """What the launch would change about a server; its environment is not known yet.

    Args:
        asks: whether its secrets are not known yet either.
    """
    server = await service.hub.server(person, launch.server)
    if server is None:
        return ()
    shared = await service.shares.of(person, server.name) if launch.share else ()
    entering = lets_in(shared, launch)
    if server.state is State.STOPPED:
        return entering
    old = service.tickets.of(person.name, server.name, server.ticket)
    if old and asks:
        launch = replace(launch, secrets=old.secrets)
    differs = changes(old, launch, image=False) if old else (UNKNOWN,)
    return (*differs, *entering)


def _commit(asked: Question) -> dict[str, str] | None:
    if asked.commit is None:
        return None
    said = vars(asked.about) if asked.about else {}
    return {"id": asked.commit.id, **said}


def _environment(asked: Question) -> dict[str, Any]:
    if asked.request.image:
        kind = Sentence("The image {image}", image=asked.request.image)
        return {"kind": kind, "files": [], "built": True, "size": "", "notes": []}
    if asked.request.environment:
        return {"kind": _OF_NOTHING, "files": [], "built": True, "size": "", "notes": []}
    if asked.known is None:
        return {"kind": _UNKNOWN, "files": [], "built": False, "size": "", "notes": []}
    environment, image = asked.known
    size = size_words(image.size) if image and image.size else NOTHING
    files = list(environment.files)
    built, notes = image is not None, list(environment.notes)
    return {"kind": environment.kind, "files": files, "built": built, "size": size, "notes": notes}


def _not_to_open(service: Service, asked: Question) -> Sentence:
    """That what the link opens will not be there, if that is known before."""
    target = program(asked.target, service.targets)
    if target is None:
        return NOTHING
    image = asked.known[1] if asked.known else None
    provides = image.provides if image and not asked.request.image else ()
    if target.name not in service.builder.targets_lacking() and not lacks(provides, target):
        return NOTHING
    return Sentence(
        "{missing}. Change what it opens, or go on to JupyterLab once it runs.",
        missing=missing(target),
    )
