"""Who asks, and who is watching?

The Tornado application in four rooms, each of which knows only those below it: `web`,
`launching`, `person`, `records`. Beside them is what all of them need: the Hub's client,
settings, failures and what a request asks for. Sees engines through `engines.base` alone.
"""
