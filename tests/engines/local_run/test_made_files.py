"""What postBuild leaves in the repository's folder and in the home is given to each person."""

from __future__ import annotations

from sandboxhub import SandboxHub, root_if_possible

POST_BUILD = """#!/bin/sh
mkdir -p data ~/nltk_data ~/.local/bin
echo built > data/made.txt
echo changed > readme.txt
echo words > ~/nltk_data/words.txt
printf '#!/bin/sh\necho tool\n' > ~/.local/bin/mytool
chmod +x ~/.local/bin/mytool
python -m ipykernel install --user --name mykern --display-name 'My kernel' > /dev/null
"""
FILES = {"readme.txt": "from the repository", "postBuild": POST_BUILD}
READ = "print(open('readme.txt').read(), open('data/made.txt').read())"
HOME = """
import os, subprocess
print(open(os.path.expanduser('~/nltk_data/words.txt')).read())
print(subprocess.getoutput('mytool'))
from jupyter_client.kernelspec import find_kernel_specs
print(*find_kernel_specs())
"""


@root_if_possible
async def test_files_of_a_build_come_with_a_new_project(sandbox_hub: SandboxHub) -> None:
    image = sandbox_hub.build(FILES)
    commit, project = sandbox_hub.repository(FILES, "o/made")
    async with sandbox_hub.client() as client:
        for person in ("mia", "max"):
            launch = sandbox_hub.launch(person, commit=commit, project=project, image=image)
            await client.start(launch)
            told = await client.run(person, f"{READ}; open('data/made.txt', 'a').write('mine')")
            assert told.output.split() == ["from", "the", "repository", "built"], told
            words = (await client.run(person, HOME)).output.split()
            assert words[:2] == ["words", "tool"] and "mykern" in words, words
            await client.stop(person)
        await client.start(launch)
        assert (await client.run("max", READ)).output.split()[-2:] == ["built", "mine"]
        await client.stop("max")
