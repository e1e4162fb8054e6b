"""What a launch came to."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.progress import Event, Phase
from ...core.sentences import NOTHING, Sentence
from .steps import Step


@dataclass(frozen=True)
class LaunchResult:
    """What a launch came to.

    Attributes:
        image: the environment's name.
        url: where the browser is sent; empty where only the image was asked for.
        server_url: of the server itself.
        where: the image was got to, in words; empty where that was not asked, or is clear.
    """

    image: str
    url: str = ""
    server_url: str = ""
    where: Sentence = NOTHING

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
        return Event(Phase.READY, self._words, data)

    @property
    def _words(self) -> Sentence:
        if self.url:
            return Sentence("Ready: {url}", url=self.url)
        if self.where:
            return Sentence("The image is ready. {where}", where=self.where)
        return Sentence("The image is ready.")
