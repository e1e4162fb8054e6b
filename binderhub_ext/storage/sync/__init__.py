"""Put a commit's files into a person's project, and never lose a byte of theirs.

A small program (`python -m binderhub_ext.storage.sync`) that runs as the owner of the files,
with the standard library, Git and :mod:`...beneath` alone, since it runs at each start.

The rules:

- The person's version always stays. What cannot be decided is put beside it.
- Nothing is overwritten: what is replaced is first moved away, looked at there, and kept until
  the next update, which looks again.
- A folder this program did not make is left alone.
- Killed at any instant, the next run ends in the same place.
- No configuration, hook or filter of the person or of the repository is ever run, and Git
  itself never works inside the project: it prepares files in a folder beside it.
"""
