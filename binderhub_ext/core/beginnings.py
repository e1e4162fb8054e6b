"""What somebody can open who has no repository at hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .errors import BinderError
from .launch import Files, LaunchRequest
from .links import write_link
from .parameters import PLAIN
from .policy import Policy, judge
from .providers import Providers
from .shipped import EMPTY, EXAMPLE, SHIPPED

_FILES = {EXAMPLE: "index.ipynb", EMPTY: "notebook.ipynb"}
"""What each opens. Neither needs more than the environment of an empty repository."""


def beginnings(policy: Policy, providers: Providers) -> dict[str, str]:
    """Links to what comes with the service, by name, as far as they may be launched here."""
    return dict(_allowed(policy, providers))


def _allowed(policy: Policy, providers: Providers) -> Iterator[tuple[str, str]]:
    files = Files.PROJECT if Files.PROJECT in policy.files else policy.files[0]
    for name, path in _FILES.items():
        request = LaunchRequest(SHIPPED.repo(name), filepath=path, target="lab", environment=PLAIN)
        try:
            judge(policy, replace(request, files=files))
            yield name, write_link(replace(request, files=files), providers=providers)
        except BinderError:
            continue
