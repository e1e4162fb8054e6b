"""What a container begins with: programs of ours, which then run what its image begins with.

In images of repo2docker alone: they have a Python and a `start`. What an image of anybody else's
begins with is the first process, and says itself what ends how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.launch import Launch
from ...core.layout import DataDirectory
from ..ending import EndingMixin
from . import made, quickstart
from .examine import OBEDIENT


def entrypoint(
    image: Mapping[str, Any], launch: Launch, layout: DataDirectory, ending: EndingMixin
) -> list[str]:
    """What stands in place of an image's ENTRYPOINT; nothing to leave it.

    Args:
        image: as the engine describes it.
        ending: how long what runs in it may take for its end.
    """
    own = [*((image.get("Config") or {}).get("Entrypoint") or ())]
    if not quickstart.is_provided(layout) or OBEDIENT not in " ".join(own):
        return []
    seconds = map(str, (ending.term_timeout, ending.services_timeout))
    first = ["python3", "-I", "-S", quickstart.place_of(quickstart.FIRST), *seconds]
    return [*first, *made.giving(image, launch), *own]
