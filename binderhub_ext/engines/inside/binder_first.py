"""The first process of a container: when its server ends, all that runs beside it is asked to end.

Without it a container ends with its server, and the kernel kills a database in the middle of its
work. Signals are handed on to the server, and whatever loses its parent is reaped.

Usage: python3 binder_first.py SERVER OTHERS COMMAND…
SERVER: seconds the command has for its end once it was asked; OTHERS: that all else has then.
"""

# ruff: noqa: UP031
# An image's Python, which may be old, and part of a start, so nothing costly is imported.
# mypy: ignore-errors

import os
import signal
import sys
import time

_HANDED_ON = {
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH),
}
_BROKEN = 126


def main():
    alone, others = float(sys.argv[1]), float(sys.argv[2])
    command = sys.argv[3:]
    if os.getpid() != 1:
        # Where another is the first, as with Docker's own, what to end is not ours to say.
        become(command)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_HANDED_ON, signal.SIGCHLD})
    program = os.fork()
    if not program:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        become(command)
    status = until_ended(program, alone)
    last = end_others(program, others)
    ended = next((each for each in (status, last) if each is not None), 128 + signal.SIGKILL)
    sys.exit(ended)


def become(command):
    """Be the command in our place."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as Python found it
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write("%s: %s\n" % (command[0], error.strerror))
        sys.stderr.flush()
        os._exit(_BROKEN)


def until_ended(program, seconds):
    """Wait for the program's end; gives its status, or `None` if it was asked and has not ended."""
    status, until = None, None
    while status is None:
        told = following(_HANDED_ON | {signal.SIGCHLD}, until)
        if told is None:
            return None
        if told == signal.SIGCHLD:
            status, _ = reaped(program)
            continue
        os.kill(program, told)
        if told == signal.SIGTERM and until is None:
            until = time.monotonic() + seconds
    return status


def end_others(program, seconds):
    """Ask all to end, once, and wait for them; gives the program's status if it is among them."""
    status, until = None, time.monotonic() + seconds
    try:
        os.kill(-1, signal.SIGTERM)
    except OSError:
        return None  # there is nobody
    while True:
        found, left = reaped(program)
        status = found if status is None else status
        if not left or following({signal.SIGCHLD}, until) is None:
            return status


def following(signals, until):
    """The next signal; `None` if there is none until then."""
    if until is None:
        return signal.sigwaitinfo(signals).si_signo
    told = signal.sigtimedwait(signals, max(0, until - time.monotonic()))
    return told and told.si_signo


def reaped(program):
    """Reap all that has ended; gives the program's status if it has, and whether any is left."""
    status = None
    while True:
        try:
            pid, how = os.waitpid(-1, os.WNOHANG)
        except OSError:
            return status, False
        if not pid:
            return status, True
        if pid == program:
            status = 128 + os.WTERMSIG(how) if os.WIFSIGNALED(how) else os.WEXITSTATUS(how)


if __name__ == "__main__":
    main()
