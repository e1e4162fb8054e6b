"""The Hub's last word: the part of a spawner that every engine shares.

A person can post any `user_options` to the Hub's own API. So nothing in them is believed but
a ticket our service signed for this person and this server, and `start` refuses unless that
check ran on exactly the options of this start. It fails closed: an administrator's hook in
place of the check, or no hook at all, means refusal.

A refusal, and every failure that a repository or its person can cause, is a
`SpawnException`: the Hub counts only other failures towards `consecutive_failure_limit`, so
nobody can take the Hub down by failing on purpose. The hook itself must not raise, because the
Hub logs a traceback for whatever it raises.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub.spawner import SpawnException
from jupyterhub.utils import url_path_join
from traitlets import Bool, Integer, List, Unicode, default

from ..core.errors import BadTicket, BinderError, LaunchFailed
from ..core.launch import TICKET, Files, Launch, check_reader, check_size, read_ticket
from ..core.layout import DataDirectory
from ..core.progress import Event, Phase
from ..core.sentences import Sentence
from ..jobs import History
from .answering import until_answers
from .ending import EndingMixin
from .givensecrets import SecretsMixin
from .preparing import PreparingMixin
from .refusals import refusal
from .rescue import explained
from .serving import HOME, binder_environment, server_arguments

_MARGIN = 2.0


@dataclass(frozen=True)
class Admission:
    """What the check found, and on which options.

    Attributes:
        options: the options, exactly.
        launch: what may be started; `None` for a plain start, where those are allowed.
        refusal: why nothing may be.
    """

    options: str
    launch: Launch | None = None
    refusal: BinderError | None = None


def check_ticket(spawner: BinderSpawnerMixin, user_options: Any) -> None:
    """The `apply_user_options` hook that belongs to the mixin.

    An administrator's own hook can do more, but has to call this.
    """
    spawner.admit(user_options)


_LATE = Sentence("It did not answer in time.")
ENDED = Sentence("It ended by itself.")
_STOPPED = Sentence("It stopped answering.")


class BinderSpawnerMixin(EndingMixin, SecretsMixin, PreparingMixin):
    """Starts what our service admitted, and nothing else. Put it before a JupyterHub spawner.

    An engine supplies the verbs of :class:`PreparingMixin`.
    """

    if TYPE_CHECKING:
        user: Any
        name: str
        server: Any
        hub: Any
        args: list[str]
        user_options: Any
        internal_ssl: bool
        start_timeout: int
        http_timeout: int
        notebook_dir: str
        apply_user_options: Any
        mem_limit: Any
        cpu_limit: Any
        poll: Any
        _log_name: str

    data_dir = Unicode(
        help="""Absolute path of the data directory the service uses too. Without a default,
        because the Hub and the service must agree on it."""
    ).tag(config=True)

    ticket_secret = Unicode(
        help="""Secret with which the service signs tickets. Default: the content of
        `secrets/ticket` in the data directory. Whoever has it may start anything as anybody, so
        it is never logged and never part of a server's environment."""
    ).tag(config=True)

    allow_plain_starts = Bool(
        False,
        help="""Whether a server may also be started without a ticket, as in any JupyterHub.
        Default: no, because then people choose the options of their server themselves, and the
        engine's own configuration alone decides what it runs.""",
    ).tag(config=True)

    launch_page = Unicode(
        help="""URL of the page a refused start links to. Default: the service's own page on
        this Hub."""
    ).tag(config=True)

    private_seconds = Integer(
        300,
        min=1,
        help="""How long after the service has seen that a person can read a private repository a
        server of it may be started (default 300 s). Later starts, such as by the Hub's own
        button, are refused and lead to the launch page, which asks anew.""",
    ).tag(config=True)

    origins = List(
        Unicode(),
        help="""Other sites whose pages may use people's servers with a token, such as a book with
        Thebe. Cookies do not work from there. Default: those of `Access.origins`, where the Hub
        reads that configuration too; `*` is for the service alone and never for servers.""",
    ).tag(config=True)

    @default("origins")
    def _origins_of_the_service(self) -> list[str]:
        return list(self.config.Access.get("origins", []))

    @default("ticket_secret")
    def _secret_of_the_data_directory(self) -> str:
        try:
            return (self.layout.secrets / "ticket").read_text(encoding="ascii").strip()
        except OSError:
            return ""

    @default("launch_page")
    def _page_of_the_service(self) -> str:
        return self.service_path

    @default("start_timeout")
    def _twice_as_long_as_the_hubs(self) -> int:
        # A start puts the project's files in place too, and one that ends by itself is noticed.
        return 120

    @default("cmd")
    def _cmd(self) -> list[str]:
        return ["jupyterhub-singleuser"]

    @default("mem_limit")
    def _mem_limit(self) -> int:
        return 2 << 30

    @default("cpu_limit")
    def _cpu_limit(self) -> float:
        return 2.0

    @default("apply_user_options")
    def _our_check(self) -> Any:
        return check_ticket

    _admission: Admission | None = None
    _history: History | None = None
    _starting = False
    launch: Launch | None = None

    @property
    def layout(self) -> DataDirectory:
        return DataDirectory(Path(self.data_dir))

    def admit(self, user_options: Any) -> None:
        """Check options and remember the verdict for the start that follows. Never raises."""
        options = _canonical(user_options)
        try:
            self._admission = Admission(options, self._check(user_options))
        except BinderError as refusal:
            self._admission = Admission(options, refusal=refusal)

    def _check(self, user_options: Any) -> Launch | None:
        if not user_options and self.allow_plain_starts:
            return None
        if not self.ticket_secret:
            raise BadTicket("This Hub has no ticket secret, so it can start nothing.")
        unknown = sorted(set(user_options) - {TICKET}) if isinstance(user_options, dict) else ["?"]
        if unknown:
            raise BadTicket("This server can only be started from its launch link.")
        ticket = user_options.get(TICKET)
        launch = read_ticket(ticket, self.ticket_secret, user=self.user.name, server=self.name)
        check_reader(launch, now=time.time(), seconds=self.private_seconds)
        check_size(launch, (group.name for group in self.user.groups))
        return launch

    def _admitted(self) -> Launch | None:
        """What the check admitted for exactly this start; good for one start only."""
        admission, self._admission = self._admission, None
        if admission is None or admission.options != _canonical(self.user_options):
            self.log.error(
                "%s: the check of user_options did not run; apply_user_options must be, or "
                "call, binderhub_ext.engines.spawner.check_ticket",
                self._log_name,
            )
            raise BadTicket("This Hub's configuration keeps it from checking launches.")
        if admission.refusal:
            raise admission.refusal
        return admission.launch

    async def start(self) -> Any:
        """Start what was admitted, and return only when the server answers.

        Nothing of it is left if that fails.

        Raises:
            SpawnException: it may not be started, or did not start because of what it is.
        """
        self._starting, self.prepared, self.last_words = True, None, ""
        # Watchers may have come first; theirs is then the one.
        self._history = history = self._history or History()
        try:
            return await self._start_in_time()
        except BaseException:
            await self.clean_up()
            raise
        finally:
            history.close()
            self._history = self.prepared = None
            self._starting, self.secrets = False, ()

    async def _start_in_time(self) -> Any:
        try:
            async with asyncio.timeout(max(self.start_timeout - _MARGIN, _MARGIN)):
                return await self._start_admitted()
        except BinderError as error:
            raise self._refusal(error) from None
        except TimeoutError:
            raise self._refusal(await self._failure(_LATE)) from None
        except OSError as error:
            raise self._refusal(explained(error)) from error

    async def _start_admitted(self) -> Any:
        self.launch = self._admitted()
        await self.begin_once()
        if self.launch:
            self.tell(10, Sentence("Preparing your files"))
            self._apply_common(self.launch)
            await self.fetch_secrets(self.launch)
            await self.prepare(self.launch)
        self.tell(40, Sentence("Starting your server"))
        url = await self.start_server()
        self.tell(60, Sentence("Waiting for your server to answer"))
        await self._until_ready(url)
        self._forgive_silence()
        self.tell(95, Sentence("Your server is ready"))
        return url

    def _apply_common(self, launch: Launch) -> None:
        """What holds for every engine."""
        project = url_path_join(HOME, launch.project) if launch.project else HOME
        self.notebook_dir = HOME if launch.files is Files.HOME else project
        if launch.memory:
            self.mem_limit = min(filter(None, (launch.memory, self.mem_limit)))
        if launch.cpu:
            self.cpu_limit = min(filter(None, (launch.cpu, self.cpu_limit)))

    def tell(self, progress: int, message: Sentence, **data: Any) -> None:
        """Tell the people who watch the start.

        Args:
            progress: percent.
            data: further fields for programs.
        """
        if self._history:
            self._history.append(Event(Phase.LAUNCHING, message, {"progress": progress, **data}))

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What is happening, as the Hub's event stream wants it."""
        self._history = history = self._history or History()
        async for _, event in history.watch():
            yield {"message": event.message, **event.message.data, **event.data}

    async def _until_ready(self, url: Any) -> None:
        """Ask the server itself until it answers.

        Where its inside is encrypted we have no certificate for asking, and leave it to the Hub.
        """
        if self.internal_ssl or not url:
            return
        base = url if isinstance(url, str) else f"http://{url[0]}:{url[1]}"
        await until_answers(url_path_join(base, self.server.base_url, "api"), self._check_runs)

    async def _check_runs(self) -> None:
        if await self.poll() is not None:
            raise await self._failure(ENDED)

    def _forgive_silence(self) -> None:
        """Make a server that answered us and then not the Hub fail as its own fault.

        The Hub asks once more after `start`, and would count that failure as its own. It also
        waits far longer than `http_timeout` for a server that takes the question and says
        nothing.
        """
        wait_up = self.server.wait_up

        async def wait(*args: Any, **kwargs: Any) -> Any:
            try:
                async with asyncio.timeout(self.http_timeout):
                    return await wait_up(*args, **kwargs)
            except Exception:
                raise self._refusal(await self._failure(_STOPPED)) from None

        self.server.wait_up = wait

    async def _failure(self, what: Sentence) -> BinderError:
        detail = await self.explain_failure()
        return LaunchFailed(
            "Your server did not start. {what} The end of its log says why; if the repository"
            " has a start script, it may be the reason.",
            what=what,
            detail=detail,
        )

    def _refusal(self, error: BinderError) -> SpawnException:
        return refusal(error, self.launch_page)

    def get_args(self) -> list[str]:
        """Arguments of the server; what the launch asks for comes last."""
        args = [*super().get_args(), *origin_arguments(self.origins)]  # type: ignore[misc]
        if self.launch is None:
            return args
        return [*args, *server_arguments(self.launch), *self.rescue_arguments()]

    def get_env(self) -> dict[str, str]:
        """Environment of the server, with BinderHub's variables."""
        env: dict[str, str] = super().get_env()  # type: ignore[misc]
        if origin_arguments(self.origins):
            # A page of another site cannot send a header with a WebSocket, and not every
            # browser says `Sec-Fetch-Mode: websocket`, which JupyterHub waits for.
            env["JUPYTERHUB_ALLOW_TOKEN_IN_URL"] = "1"
        if self.launch is None:
            return env
        host = getattr(self.hub, "public_host", "") or ""
        ours = binder_environment(self.launch, host + self.launch_page, time.time())
        return {**env, **ours, **self.rescue_environment()}


def origin_arguments(origins: Iterable[str]) -> list[str]:
    """Let pages of these sites use a server, which still wants a token from them."""
    listed = "|".join(re.escape(origin.lower()) for origin in origins if origin != "*")
    return [f"--ServerApp.allow_origin_pat=^({listed})$"] if listed else []


def _canonical(user_options: Any) -> str:
    return json.dumps(user_options or {}, sort_keys=True, default=repr)
