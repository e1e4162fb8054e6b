"""What a launch came to."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.progress import Event, Phase
from ...core.sentences import Sentence
from .steps import Step


@dataclass(frozen=True)
class LaunchResult:
    """What a launch came to.

    Attributes:
        image: the environment's name.
        url: where the browser is sent; empty where only the image was asked for.
        server_url: of the server itself.
    """

    image: str
    url: str = ""
    server_url: str = ""

    @property
    def event(self) -> Event:
        """The last event; BinderHub's clients want the image under two names."""
        data = {
            "image": self.image,
            "imageName": self.image,
            "url": self.url,
            "server_url": self.server_url,
            "progress": 100,
            "step": str(Step.REDIRECT),
        }
        ready = Sentence("Ready: {url}", url=self.url)
        return Event(Phase.READY, ready if self.url else Sentence("The image is ready."), data)
