"""What postBuild makes is in the projects and homes of those who launch it, wherever it made it.

The tests of each engine with images import these, and say what built it (`made`) and which Hub
runs it (`hub`).
"""

from __future__ import annotations

from dockersources import Built
from sandboxhub import SandboxHub

from binderhub_ext.core.launch import Files

__all__ = ["test_project_and_home_have_it", "test_the_log_says_what_is_kept_and_what_is_not"]

HOME = "/home/jovyan"
POST_BUILD = """#!/bin/sh
set -e
mkdir -p data ~/nltk_data ~/.local/bin
git log -1 --format=%H > data/rev.txt
echo changed >> readme.txt
ln -s readme.txt linked
echo words > ~/nltk_data/words.txt
printf '#!/bin/sh\\necho tool\\n' > ~/.local/bin/mytool
chmod +x ~/.local/bin/mytool
python -m ipykernel install --user --name mykern --display-name 'My kernel'
"""
SETUP = "import colorama\nfrom setuptools import setup\nsetup(name='mine', version='1')\n"
BESIDE = """
import signal, sys, time
def end(*_):
    time.sleep(0.5)  # as a database, which has something to write
    open("ended", "w").write("in peace")
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True:
    signal.pause()
"""
FILES = {
    "start": '#!/bin/sh\nsetsid python3 beside.py >/dev/null 2>&1 &\nexec "$@"\n',
    "beside.py": BESIDE,
    "readme.txt": "from the repository\n",
    "requirements.txt": "-r more.txt\n",
    "more.txt": "colorama \\\n  ==0.4.6\n",
    "runtime.txt": "python-3.11.99\n",
    "setup.py": SETUP,
    "postBuild": POST_BUILD,
}
LOOK = """
import os, subprocess
print(open("data/rev.txt").read().strip(), open("readme.txt").read().strip())
print(os.path.lexists("linked"), open(os.path.expanduser("~/nltk_data/words.txt")).read().strip())
print(subprocess.getoutput("mytool"))
from jupyter_client.kernelspec import find_kernel_specs
print("mykern" in find_kernel_specs())
import colorama
print(colorama.__version__)
"""


async def test_the_log_says_what_is_kept_and_what_is_not(made: Built) -> None:
    assert "they are given to each project" in made.log
    assert "Not given: linked (a link" in made.log
    assert "Not given: readme.txt (changed" in made.log
    assert "Python 3.11 is taken instead" in made.log


async def test_project_and_home_have_it(hub: SandboxHub, made: Built) -> None:
    commit, project = hub.repository(FILES, "o/made")
    fields = {"commit": commit, "project": project, "image": made.image.name}
    async with hub.client() as client:
        for user, files in (("mia", Files.PROJECT), ("max", Files.NONE)):
            launch = hub.launch(user, files=files, **fields)
            await client.start(launch)
            told = await client.run(user, f"import os; os.chdir('{HOME}/{project}')\n{LOOK}")
            lines = told.output.splitlines()
            assert lines[0].split(" ", 1)[1] == "from the repository", told
            assert lines[1:] == ["False words", "tool", "True", "0.4.6"], told
            await client.stop(user)
    # So was what `start` left running.
    assert (hub.layout.home("mia") / project / "ended").read_text() == "in peace"
