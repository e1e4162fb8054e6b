"""Start a sandbox, find it again, end it.

Nothing that is needed to end a sandbox is kept only in the Hub's memory: the kernel knows who
holds the read lock of a sandbox's run directory, and everything around a sandbox (its network,
its relay) waits on a pipe that closes with it. So a Hub killed at any instant leaves nothing
that the next one cannot end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...core.errors import LaunchFailed
from ...programs import ProcessFailed, capture
from . import changing, seccomp
from . import network as net
from .children import Descriptor, Log, pipe, start_child
from .limits import Cgroup, counted, find_controllers
from .mounted import Mounted, check_mounted, mounts_of
from .network import Network, Ports
from .processes import ProcessId
from .sandbox import FIRST, RUN, VARIABLES, Bind, Descriptors, Sandbox, arguments, own_files

PATIENCE = 60.0
"""Seconds for anything of ours to get ready; milliseconds on a machine that is well."""

_LOOK = 0.002
_NOT_MADE = "The sandbox could not be made."


@dataclass
class Command:
    """A sandbox ready to be started once, by whatever means.

    Attributes:
        argv: the command; its first word is a program of the host.
        env: its environment.
        fds: descriptors to hand on (`pass_fds`).
        init: the sandbox's first process, once it has started.
        counted: whether a control group counts what it uses.
    """

    argv: list[str]
    env: dict[str, str]
    fds: tuple[int, ...]
    init: asyncio.Future[ProcessId]
    counted: bool
    _handed: tuple[Descriptor, ...] = ()

    def start(self, output: Log) -> subprocess.Popen[bytes]:
        """Start it so that it outlives us; ends are then held by it alone."""
        process = start_child(self.argv, env=self.env, output=output, fds=self.fds)
        # From here on the sandbox alone may hold them. With a `life` of ours its network would
        # live as long as the Hub; with an `info_in` we would wait for ever for the pid of a
        # sandbox that ended before it said one; with a `block_out` we would release the dead.
        for descriptor in self._handed:
            descriptor.close()
        return process


@asynccontextmanager
async def prepared(
    sandbox: Sandbox,
    *,
    ports: Ports = Ports(),  # noqa: B008  frozen
    blocked: tuple[str, ...] = (),
    name: str = "",
    sockets: Path | None = None,
    network_log: Log = subprocess.DEVNULL,
    helper: int = 0,
) -> AsyncIterator[Command]:
    """Make everything a sandbox needs, and give the command that starts it.

    Leaving the block does not end the sandbox, unless it was never started; with
    `Sandbox.ends_with_hub` it ends with the process that started it.

    Args:
        ports: what to let through into and out of a network that is not the host's.
        blocked: networks out of reach in a private network, besides this machine itself.
        name: of its control group, where there can be any; empty for none.
        sockets: our own directory for the sockets of an isolated network with ports.
        network_log: where the network's own messages go.
        helper: a process of ours whose work counts as the sandbox's own; 0 for none.

    Raises:
        LaunchFailed: its network could not be made, or the kernel does not say what it is to see.
    """
    # The stack closes in reverse: each line below may count on what is above it being open.
    async with AsyncExitStack() as stack:
        sandbox, cgroup = _limited(stack, sandbox, name)
        # Whatever is around the sandbox has a copy of `life_end` and ends at its end: when nobody
        # has `life` any more. The stack closes ours, also if nothing was ever started.
        life_end, life = pipe(stack)
        sandbox, enter = await _networked(
            stack, sandbox, ports, blocked, sockets, life_end.number, network_log
        )
        life_end.close()
        info, info_in = pipe(stack)
        # Bubblewrap waits for a byte or the end of this pipe. So `block` stays open until the
        # byte was written: closed before that, the sandbox would run without its limits.
        block_out, block = pipe(stack)
        fds = _descriptors(stack, sandbox, info_in.number, block_out.number, life.number)
        init: asyncio.Future[ProcessId] = asyncio.get_running_loop().create_future()
        release = _release(info.number, block.number, cgroup, init, helper, mounts_of(sandbox))
        task = asyncio.create_task(release)
        if sandbox.ends_with_hub:
            stack.push_async_callback(_emptied, init)
        # First of all when the block is left, and waited for: it reads and writes by numbers,
        # which are somebody else's as soon as they are closed.
        stack.push_async_callback(_ended, task)
        yield Command(
            [*enter, *_arguments(sandbox, fds)],
            dict(sandbox.env),
            _passed(sandbox, fds),
            init,
            sandbox.limits.counted,
            (info_in, block_out, life),
        )


async def _networked(
    stack: AsyncExitStack,
    sandbox: Sandbox,
    ports: Ports,
    blocked: tuple[str, ...],
    sockets: Path | None,
    life: int,
    log: Log,
) -> tuple[Sandbox, list[str]]:
    """Make its network; gives the sandbox with it, and the words that enter it."""
    if sandbox.network is Network.PRIVATE and not net.online():
        # A laptop on a journey: what is built stays usable, as far as it needs no network.
        sandbox = replace(sandbox, network=Network.ISOLATED)
    if sandbox.network is Network.PRIVATE:
        holder = await _hold_network(ports, blocked, life, log)
        return sandbox, net.enter_arguments(holder, user=os.geteuid() != 0)
    if sandbox.network is Network.ISOLATED and sockets:
        return await _relayed(stack, sandbox, ports, sockets, life, log), []
    return sandbox, []


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _emptied(init: asyncio.Future[ProcessId]) -> None:
    """Wait until nothing runs in a sandbox any more.

    Bubblewrap ends when its program does; the kernel then ends what that left, which may be a
    thousand processes that still write while somebody takes what they made for finished.
    """
    first = init.result() if init.done() and not init.exception() else None
    if first and not await first.ended(PATIENCE):
        raise LaunchFailed("What ran in a sandbox does not end.")


def _limited(stack: AsyncExitStack, sandbox: Sandbox, name: str) -> tuple[Sandbox, Cgroup | None]:
    """Make its control group, where there can be any."""
    controllers = find_controllers() if name else None
    if controllers is None:
        return sandbox, None
    limits = counted(sandbox.limits)
    cgroup = controllers.make(name, limits)
    # Of a sandbox that outlives the block the group stays: only an empty one can be removed.
    if cgroup and sandbox.ends_with_hub:
        stack.push_async_callback(cgroup.removed)
    elif cgroup:
        stack.callback(cgroup.remove)
    return replace(sandbox, limits=limits), cgroup


def _descriptors(
    stack: AsyncExitStack, sandbox: Sandbox, info: int, block: int, life: int
) -> Descriptors:
    return Descriptors(
        files={path: _memory_file(stack, content) for path, content in _files(sandbox).items()},
        seccomp=_filters(stack, sandbox),
        info=info,
        block=block,
        life=life,
    )


def _files(sandbox: Sandbox) -> dict[str, bytes]:
    if sandbox.changed:
        return {**changing.own_files(), **sandbox.files}
    resolv = net.resolv_conf(Path("/etc/resolv.conf").read_text(), sandbox.network)
    ours = {**own_files(sandbox.person), "/etc/resolv.conf": resolv, **sandbox.files}
    if sandbox.variables:
        ours[VARIABLES] = json.dumps(dict(sandbox.variables)).encode()
    return ours


def _arguments(sandbox: Sandbox, fds: Descriptors) -> list[str]:
    return (changing.arguments if sandbox.changed else arguments)(sandbox, fds)


def _filters(stack: AsyncExitStack, sandbox: Sandbox) -> tuple[int, ...]:
    uncounted = bool(sandbox.limits.memory) and not sandbox.limits.counted
    try:
        return tuple(_memory_file(stack, one) for one in seccomp.programs(uncounted))
    except seccomp.NoSeccomp:  # the engine's checks say so; namespaces alone still separate
        return ()


def _passed(sandbox: Sandbox, fds: Descriptors) -> tuple[int, ...]:
    sources = [bind.source for bind in sandbox.binds if isinstance(bind.source, int)]
    return (
        *fds.files.values(),
        *fds.seccomp,
        fds.info,
        fds.block,
        fds.life,
        *sources,
        *sandbox.keep,
    )


def _memory_file(stack: AsyncExitStack, content: bytes) -> int:
    file = Descriptor(os.memfd_create("binder", os.MFD_CLOEXEC))
    stack.callback(file.close)
    os.write(file.number, content)
    os.lseek(file.number, 0, os.SEEK_SET)
    return file.number


async def _release(
    info: int,
    block: int,
    cgroup: Cgroup | None,
    init: asyncio.Future[ProcessId],
    helper: int,
    mounts: frozenset[Mounted],
) -> None:
    """Let a sandbox that has come into being run, once it is as it was asked for and limited."""
    first: ProcessId | None = None
    try:
        pid = await _read_init(info)
        if (first := ProcessId.of(pid)) is None:
            raise LaunchFailed(_NOT_MADE)
        if cgroup:
            cgroup.add(pid)
            if helper:
                cgroup.add(helper)
        await check_mounted(first, mounts, PATIENCE)
        os.write(block, b"1")
        init.set_result(first)
    except (OSError, LaunchFailed) as error:
        init.set_exception(error)
        init.exception()  # whoever does not ask sees the command fail
    finally:
        if first and (not init.done() or init.exception()):
            # it would begin as soon as nobody can tell it to any more
            first.signal(signal.SIGKILL)


async def _read_init(info: int) -> int:
    text = b""
    while True:
        await _readable(info)
        chunk = os.read(info, 4096)
        text += chunk
        with suppress(ValueError):
            return int(json.loads(text)["child-pid"])
        if not chunk:
            raise LaunchFailed(_NOT_MADE)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def _hold_network(ports: Ports, blocked: tuple[str, ...], life: int, log: Log) -> int:
    resolvers = net.resolvers(Path("/etc/resolv.conf").read_text())
    command = net.pasta_arguments(ports, resolvers)
    if os.geteuid() == 0:
        command = net.as_holder(command)
    env = {"PATH": os.environ.get("PATH", os.defpath)}
    pasta = start_child(command, env=env, output=log, stdin=life)
    try:
        async with asyncio.timeout(PATIENCE):
            while (holder := _child_running(pasta.pid, "cat")) is None:
                if pasta.poll() is not None:
                    raise LaunchFailed(
                        "The private network of this server could not be made. Launch again; if it "
                        "fails again, the administrator finds the reason with `binder-at-home "
                        "doctor`."
                    )
                await asyncio.sleep(_LOOK)
        await _block([*net.host_addresses(), *blocked], holder)
    except BaseException:
        pasta.kill()
        raise
    return holder


def _child_running(parent: int, program: str) -> int | None:
    with suppress(OSError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if Path(f"/proc/{child}/exe").readlink().name == program:
                return int(child)
    return None


async def _block(addresses: list[str], holder: int) -> None:
    """Make addresses unreachable; what cannot be is told by the engine's checks."""
    enter = net.enter_arguments(holder, user=os.geteuid() != 0)

    async def tell_ip(version: str, commands: str) -> None:
        ip = [*enter, "ip", version, "-force", "-batch", "-"]
        with suppress(FileNotFoundError, ProcessFailed):
            await capture(ip, env=os.environ, stdin=commands.encode())

    blocked = net.blocking_commands(addresses)
    await asyncio.gather(*(tell_ip(*each) for each in blocked.items()))


async def _relayed(
    stack: AsyncExitStack, sandbox: Sandbox, ports: Ports, sockets: Path, life: int, log: Log
) -> Sandbox:
    """Start the outer relay, and tell the sandbox about the inner one.

    The person's side gets a socket that listens already and one file to connect to, never a
    directory of ours: we would follow whatever they put there.
    """
    listening = await asyncio.to_thread(net.listen_beneath, sockets, "server.sock")
    stack.callback(listening.close)
    relay = ["--while-stdin", f"tcp:{ports.server}=unix:server.sock"]
    relay += [f"unix:hub.sock=tcp:{ports.hub}"]
    python = [sys.executable, "-I", "-S", str(FIRST / "relay.py")]
    child = start_child([*python, *relay], env={}, output=log, stdin=life, cwd=sockets)
    async with asyncio.timeout(PATIENCE):
        while not (sockets / "hub.sock").exists():
            if child.poll() is not None:
                raise LaunchFailed("The network of this server could not be made. Launch again.")
            await asyncio.sleep(_LOOK)
    inside = PurePosixPath(RUN, "hub.sock")
    number = listening.fileno()
    return replace(
        sandbox,
        binds=(*sandbox.binds, Bind(sockets / "hub.sock", inside)),
        relay=(f"fd:{number}=tcp:{ports.server}", f"tcp:{ports.hub}=unix:{inside}"),
        keep=(number,),
    )
