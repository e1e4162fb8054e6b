"""Who asks, and who is watching?

The Tornado application: thin handlers, the launcher, running builds and launches, the
Hub client and the service's own records. Sees engines through `engines.base` alone.
"""
