"""The ways out of a launch: links, badges, the same launch elsewhere, commands for at home.

All text is made from a launch request by :mod:`.links`, so a badge asks for exactly what the
form showed.
"""

from __future__ import annotations

import html
import shlex
from dataclasses import dataclass, replace
from urllib.parse import quote

from .errors import BadLink
from .launch import Files, LaunchRequest
from .links import write_link
from .parameters import PARAMETERS
from .providers import PROVIDERS, Providers, find
from .pulling import pulling
from .repo import Repo
from .sentences import Sentence
from .targets import TARGETS, Targets, landing

CAPTION = "Launch"
"""What a badge says to those who do not see it."""

_EVERYWHERE = ("files", "content", "target", "filepath", "urlpath", "class_id")
"""What every Binder understands, and files and classes, which are on no other hub in any case;
content is brought by nbgitpuller, which environments for it have."""

_BUILDER = "quay.io/jupyterhub/repo2docker:main"


@dataclass(frozen=True)
class Badge:
    """One launch link in every form people put it into a page.

    Attributes:
        url: the absolute link.
        markdown, html, rst: a picture that leads there.
    """

    url: str
    markdown: str
    html: str
    rst: str


def badge(
    request: LaunchRequest, base: str, caption: str = CAPTION, *, providers: Providers = PROVIDERS
) -> Badge:
    """The badge of a request: a picture with a link, escaped as each markup needs it.

    Args:
        request: what the link shall ask for.
        base: the service's absolute URL.
        caption: instead of the picture, for those who do not see it.
    """
    base = base.rstrip("/") + "/"
    picture = f"{base}badge_logo.svg"
    url = quote(base + write_link(request, providers=providers), safe="/:?&=%#@!$*+,;~-._[]")
    line = " ".join(caption.split())
    words = "".join(f"\\{c}" if c in "[]<\\" else c for c in line)
    return Badge(
        url,
        f"[![{words}]({picture})]({url})",
        f'<a href="{html.escape(url)}">'
        f'<img src="{html.escape(picture)}" alt="{html.escape(line)}"></a>',
        f".. image:: {picture}\n   :target: {url}\n   :alt: {line}\n",
    )


def elsewhere(
    request: LaunchRequest,
    hub: str,
    targets: Targets = TARGETS,
    *,
    providers: Providers = PROVIDERS,
    ours: bool = False,
) -> str:
    """The link of the same launch on mybinder.org or another Binder.

    What only a service like this one understands (see :func:`lost_elsewhere`) is left out; a
    target becomes the path it opens, and content what nbgitpuller there would pull.

    Args:
        request: what was asked for.
        hub: the other Binder's absolute URL.
        ours: whether it is a service like this one, which understands all of it.

    Raises:
        BadLink: Binder has nothing of the kind, as for images and providers of ours alone.
    """
    if request.repo is None or request.image:
        raise BadLink("Other Binders build repositories and cannot run a given image.")
    repo = find(providers, request.repo.provider).elsewhere(request.repo)
    content = tuple(
        replace(source, repo=find(providers, source.repo.provider).elsewhere(source.repo))
        for source in request.content
    )
    request = replace(request, class_id="")
    if ours:
        return f"{hub.rstrip('/')}/{write_link(replace(request, repo=repo, content=content))}"
    plain = replace(request, files=Files.PROJECT)
    if content:
        opened = pulling(content, _open(plain, targets))
        plain = replace(request, urlpath=opened, filepath="", target="")
    simple = LaunchRequest(
        repo,
        request.ref,
        target=plain.target if plain.filepath and plain.target == "lab" else "",
        filepath=plain.filepath if plain.target in ("", "lab") else "",
        urlpath="" if plain.filepath and plain.target in ("", "lab") else _open(plain, targets),
    )
    return f"{hub.rstrip('/')}/{write_link(simple)}"


def lost_elsewhere(request: LaunchRequest) -> list[Sentence]:
    """What the same launch is without on a Binder that is no service like this one, in words."""
    return [
        Sentence("{parameter} {value}", parameter=parameter.title, value=words)
        for parameter in PARAMETERS.values()
        if parameter.field not in _EVERYWHERE and (words := parameter.words(request))
    ]


def commands(request: LaunchRequest) -> dict[str, str]:
    """Shell commands that run the same environment on one's own machine, by what they need.

    Every word is quoted for a POSIX shell.
    """
    if request.image:
        run = ["docker", "run", "--rm", "-it", "-p", "127.0.0.1:8888:8888", request.image]
        return {"docker": shlex.join([*run, "jupyter", "lab", "--ip=0.0.0.0"])}
    if request.repo is None:
        raise BadLink("There is neither a repository nor an image to run.")
    source = _source(request.repo)
    ref = [] if request.ref == "HEAD" or source != request.repo.url else ["--ref", request.ref]
    socket = "/var/run/docker.sock:/var/run/docker.sock"
    builder = ["docker", "run", "--rm", "-it", "--network=host", "-v", socket, _BUILDER]
    return {
        "repo2docker": shlex.join(["jupyter-repo2docker", *ref, source]),
        "docker": shlex.join([*builder, "jupyter-repo2docker", *ref, source]),
    }


def _open(request: LaunchRequest, targets: Targets) -> str:
    return landing(replace(request, extra=()), "", targets)


def _source(repo: Repo) -> str:
    """What repo2docker takes: a DOI by itself, anything else by its address."""
    return repo.name if repo.url.startswith("https://doi.org/") else repo.url
