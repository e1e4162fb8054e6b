"""What every server is told, whatever starts it: arguments and environment. Pure."""

from __future__ import annotations

from ..core.launch import Files, Launch
from ..core.providers import PROVIDERS

HOME = "/home/jovyan"
"""The home inside every server, whatever runs it."""


def server_arguments(launch: Launch) -> list[str]:
    """What a launch asks of the server program itself."""
    arguments = []
    if launch.files is Files.HOME and launch.project:
        arguments.append(f"--ServerApp.preferred_dir={HOME}/{launch.project}")
    if launch.idle:
        # A kernel somebody is connected to is not idle, so an open notebook keeps the server.
        look = max(10, min(300, launch.idle // 4))
        arguments += [
            f"--ServerApp.shutdown_no_activity_timeout={launch.idle}",
            f"--MappingKernelManager.cull_idle_timeout={launch.idle}",
            f"--MappingKernelManager.cull_interval={look}",
            f"--TerminalManager.cull_inactive_timeout={launch.idle}",
            f"--TerminalManager.cull_interval={look}",
        ]
    return arguments


def binder_environment(launch: Launch, host: str, now: float) -> dict[str, str]:
    """The variables BinderHub's own spawner gives to a server, its person's language, and what
    they have nearly used up.

    Args:
        host: URL of this service, ending in `/`.
        now: seconds since 1970.
    """
    env = {"BINDER_LAUNCH_HOST": host}
    if launch.language:
        env["BINDER_LANGUAGE"] = launch.language
    if told := launch.told(now):
        env["BINDER_NOTICE"] = "\n".join(told)
    if launch.commit is None:
        return env
    repo, commit = launch.commit.repo, launch.commit
    env |= {
        "BINDER_REPO_URL": repo.url,
        "BINDER_REQUEST": f"v2/{repo.provider}/{repo.name}/{commit.ref}",
        "BINDER_PERSISTENT_REQUEST": f"v2/{repo.provider}/{repo.name}/{commit.id}",
    }
    page = PROVIDERS[repo.provider].commit_url(commit) if repo.provider in PROVIDERS else repo.url
    return env if page == repo.url else {**env, "BINDER_REF_URL": page}
