"""Become a browser that is not told when an address of this machine changes.

As when a container starts, which tests in other processes do all the time: Chromium then gives up
whatever it is loading (ERR_NETWORK_CHANGED), be it a page, a script or an answer. The kernel tells
it by a netlink socket, which it does without where there is none.
"""

from __future__ import annotations

import errno
import os
import socket
import sys

import pyseccomp

kernel = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
kernel.add_rule(
    pyseccomp.ERRNO(errno.EAFNOSUPPORT),
    "socket",
    pyseccomp.Arg(0, pyseccomp.EQ, socket.AF_NETLINK),
)
kernel.load()
os.execv(sys.argv[1], sys.argv[1:])
