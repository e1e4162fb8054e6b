"""Which commit is meant, and how are its files got?

Talks to Git hosts and archives. Knows nothing of people, builds or servers.
"""
