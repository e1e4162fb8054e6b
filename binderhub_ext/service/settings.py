"""What an administrator decides about launches, as configuration: one place to read them all."""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from traitlets import Dict, Float, Integer, List, Unicode, default
from traitlets.config import Configurable, LoggingConfigurable

from ..core.launch import Files
from ..core.policy import Policy, Size
from ..core.providers import Providers, github, gitlab, table
from ..core.targets import TARGETS, Targets, read_target
from ..core.targets import table as target_table
from ..engines.base import Engine
from ..traits import Bytes, Pattern, Table, read_names, read_size
from .hubapi import HubSettings


def _size(_name: str, fields: dict[str, Any]) -> Size:
    """Resources of a size.

    Raises:
        BadLink, ValueError, TypeError: they are none.
    """
    if unknown := fields.keys() - {"memory", "cpu", "groups"}:
        raise ValueError(f"{min(unknown)!r} is neither memory nor cpu nor groups")
    memory, cpu = fields.get("memory", 0), float(fields.get("cpu", 0))
    if cpu < 0:
        raise ValueError(f"{cpu:g} is no number of processors")
    return Size(read_size(memory), cpu, read_names(fields.get("groups", ())))


class LaunchPolicy(LoggingConfigurable):
    """What may be launched here."""

    allowed_specs = List(
        Pattern(),
        [".*"],
        help="""Repositories that may be launched, as regular expressions matched at the beginning
        of `provider/repository/ref` (such as `gh/my-university/`), upper and lower case alike.
        Default: all.""",
    ).tag(config=True)

    banned_specs = List(
        Pattern(),
        help="""Repositories that never may be, in the same form; stronger than what is allowed.
        A ban on `gh/owner/` also holds for the same repository named by its Git URL.""",
    ).tag(config=True)

    trusted_specs = List(
        Pattern(),
        help="""Repositories whose links start without the page that asks, for everybody, in the
        same form; they see no more than the project's own folder, and have the repository's own
        server as large as any. A link that asks for more still asks. `gh/owner/` also holds for
        Git URLs on GitHub, `git/https://…` for nothing that comes by plain HTTP. Default: none.""",
    ).tag(config=True)

    images = List(
        Pattern(),
        help="""Prebuilt images that links may name with `image=`, as regular expressions of the
        whole name. Default: none.""",
    ).tag(config=True)

    files = List(
        Unicode(),
        [str(files) for files in Files],
        help="""What of a person's files a server may ever see: any of `project`, `home`, `none`.
        Default: all three, as the person chooses.""",
    ).tag(config=True)

    sizes = Table(
        _size,
        help="""Resources on offer by name: `{"large": {"memory": "16G", "cpu": 4}}`. With
        `"groups": ["lab"]` it is for members of these groups of the Hub alone, at every start.
        Default: none, every server has the engine's own limits.""",
    ).tag(config=True)

    max_memory = Bytes(
        help="Memory a link may ask for by `mem=`, such as `8G`. Default: none may be asked."
    ).tag(config=True)

    max_cpu = Float(
        0, min=0, help="Processors a link may ask for by `cpu=`. Default: none may be asked."
    ).tag(config=True)

    max_idle = Integer(
        0, min=0, help="Seconds of inactivity a link may ask for by `idle=`; 0 for any. Default: 0."
    ).tag(config=True)

    max_volumes = Integer(
        8, min=0, help="Group and shared volumes one server may have. Default: 8."
    ).tag(config=True)

    github_hosts = Dict(
        help="""GitHub Enterprise: provider id of links to its host,
        `{"inst": "github.example.org"}`. Default: github.com as `gh` alone."""
    ).tag(config=True)

    gitlab_hosts = Dict(
        help="""GitLab of your own: provider id of links to its host,
        `{"inst": "gitlab.example.org"}`. Default: gitlab.com as `gl` alone."""
    ).tag(config=True)

    providers = List(
        Unicode(),
        help="Ids of the providers links may have here. Default: all that are known.",
    ).tag(config=True)

    extra_targets = Table(
        read_target,
        help="""Further interfaces a server can open, by the name links have in `target=`:
        `{"pluto": {"title": "Pluto", "path": "pluto/", "needs": "the package pluto"}}`. Each has a
        `title` for people, a `path` below the server's URL, what the environment `needs` for it,
        and may have `file` and `folder` (paths with `{path}` for what is opened) and `heads` (first
        parts of its paths; default: that of `path`). A name that exists is replaced. Default:
        none besides the built-in ones.""",
    ).tag(config=True)

    def policy(self, *, folders: bool = False) -> Policy:
        """The policy as the pure core wants it.

        Args:
            folders: whether servers can see folders of this machine.
        """
        return Policy(
            allowed_specs=tuple(self.allowed_specs),
            banned_specs=tuple(self.banned_specs),
            trusted_specs=tuple(self.trusted_specs),
            images=tuple(self.images),
            files=tuple(Files(name) for name in self.files),
            sizes={name: _size(name, fields) for name, fields in self.sizes.items()},
            max_memory=self.max_memory,
            max_cpu=self.max_cpu,
            max_idle=self.max_idle,
            max_volumes=self.max_volumes,
            folders=folders,
        )

    def known_providers(self, installed: Providers) -> Providers:
        """What is installed, and the forges of one's own."""
        own = [github(id, host, host) for id, host in self.github_hosts.items()]
        own += [gitlab(id, host, host) for id, host in self.gitlab_hosts.items()]
        return table(*installed.values(), *own)

    def link_providers(self, known: Providers, fetchable: Container[str]) -> Providers:
        """The providers links may have; the log says of each other one why not."""
        for id in set(self.providers) - set(known):
            self.log.warning("LaunchPolicy.providers names %s, which is not installed", id)
        offered = []
        for provider in known.values():
            if self.providers and provider.id not in self.providers:
                why = "LaunchPolicy.providers does not name it"
            elif provider.fetcher and provider.id not in fetchable:
                why = "what fetches from it cannot be made"
            elif not provider.fetcher and not self.images:
                why = "LaunchPolicy.images allows none"
            else:
                offered.append(provider)
                continue
            self.log.info("The provider %s is installed and not offered: %s", provider.id, why)
        return table(*offered)

    def targets(self) -> Targets:
        """The interfaces on offer."""
        extra = [read_target(name, fields) for name, fields in self.extra_targets.items()]
        return target_table(*TARGETS.values(), *extra)


@dataclass(frozen=True)
class BuildSettings:
    """What an administrator says of builds.

    Attributes:
        concurrency: builds at the same time, and as many images on their way to nodes.
        log_limit: bytes of log kept of one.
        log_days: days a log is kept.
        look_time: seconds for which a page that asks looks at a commit.
    """

    concurrency: int = 2
    log_limit: int = 5 * 2**20
    log_days: int = 90
    look_time: float = 3


class Builds(Configurable):
    """Builds of environments."""

    concurrency = Integer(
        2,
        min=1,
        help="""Builds at the same time (default 2), and images that *Prepare* gets onto nodes.
        Further ones wait and say how many are ahead. An image counts for five minutes, however long
        nodes take for it, and of those that one person prepares one at a time.""",
    ).tag(config=True)

    log_limit = Bytes(
        "5M",
        help="Bytes of log kept of one build (default 5 MiB), so that it cannot fill the disk.",
    ).tag(config=True)

    log_days = Integer(
        90, min=1, help="Days the log of a finished build is kept (default 90)."
    ).tag(config=True)

    look_time = Float(
        3,
        help="""Seconds for which a page that asks waits to find out what a repository asks for
        (default 3), so that what cannot be built is said before the launch. 0: it never looks.""",
    ).tag(config=True)

    def settings(self) -> BuildSettings:
        return BuildSettings(self.concurrency, self.log_limit, self.log_days, self.look_time)


class Launches(Configurable):
    """How many launches there may be."""

    kept = Integer(
        1000,
        help="Ended launches whose events are kept for those who still watch (default 1000).",
    ).tag(config=True)

    per_person = Integer(
        10,
        min=1,
        help="""Launches one person may have under way at the same time (default 10), so that one
        script does not take every build from a class.""",
    ).tag(config=True)

    per_hour = Integer(
        0,
        min=0,
        help="""Launches one person may start within an hour; 0 (the default) for no limit.""",
    ).tag(config=True)

    total_quota = Integer(
        0,
        min=0,
        help="""Launches of all people that may be under way at the same time; 0 (the default) for
        no limit. Running servers are the Hub's to limit (`JupyterHub.active_server_limit`).""",
    ).tag(config=True)

    per_repo_quota = Integer(
        0,
        min=0,
        help="""Launches of one repository that may be under way at the same time; 0 (the default)
        for no limit.""",
    ).tag(config=True)

    record_days = Integer(
        365,
        min=0,
        help="""Days for which launches and builds that are over, and what commits were found to ask
        for, stay on record (default 365; 0: for ever); never fewer than logs are kept
        (`Builds.log_days`). The latest launch of each server and of each project stays, as do those
        in the list of a class, and builds of environments that are there. What is popular, and how
        often an environment was launched, is counted out of what is on record.""",
    ).tag(config=True)


class Updates(Configurable):
    """Projects against their repositories."""

    look_every = Float(
        3600,
        min=0,
        help="""Seconds after which the branch of a project is looked up again, for the main page to
        say that there are new commits (default one hour); 0 for never. It is looked up only while
        a person of that project has the main page open, and without anybody's credential.""",
    ).tag(config=True)


class Classes(Configurable):
    """Who teaches."""

    teachers = List(
        Unicode(),
        help="""Groups of the Hub whose members are teachers: whoever gives a class a link sees who
        opened it and what became of that, and can stop these servers. Default: none; everybody has
        the link, its QR code and *Prepare*.""",
    ).tag(config=True)

    days = Integer(
        30,
        min=1,
        help="""Days for which it is kept who opened the link of a class that has ended (default
        30). A class whose link nobody has launched for so long ends by itself.""",
    ).tag(config=True)


class Launcher(Configurable):
    """Starts of servers."""

    start_timeout = Float(
        600,
        help="""Seconds a server may take from the Hub's first word to being ready (default 600).
        Pulling a large image onto a new node is the slowest thing that is still fine.""",
    ).tag(config=True)

    concurrent_starts = Integer(
        0,
        min=0,
        help="""Servers that start at the same time. Further ones wait their turn and say how many
        are ahead, so that a class that opens one link in the same minute gets its servers, one
        after the other: a start is all computing, and where all start at once, none is ready in
        time. 0 (the default): as many as the engine says, which are two for each processor of this
        machine, or 64 on `kubernetes`, whose nodes do that; there, set it to what those can do.
        `JupyterHub.concurrent_spawn_limit` holds as well.""",
    ).tag(config=True)

    def places(self, engine: Engine) -> int:
        """As many servers as may start at the same time."""
        return self.concurrent_starts or engine.concurrent_starts or 2 * (os.cpu_count() or 1)


class Landing(Configurable):
    """Where the browser is sent."""

    proxy_url = Unicode(
        help="""Where the service itself reaches people's servers, such as
        `http://127.0.0.1:8000`: the Hub's proxy, from the inside. Empty (the default): whether a
        program of a server answers is not asked before people are sent there, and of the server
        itself the Hub is asked, which knows whether it runs but not whether it answers."""
    ).tag(config=True)

    patience = Float(
        20,
        help="""Seconds a program such as RStudio or Voilà may take for its first answer before
        the launch ends with JupyterLab on offer instead (default 20).""",
    ).tag(config=True)


class HubClient(Configurable):
    """How the service reaches the Hub."""

    api_url = Unicode(
        help="""Where the Hub's API is; default $JUPYTERHUB_API_URL, which the Hub gives to the
        services it manages."""
    ).tag(config=True)

    timeout = Float(
        30, help="Seconds to wait for one answer of the Hub (default 30). Streams are not bound."
    ).tag(config=True)

    stop_timeout = Float(
        60, help="Seconds a server may take to stop before a restart is given up (default 60)."
    ).tag(config=True)

    reconnects = Integer(
        5, help="How often a dropped progress stream is taken up again (default 5)."
    ).tag(config=True)

    restart = Float(
        30, help="Seconds for which a Hub that does not answer is waited for (default 30)."
    ).tag(config=True)

    @default("api_url")
    def _api_url(self) -> str:
        return os.environ.get("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api")

    def settings(self) -> HubSettings:
        bounds = self.timeout, self.stop_timeout, self.reconnects, self.restart
        return HubSettings(self.api_url, *bounds)


class EventLog(Configurable):
    """The log of launches that worked, of what people publish, and of what administrators and
    teachers did.
    """

    path = Unicode(
        "",
        help="""File that gets one line of JSON for each launch that worked, each change of the
        catalogue and each act of an administrator, or of a teacher on servers of a class. Default:
        none.""",
    ).tag(config=True)
