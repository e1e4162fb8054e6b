"""Configuration files: read whole or not at all, and nothing in them that nobody knows.

The command `up`, the service and a Hub that calls `binderhub_ext.hub.configure` read the same
files, and refuse the same: a limit or a ban that is silently gone is worse than no start.
"""
