"""Is that launch allowed here, and what exactly is it? Pure; every check ends in "no".

A *spec* is what BinderHub calls it, with the provider before it: `gh/owner/name/ref`. Rules are
regular expressions matched at the beginning of a spec, upper and lower case alike (BinderHub's
`allowed_specs` and `banned_specs`). One repository has several spellings (`gh/o/n` and
`git/https://github.com/o/n`): a rule for any of them is a rule for it. What is allowed or trusted
by HTTPS is not therefore so by plain HTTP, while a ban holds however the repository is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from .contents import check_volumes
from .errors import BadLink, NotAllowed
from .launch import Files, Launch, LaunchRequest, Project, VolumeRequest
from .names import is_server_name, server_name
from .projects import project_folder
from .quantities import say_bytes, write_seconds
from .repo import Commit, Repo
from .secretnames import SECRETS_MAX
from .sharees import SHAREES_MAX
from .targets import TARGETS, Targets, landing

_FORGES = {"github.com/": "gh", "gitlab.com/": "gl", "gist.github.com/": "gist"}
_TRANSPORTS = ("https://", "http://", "ssh://git@", "git://")


@dataclass(frozen=True)
class Size:
    """Resources an administrator offers under a name.

    Attributes:
        memory: bytes, 0 for the engine's default.
        cpu: cores, 0 for the engine's default.
        groups: whose members alone may have it; everybody if empty.
    """

    memory: int = 0
    cpu: float = 0
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What an administrator allows. But for sizes nothing here depends on who asks.

    Attributes:
        allowed_specs: only these; `(".*",)` allows every repository.
        banned_specs: never these, whatever else allows them.
        trusted_specs: links to these start without a question, for everybody.
        images: prebuilt images a link may name, as regular expressions of the whole name.
        files: what of a person's files a server may ever see.
        sizes: resources by name.
        max_memory: bytes a link may ask for by figures, 0 for none.
        max_cpu: cores a link may ask for by figures, 0 for none.
        max_idle: seconds of inactivity a link may ask for, 0 for no limit.
        max_volumes: how many volumes one server may have.
        folders: whether servers can see folders of this machine that its owner offered.
    """

    allowed_specs: tuple[str, ...] = (".*",)
    banned_specs: tuple[str, ...] = ()
    trusted_specs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[Files, ...] = tuple(Files)
    sizes: Mapping[str, Size] = field(default_factory=lambda: MappingProxyType({}))
    max_memory: int = 0
    max_cpu: float = 0
    max_idle: int = 0
    max_volumes: int = 8
    folders: bool = False

    def of(self, groups: Iterable[str]) -> Policy:
        """What holds for a member of these groups."""
        mine = set(groups)
        offered = {
            name: size
            for name, size in self.sizes.items()
            if not size.groups or mine & {*size.groups}
        }
        return replace(self, sizes=offered)


def judge(policy: Policy, request: LaunchRequest) -> None:
    """Refuse what can be refused before anything is looked up.

    Raises:
        NotAllowed: the policy says no.
        BadLink: the server's name cannot be one.
    """
    for source in request.sources:
        judge_repo(policy, source.repo, source.ref)
    if any(source.repo.live for source in request.sources):
        _judge_folder(policy, request)
    if request.repo is None and not request.image:
        raise BadLink("The link names neither a repository nor an image. Paste one.")
    if request.image and not any(re.fullmatch(rule, request.image) for rule in policy.images):
        raise NotAllowed(
            "The image {image} is not on this hub's list. "
            "Leave it out to have the environment built from the repository.",
            image=request.image,
        )
    if request.files not in policy.files:
        raise NotAllowed("This hub does not allow files={files}.", files=request.files)
    if len(request.volumes) > policy.max_volumes:
        raise NotAllowed(
            "A server may have at most {max_volumes} volumes here.", max_volumes=policy.max_volumes
        )
    if len(request.share) > SHAREES_MAX:
        raise NotAllowed(
            "A launch lets in at most {sharees_max} people and groups. Use a group.",
            sharees_max=SHAREES_MAX,
        )
    if len(request.secrets) > SECRETS_MAX:
        raise NotAllowed(
            "A launch is given at most {secrets_max} secrets.", secrets_max=SECRETS_MAX
        )
    if request.server and not is_server_name(request.server):
        raise BadLink(
            "“{server}” cannot be the name of a server. Use up to 30 lower-case "
            "letters, digits and single hyphens, beginning with a letter.",
            server=request.server[:60],
        )
    _resources(policy, request)


def admit(
    policy: Policy,
    request: LaunchRequest,
    commit: Commit | None,
    *,
    user: str,
    project: str = "",
    content: Sequence[Project] = (),
    targets: Targets = TARGETS,
) -> Launch:
    """The exact launch a request stands for, still without its image if that must be built.

    Args:
        policy: what is allowed here.
        request: what was asked for.
        commit: what its ref stood for; none without a repository.
        user: whose server it will be.
        project: the folder in which they have the repository; empty for the one it has where
            nobody had it before.
        content: what the refs of its content stand for, and where the person has it.
        targets: interfaces on offer.

    Raises:
        NotAllowed, BadLink: as :func:`judge`.
    """
    judge(policy, request)
    commits = [project.commit for project in content]
    for found in (commit, *commits) if commit else commits:
        judge_repo(policy, found.repo, found.id)
    memory, cpu = _resources(policy, request)
    size = policy.sizes.get(request.size, Size())
    project = (project or project_folder(commit.repo)) if commit else ""
    check_volumes(content, request.volumes, project)
    if commit and commit.repo.live:
        _keep_out(request.volumes, project)
    return Launch(
        user=user,
        server=server_of(request, project, [placed.folder for placed in content]),
        commit=commit,
        project=project,
        image=request.image,
        files=request.files,
        volumes=request.volumes,
        target=landing(request, project, targets),
        memory=memory,
        cpu=cpu,
        size=request.size,
        size_groups=size.groups,
        idle=request.idle,
        share=tuple(sharee for sharee in request.share if sharee != user),
        content=tuple(content),
        secrets=request.secrets,
    )


def server_of(request: LaunchRequest, project: str = "", content: Sequence[str] = ()) -> str:
    """The name of a request's server: chosen, or derived so that the same link finds it again.

    One environment serves many courses, each in a server of its own that is called like it.

    Args:
        project: as of :func:`admit`.
        content: folders in which the person has its content.
    """
    if request.server:
        return request.server
    if request.repo is None:
        key, title = f"image:{request.image}", request.image.rpartition("/")[2]
    else:
        key, title = project or project_folder(request.repo), request.repo.last
    if request.content:
        folders = content or [project_folder(source.repo) for source in request.content]
        key, title = "\n".join((key, *folders)), request.content[0].repo.last
    return server_name(key, title)


def is_trusted(policy: Policy, request: LaunchRequest) -> bool:
    """Whether the administrator trusts all its repositories for everybody."""
    if request.repo is None:
        return False
    return all(
        _matches(policy.trusted_specs, _spellings(source.repo, source.ref))
        for source in request.sources
    )


def spec(repo: Repo, ref: str) -> str:
    """`provider/name/ref`, unescaped: what rules are matched against."""
    return f"{repo.provider}/{repo.name}/{ref}"


def judge_repo(policy: Policy, repo: Repo, ref: str) -> None:
    """Refuse a repository that must not be asked for.

    Raises:
        NotAllowed: the policy says no.
    """
    if _matches(policy.banned_specs, [*_spellings(repo, ref), *_by_any_transport(repo, ref)]):
        raise NotAllowed("Sorry, {name} is not allowed on this hub.", name=repo.shown)
    if not _matches(policy.allowed_specs, _spellings(repo, ref)):
        raise NotAllowed(
            "{name} is not among the repositories this hub allows. "
            "Ask the administrator to add it.",
            name=repo.shown,
        )


def _judge_folder(policy: Policy, request: LaunchRequest) -> None:
    if not policy.folders:
        raise NotAllowed(
            "This hub opens no folders of its machine. A Binder@home does that which somebody runs"
            " on their own machine, not as root and with the engine “local”."
        )
    if request.content:
        raise BadLink(
            "A folder of this machine comes with no further content. Put the files into the folder."
        )
    if request.files is Files.NONE:
        raise BadLink(
            "A folder of this machine is seen as it is, and what is written to it stays: leave out"
            " files=none."
        )


def _keep_out(volumes: Iterable[VolumeRequest], folder: str) -> None:
    """Refuse volumes in a folder of the machine: nothing is made in it for them."""
    for volume in volumes:
        if PurePosixPath(volume.mount).is_relative_to(folder):
            raise BadLink(
                "The volume {volume} cannot be in a folder of this machine. Leave out where it"
                " shall be: then it is below ~/shared.",
                volume=volume.name,
            )


def _spellings(repo: Repo, ref: str) -> Iterator[str]:
    """How links may name this repository, fetched as it is."""
    yield spec(repo, ref)
    transport, _, place = repo.url.rstrip("/").removesuffix(".git").partition("://")
    yield f"git/{transport}://{place}/{ref}"
    for prefix, provider in _FORGES.items():
        if transport == "https" and place.lower().startswith(prefix):
            yield f"{provider}/{place[len(prefix) :]}/{ref}"


def _by_any_transport(repo: Repo, ref: str) -> Iterator[str]:
    place = repo.identity.removeprefix("https://")
    for transport in _TRANSPORTS:
        yield f"git/{transport}{place}/{ref}"
        yield f"git/{transport}{place}.git/{ref}"


def _matches(rules: Iterable[str], specs: Iterable[str]) -> bool:
    specs = list(specs)
    return any(re.match(rule, spec, re.IGNORECASE) for rule in rules for spec in specs)


def _resources(policy: Policy, request: LaunchRequest) -> tuple[int, float]:
    if request.idle and policy.max_idle and request.idle > policy.max_idle:
        raise NotAllowed(
            "A server may idle for at most {most} here.", most=write_seconds(policy.max_idle)
        )
    if request.size:
        if (size := policy.sizes.get(request.size)) is None:
            offered = ", ".join(policy.sizes) or "none"
            raise NotAllowed(
                "There is no size “{size}” here. On offer: {offered}.",
                size=request.size[:60],
                offered=offered,
            )
        return size.memory, size.cpu
    _judge_amounts(policy, request)
    return request.memory, request.cpu


def _judge_amounts(policy: Policy, request: LaunchRequest) -> None:
    asked, most = say_bytes(request.memory), say_bytes(policy.max_memory)
    if request.memory > policy.max_memory > 0:
        raise NotAllowed(
            "The link asks for {asked} of memory; this hub gives at most {most}.",
            asked=asked,
            most=most,
        )
    if request.memory > policy.max_memory:
        raise NotAllowed(
            "The link asks for {asked} of memory; here everybody has the same.", asked=asked
        )
    if request.cpu > policy.max_cpu > 0:
        raise NotAllowed(
            "The link asks for {asked} processors; this hub gives at most {most}.",
            asked=f"{request.cpu:g}",
            most=f"{policy.max_cpu:g}",
        )
    if request.cpu > policy.max_cpu:
        raise NotAllowed(
            "The link asks for {asked} processors; here everybody has the same.",
            asked=f"{request.cpu:g}",
        )
