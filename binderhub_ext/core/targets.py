"""Where the browser lands: always a relative path below the server's own URL.

Paths of files are those of the programs themselves; the list of prefixes follows the handlers
of JupyterLab, Notebook 7, nbclassic, RetroLab and Voilà.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from .errors import BadLink
from .launch import Files, LaunchRequest
from .plain import relative_path, server_path, shown
from .sentences import NOTHING, Sentence


@dataclass(frozen=True)
class Target:
    """One interface of a server.

    Attributes:
        name: in links.
        title: for people.
        path: below the server's URL.
        file: the same with `{path}` for a file or a folder, or empty if it opens none.
        folder: the same for a folder, where it differs from `file`.
        heads: what the path of one of its pages begins with, to recognise it.
        needs: what the image must offer, for people.
    """

    name: str
    title: str
    path: str
    file: str = ""
    folder: str = ""
    heads: tuple[str, ...] = ()
    needs: str = NOTHING

    def opening(self, path: str = "", *, folder: bool = False) -> str:
        """Its path with a file or folder opened, if it can.

        Args:
            path: relative to the root of the server's files, unescaped.
        """
        pattern = (self.folder if folder else "") or self.file
        return pattern.format(path=quote(path)) if path and pattern else self.path


Targets = Mapping[str, Target]


def table(*targets: Target) -> Targets:
    """Targets by name, in the order the form shows them."""
    return MappingProxyType({target.name: target for target in targets})


_FIELDS = ("title", "path", "file", "folder", "heads", "needs")


def read_target(name: str, fields: Mapping[str, object]) -> Target:
    """A target as an administrator writes it.

    Raises:
        ValueError: it has no path, an unknown field, or a pattern without `{path}`.
        BadLink: a path that would leave the server.
    """
    if unknown := sorted(set(fields) - set(_FIELDS)):
        raise ValueError(f"unknown {unknown[0]!r}; there are {', '.join(_FIELDS)}")
    texts = {key: str(fields.get(key) or "") for key in _FIELDS if key != "heads"}
    if not texts["path"]:
        raise ValueError("the path is missing")
    server_path(texts["path"])
    for key in ("file", "folder"):
        opened = texts[key].replace("{path}", "x")
        if texts[key] and (opened == texts[key] or "{" in opened):
            raise ValueError(f"{key} needs {{path}} and no other braces: {texts[key]!r}")
        server_path(opened)
    heads = fields.get("heads") or (texts["path"].partition("/")[0],)
    if isinstance(heads, str) or not isinstance(heads, Iterable):
        raise ValueError("heads is not a list")
    texts["title"] = texts["title"] or name
    return Target(name, heads=tuple(map(str, heads)), **texts)


TARGETS = table(
    Target(
        "lab",
        "JupyterLab",
        "lab",
        "lab/tree/{path}",
        heads=("lab", "doc"),
        needs=Sentence("the package jupyterlab"),
    ),
    Target(
        "notebook",
        "Jupyter Notebook",
        "tree",
        "tree/{path}",
        heads=("tree", "notebooks", "edit", "consoles"),
        needs=Sentence("the package notebook"),
    ),
    Target(
        "classic",
        "Classic Notebook",
        "nbclassic/tree",
        "nbclassic/tree/{path}",
        heads=("nbclassic",),
        needs=Sentence("the package nbclassic"),
    ),
    Target(
        "rstudio",
        "RStudio",
        "rstudio/",
        heads=("rstudio", "rsession"),
        needs=Sentence("RStudio Server and the package jupyter-rsession-proxy"),
    ),
    Target(
        "voila",
        "Voilà",
        "voila",
        "voila/render/{path}",
        "voila/tree/{path}",
        heads=("voila",),
        needs=Sentence("the package voila"),
    ),
    Target(
        "vscode",
        "VS Code",
        "vscode/",
        heads=("vscode", "code-server"),
        needs=Sentence("code-server and the package jupyter-vscode-proxy"),
    ),
    Target(
        "desktop",
        "Desktop",
        "desktop/",
        heads=("desktop",),
        needs=Sentence("a desktop and the package jupyter-remote-desktop-proxy"),
    ),
    Target(
        "shiny",
        "Shiny",
        "shiny/",
        "shiny/{path}/",
        heads=("shiny",),
        needs=Sentence("R with its package shiny"),
    ),
)
"""The targets of a service that configures nothing."""

BINDER_FILE = "tree/{path}"
"""What BinderHub's client makes of a `filepath` without a target."""

_FILE_PATHS = re.compile(
    r"(?P<head>(?:(?:lab|doc)(?:/workspaces/[^/]+)?|retro|nbclassic)/"
    r"(?:tree|notebooks|edit|view|consoles)"
    r"|tree|notebooks|edit|view|files|voila/(?:render|tree|files))(?:/(?P<path>.*))?"
)
_AT_PORT = re.compile(r"proxy/(\d{1,5})(?=[/?#]|$)")
_FOLDERS = {"lab": "lab/tree", "voila": "voila/tree", "retro": "retro/tree"}


def landing(request: LaunchRequest, project: str, targets: Targets = TARGETS) -> str:
    """The path to open, relative to the server's own URL; empty for the server's default.

    A server that shows the whole home has its files' root there, so that paths of files are
    moved below the project; any other path stays.

    Args:
        request: what was asked for.
        project: the project's folder relative to the home, or empty.
        targets: what the administrator configured.

    Raises:
        BadLink: no such target, or a path that would leave the server.
    """
    root = project if request.files is Files.HOME else ""
    path = _with_extra(_path(request, root, targets), request.extra)
    if not is_below("/user/x/y/", f"/user/x/y/{path}"):
        raise BadLink("The path {path} would leave the server.", path=shown(path))
    return path


def split_file(urlpath: str) -> tuple[str, str]:
    """A path of the server as what opens it (`lab/tree`, `notebooks`, …) and the file, unescaped.

    Both empty if it opens no file; the file is empty for the root.
    """
    found = _FILE_PATHS.fullmatch(urlpath.partition("?")[0].partition("#")[0])
    return (found["head"], unquote(found["path"] or "")) if found else ("", "")


def program(path: str, targets: Targets = TARGETS) -> Target | None:
    """Which target a path of the server belongs to, if any."""
    head = re.split(r"[/?#]", path, maxsplit=1)[0]
    return next((target for target in targets.values() if head in target.heads), None)


def at_port(path: str) -> Target | None:
    """What listens at a port of a server, if a path of the server leads there."""
    found = _AT_PORT.match(path)
    if found is None:
        return None
    title = Sentence("Port {port}", port=found[1])
    return Target("proxy", title, found[0], needs=Sentence("the package jupyter-server-proxy"))


def missing(target: Target) -> Sentence:
    """Why a target cannot be opened, within a sentence."""
    if not target.needs:
        return Sentence("{target} is not in this environment", target=target.title)
    return Sentence(
        "{target} is not in this environment (it needs {needs})",
        target=target.title,
        needs=target.needs,
    )


def lacks(provides: Collection[str], target: Target) -> bool:
    """Whether an environment was found to be without a target.

    Args:
        provides: what it was found to offer; empty if nobody looked.
    """
    looked_for = target.name in ("notebook", "classic", "voila")
    return bool(provides) and looked_for and not {target.name, *target.heads} & set(provides)


def is_below(prefix: str, url: str) -> bool:
    """Whether a browser that is at `prefix` and is sent to `url` stays below it.

    Args:
        prefix: a server's URL or path, ending in `/`.
        url: absolute, or relative to the prefix.
    """
    if not all(c.isprintable() and c not in "\\ " for c in url):
        return False
    base = urlsplit(urljoin("https://hub.invalid/", prefix))
    try:
        scheme = urlsplit(url).scheme
        target = urlsplit(urljoin(base.geturl(), url))
    except ValueError:
        return False
    # Browsers read "https:x" as a path or as a host, depending on the page's own scheme.
    if scheme and not url.lower().startswith(f"{scheme}://"):
        return False
    rest = target.path.removeprefix(base.path)
    same = (target.scheme, target.netloc) == (base.scheme, base.netloc)
    return same and base.path.endswith("/") and target.path != rest and not _climbs(rest)


def _path(request: LaunchRequest, root: str, targets: Targets) -> str:
    target = _target(request.target, targets) if request.target else None
    if request.filepath:
        inside = "/".join(filter(None, (root, relative_path(request.filepath, "filepath"))))
        return target.opening(inside) if target else BINDER_FILE.format(path=quote(inside))
    if request.urlpath:
        return _below_root(server_path(request.urlpath), root)
    return target.opening(root, folder=True) if target else ""


def _target(name: str, targets: Targets) -> Target:
    if name not in targets:
        known = ", ".join(targets)
        raise BadLink(
            "There is no target {name} here. There are: {known}.", name=shown(name), known=known
        )
    return targets[name]


def _below_root(urlpath: str, root: str) -> str:
    cut = re.search(r"[?#]|$", urlpath)
    end = cut.start() if cut else len(urlpath)
    path, rest = urlpath[:end], urlpath[end:]
    file = _FILE_PATHS.fullmatch(_FOLDERS.get(path.rstrip("/"), path))
    if not root or not file:
        return urlpath
    inside = (file["path"] or "").strip("/")
    if f"{unquote(inside)}/".startswith(f"{root}/"):
        return urlpath
    return "/".join(filter(None, (file["head"], quote(root), inside))) + rest


def _with_extra(path: str, extra: tuple[tuple[str, str], ...]) -> str:
    if not extra:
        return path
    before, hash_, fragment = path.partition("#")
    joint = "&" if "?" in before else "?"
    return f"{before}{joint}{urlencode(extra, quote_via=quote)}{hash_}{fragment}"


def _climbs(path: str) -> bool:
    for _ in range(4):
        if ".." in path.replace("\\", "/").split("/"):
            return True
        path = unquote(path)
    return False
