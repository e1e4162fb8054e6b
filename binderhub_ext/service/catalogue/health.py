"""Whether what is in the catalogue can still be launched, and what is popular: found out in the
background, within a budget.

A look asks the host which commit a link is of now, as somebody would without any key of theirs,
and whether there is an environment of that commit. Nothing is built unless an administrator gives
a budget for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from time import monotonic
from urllib.parse import urlsplit

from tornado.log import app_log

from ...core.catalogue import (
    TITLE_MAX,
    Listing,
    check_no_secret,
    clean,
    is_listed,
    most_popular,
    words_of,
)
from ...core.errors import (
    BinderError,
    BuildFailed,
    BuildTimeout,
    NotAllowed,
    RepoNotFound,
    RepoUnavailable,
    Unsupported,
)
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.policy import judge
from ...core.progress import unheard
from ...core.refs import HEAD, is_full_id
from ...core.repo import Commit, Repo
from ...core.shipped import SHIPPED
from ...engines.base import Builder, Image
from ..launching.builds import Builds
from ..records.catalogue import CatalogueRecords
from ..records.everybody import Everybody
from ..records.pictures import PictureRecords
from ..records.popular import Launched, Plain, PopularRecords
from ..records.records import Records, now
from ..records.tables import CatalogueRow
from .entries import Catalogue
from .pictures import Pictures
from .settings import Limits

BROKEN = frozenset({BuildFailed.code, BuildTimeout.code, Unsupported.code})
"""What it is called if an environment cannot be built."""

_CLOSED = frozenset({RepoNotFound.code, NotAllowed.code})
"""After this not everybody may read it any more, as far as anybody knows."""

_EVERY = 300.0
"""Seconds between two looks."""

_COUNTED_EVERY = 600.0
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_CANDIDATES = 4
"""As many times as are shown, because some turn out to be private."""

_HALF_LIVES = 6
"""After so many, launches are not counted any more: a person counts less than two per cent."""

_PATIENCE = 60.0
"""Seconds for which a host may answer; entries are looked at one after the other."""

_IMAGES_FOR = 60.0
"""Seconds for which a list of environments is good."""


class Budget:
    """How often something may be done within an hour.

    Args:
        most: how often.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._spent: deque[float] = deque(maxlen=most or None)

    def left(self, recorded: int = 0) -> int:
        """How often it may be done now.

        Args:
            recorded: how often it was done within the last hour, as far as is on record: by
                another service, or one before this.
        """
        hour_ago = monotonic() - _HOUR.total_seconds()
        while self._spent and self._spent[0] < hour_ago:
            self._spent.popleft()
        return max(self._most - max(len(self._spent), recorded), 0)

    def spend(self) -> None:
        self._spent.append(monotonic())


class Health:
    """Keeps the catalogue true.

    Args:
        catalogue: says what entries launch.
        records: of the service.
        builds, builder: know and make environments.
        limits: the administrator's.

    Attributes:
        pictures: of entries.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        records: Records,
        *,
        builds: Builds,
        builder: Builder,
        limits: Limits,
    ) -> None:
        self._catalogue, self._limits = catalogue, limits
        self._records, self._known = CatalogueRecords(records), records
        self._everybody, self._popular = Everybody(records), PopularRecords(records)
        self.pictures = Pictures(PictureRecords(records), builds)
        self._builds, self._builder = builds, builder
        self._looks, self._made = Budget(limits.checks), Budget(limits.builds)
        self._wanted = asyncio.Event()
        self._counted = -_COUNTED_EVERY
        self._images: Mapping[str, Image] = {}
        self._images_of = -_IMAGES_FOR

    # ---- what is there

    async def environments(self) -> Mapping[str, Image]:
        """The environments there are, by their keys, as of a minute ago at most."""
        if monotonic() - self._images_of >= _IMAGES_FOR:
            self._images_of = monotonic()
            try:
                self._images = {image.key: image for image in await self._builder.images()}
            except BinderError as error:
                app_log.warning("Which environments there are is not known: %s", error)
                self._images = {}
        return self._images

    # ---- the job

    def soon(self) -> None:
        """Look again before it is time: something has changed."""
        self._wanted.set()

    async def pause(self) -> None:
        """Wait until it is time for another look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _EVERY)
        self._wanted.clear()

    async def look(self) -> None:
        """Count launches, look at what was not looked at for a day, and build what is wanted."""
        if monotonic() - self._counted >= _COUNTED_EVERY:
            self._counted = monotonic()
            await self.count()
        looked, tried = await self._records.within(_HOUR)
        for row in await self._records.due(_DAY, limit=self._looks.left(looked)):
            self._looks.spend()
            await self._look_at(row)
        if left := self._made.left(tried):
            self._images_of = -_IMAGES_FOR
            kept = await self.environments()
            for row in await self._records.unbuilt(_DAY, kept, limit=left):
                self._made.spend()
                await self._build(row)

    async def count(self) -> None:
        """Find out how popular everything is."""
        moment = now()
        since = moment - timedelta(seconds=_HALF_LIVES * self._limits.half_life)
        latest, repos = _together(await self._popular.launched(since))
        scores = most_popular(
            latest,
            now=moment.timestamp(),
            half_life=self._limits.half_life,
            people=self._limits.people,
        )
        # what not everybody may read takes nobody's place, and is not asked for again and again
        refused = await self._popular.refused()
        most, plain = self._limits.popular, dict[str, Plain]()
        for identity in islice(scores, _CANDIDATES * most):
            if len(plain.keys() - refused) == most:
                break
            if found := self._plain(repos[identity]):
                plain[identity] = found
        await self._popular.ranked(scores, plain)

    def _plain(self, repo: Repo) -> Plain | None:
        """What stands in the catalogue of a repository that many launched, if it may."""
        web = urlsplit(repo.url).scheme in ("http", "https")
        if not web or repo.provider == SHIPPED.id or not is_listed(repo):
            return None
        request = LaunchRequest(repo)
        try:
            judge(self._catalogue.policy, request)
            link = write_link(request, providers=self._catalogue.providers)
            check_no_secret(link)
        except BinderError:
            return None
        title = clean(repo.title)[:TITLE_MAX]
        return Plain(title, link, words_of(Listing(title), repo.shown))

    # ---- one entry

    async def _look_at(self, row: CatalogueRow) -> None:
        """Find out of what commit an entry is, and write that down."""
        found, commit = {"code": "", "commit": "", "key": ""}, None
        request = self._catalogue.opens(row)
        try:
            if request is None:
                found["code"] = NotAllowed.code
            elif commit := await self._commit(request):
                found |= {"commit": commit.id[:128], "key": await self._key(commit)}
                found["code"] = await self._failed(found["key"])
        except BinderError as error:
            found["code"] = error.code
        except Exception:
            app_log.exception("Looking at the entry %s of the catalogue failed", row.id)
            found["code"] = BinderError.code
        await self._records.checked(row, checked=now(), **found)
        if commit and self._limits.pictures:
            await self._pictured(row, commit)
        elif found["code"] in _CLOSED:
            await self.pictures.remove(row)

    async def _pictured(self, row: CatalogueRow, commit: Commit) -> None:
        try:
            await self.pictures.look(row, commit)
        except Exception:
            app_log.exception("The picture of the entry %s of the catalogue was not kept", row.id)

    async def _commit(self, request: LaunchRequest) -> Commit | None:
        """What a link's ref stands for; nothing for an image, which has none.

        Raises:
            BinderError: it cannot be launched by somebody who has no key to it.
        """
        if request.repo is None:
            return None
        provider = self._builds.provider(request.repo.provider)
        try:
            async with asyncio.timeout(_PATIENCE):
                if is_full_id(request.ref):
                    # a whole id is believed without asking, so ask for anything else
                    await provider.resolve(request.repo, HEAD)
                return await provider.resolve(request.repo, request.ref)
        except TimeoutError as error:
            raise RepoUnavailable("Its host did not answer.") from error

    async def _key(self, commit: Commit) -> str:
        """The environment of a commit, if it is known; nothing is fetched."""
        basis = await self._builder.basis()
        known = await self._known.environment(commit, basis)
        return known.key if known else ""

    async def _failed(self, key: str) -> str:
        """How the latest build of an environment that is not there failed, if one did."""
        if not key or key in await self.environments():
            return ""
        build = (await self._everybody.builds_of([key])).get(key)
        return build.result if build and build.result in BROKEN else ""

    async def _build(self, row: CatalogueRow) -> None:
        """Build an entry's environment, as its launch would."""
        await self._records.checked(row, tried=now())
        request = self._catalogue.opens(row)
        if request is None or request.image or request.environment:
            return
        commit, code = None, ""
        try:
            if commit := await self._commit(request):
                await self._builds.image(commit, unheard)
        except BinderError as error:
            code = error.code if error.code in BROKEN else ""
        if commit:
            await self._records.checked(row, code=code, key=await self._key(commit))
        self._images_of = -_IMAGES_FOR


def _together(
    launched: Iterable[Launched],
) -> tuple[dict[str, dict[str, float]], dict[str, Repo]]:
    """By the identity of a repository, however links name it: when each person launched it last,
    and the repository as its latest launch has it."""
    latest: dict[str, dict[str, float]] = {}
    repos: dict[str, Repo] = {}
    for one in sorted(launched, key=lambda one: max(one.latest.values())):
        repo = Repo(one.provider, one.name, one.url)
        identity = repo.identity[:2048]
        repos[identity] = repo
        times = latest.setdefault(identity, {})
        for user, then in one.latest.items():
            times[user] = max(then.timestamp(), times.get(user, 0.0))
    return latest, repos
