"""Give a home and a project what the build of their environment made, then become the server.

Runs as the person, in what their server sees. Nothing that is there is changed, no link is
followed, and each environment gives once, so that what somebody deletes stays away.

Usage: python3 binder_given.py MADE KEY HOME PROJECT whole|own COMMAND…
MADE has the folders `home` and `repo`. In a home that is `whole`, the person's own and not the
project's alone, only the folders that belong to the project are given anything.
"""

# ruff: noqa: PTH102, PTH103, PTH118, PTH119, PTH120, PTH123, UP031
# An image's Python, which may be old, and part of a start, so nothing costly is imported.
# mypy: ignore-errors

import os
import stat
import sys

RECORD = ".cache/binder-at-home/given"
PRIVATE = (".local", ".jupyter", ".ipython", ".config")
"""Folders of a home that each project has of its own, also where the rest is the person's."""

_TOLD = 10
_CHUNK = 1 << 20


def give(made, home, project, whole):
    """Copy what is missing; gives how many files were copied, and the names of those that were not.

    Args:
        whole: whether the home is more than the project's.
    """
    tops = [(os.path.join(made, "home"), home, "~")]
    if whole:
        inside = os.path.join(made, "home")
        tops = [
            (os.path.join(inside, name), os.path.join(home, name), "~/" + name) for name in PRIVATE
        ]
    if project:
        tops.append((os.path.join(made, "repo"), project, os.path.basename(project)))
    count, left = 0, []
    for source, target, shown in tops:
        for folder, name in files_in(source):
            relative = os.path.normpath(os.path.join(os.path.relpath(folder, source), name))
            try:
                copied = ".git" not in relative.split("/") and copy(source, target, relative)
            except OSError as error:
                left.append("%s/%s (%s)" % (shown, relative, error.strerror))
                continue
            count += copied
            if not copied:
                left.append("%s/%s (something of that name is there)" % (shown, relative))
    return count, left


def files_in(top):
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            yield folder, name


def copy(source, target, relative):
    """Copy one file unless something is in its place; gives whether it was."""
    if not is_folder(target):
        os.mkdir(target)
    place = target
    for part in relative.split("/")[:-1]:
        place = os.path.join(place, part)
        try:
            os.mkdir(place)
        except OSError:
            if not is_folder(place):
                return False
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.path.join(source, relative), "rb") as original:
        mode = 0o777 if os.fstat(original.fileno()).st_mode & 0o100 else 0o666
        try:
            new = os.open(os.path.join(target, relative), flags, mode)
        except OSError:
            if os.path.lexists(os.path.join(target, relative)):
                return False
            raise
        with os.fdopen(new, "wb") as file:
            while True:
                part = original.read(_CHUNK)
                if not part:
                    return True
                file.write(part)


def is_folder(path):
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def was_given(note, record):
    """Whether this was done here before."""
    try:
        with open(opened(record, os.O_RDONLY), encoding="utf-8", errors="replace") as file:
            return note in file.read(1 << 16).split("\n")
    except OSError:
        return False


def remember(note, record):
    """Note what was given; a home that is full is no reason not to start."""
    try:
        os.makedirs(os.path.dirname(record), exist_ok=True)
        with open(opened(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a") as file:
            file.write(note + "\n")
    except OSError:
        pass


def opened(record, flags):
    """Open the record; what runs in the server may have put a pipe or a link in its place."""
    descriptor = os.open(record, flags | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError("no plain file")


def main():
    made, key, home, project, extent = sys.argv[1:6]
    command = sys.argv[6:]
    record, note = os.path.join(home, RECORD), "%s %s" % (key, extent)
    if not was_given(note, record):
        count, left = give(made, home, project, extent == "whole")
        print("Files that the build made and that are given to you: %d." % count, file=sys.stderr)
        for name in left[:_TOLD]:
            print("Not given: %s" % name, file=sys.stderr)
        if len(left) > _TOLD:
            print("Not given: %d more" % (len(left) - _TOLD), file=sys.stderr)
        sys.stderr.flush()
        remember(note, record)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit("%s: %s" % (command[0], error.strerror))


if __name__ == "__main__":
    main()
