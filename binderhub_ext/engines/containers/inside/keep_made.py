"""Keep what postBuild made in an image's repository and home where no mount hides it.

Run once in the finished image, as root and with nothing else at work. Prints nothing; what was not
kept is written beside what was.

Usage: python3 keep_made.py KNOWN REPO HOME MADE NOT_KEPT NOT_OF_A_HOME NAMED
KNOWN is JSON: sizes and times (whole seconds) of the repository's own files by name. The two before
the last are names with commas between them; NAMED is how many of what was not kept are named.
"""

# ruff: noqa: PTH101, PTH103, PTH114, PTH118, PTH120, PTH123, UP031
# The image's Python, which may be old.
# mypy: ignore-errors

import json
import os
import shutil
import stat
import sys


def keep(top, into, shown, known, left_out, not_at_top):
    """Copy what is new below a folder; gives how many files that were, and what was not copied."""
    count, left = 0, []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in left_out)
        if folder == top:
            folders[:] = [name for name in folders if name not in not_at_top]
            names = [name for name in names if name not in not_at_top]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(names + links):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, top)
            status = os.lstat(path)
            if relative in known:
                if stat.S_ISREG(status.st_mode) and known[relative] != facts(status):
                    left.append("%s%s (changed: the repository's own is given)" % (shown, relative))
            elif stat.S_ISREG(status.st_mode):
                copy(path, os.path.join(into, relative), status)
                count += 1
            else:
                left.append("%s%s (a link, or no plain file)" % (shown, relative))
    return count, left


def facts(status):
    return [status.st_size, int(status.st_mtime)]


def copy(path, target, status):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(path, target, follow_symlinks=False)
    os.chmod(target, 0o755 if status.st_mode & 0o100 else 0o644)


def main():
    os.umask(0o022)
    known_file, repo, home, made, not_kept, not_of_a_home, named = sys.argv[1:]
    with open(known_file) as file:
        known = json.load(file)
    never, at_top = set(not_kept.split(",")), set(not_of_a_home.split(","))
    os.makedirs(made)
    count, left = keep(repo, os.path.join(made, "repo"), "", known, never, set())
    more, others = keep(home, os.path.join(made, "home"), "~/", {}, never, at_top)
    with open(os.path.join(made, "told.json"), "w") as file:
        left, named = left + others, int(named)
        facts = {"count": count + more, "left": left[:named], "more": len(left[named:])}
        json.dump(facts, file)


if __name__ == "__main__":
    main()
