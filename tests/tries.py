"""What a curious or hostile person tries from inside their server.

Sent as text to a kernel there; each function gives words that say what came of it. Nothing is
imported from the project: the attacker has what a kernel has.
"""

# ruff: noqa: PTH108,PTH112,PTH115,PTH118,PTH123,PTH208
import ctypes
import errno
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def outcome(action, *arguments):
    try:
        return "DONE " + repr(action(*arguments))[:200]
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except Exception as error:
        return type(error).__name__


def read(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(100)


def write(path):
    with open(path, "ab") as file:
        return file.write(b"x")


def reads(paths):
    return {path: outcome(read, path) for path in paths}


def writes(paths):
    return {path: outcome(write, path) for path in paths}


def kills(pids):
    return {str(pid): outcome(os.kill, pid, 9) for pid in pids}


def connects(addresses):
    def connect(host, port):
        with socket.create_connection((host, port), 2) as connection:
            connection.settimeout(2)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(10)

    return {f"{host}:{port}": outcome(connect, host, port) for host, port in addresses}


def listening():
    """Ports that this sandbox itself listens at."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A"]


def abstract(name):
    def connect():
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect("\0" + name)
            return "connected"

    return outcome(connect)


def asks(requests):
    """HTTP status of requests, each `method, url, token`."""
    told = {}
    for method, url, token in requests:
        headers = {"Authorization": "token " + token} if token else {}
        request = urllib.request.Request(
            url, method=method, headers=headers, data=b"{}" * (method == "POST")
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                told[method + " " + url] = response.status
        except urllib.error.HTTPError as error:
            told[method + " " + url] = error.code
    return told


def secrets_seen(words):
    """Where any of the words is found: environments, command lines, mounts of what is seen."""
    seen = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline", "mountinfo"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    content = file.read()
            except OSError:
                continue
            seen += [(pid, name, word) for word in words if word.encode() in content]
    return seen


def kernel_calls():
    """System calls with which containers were left before."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number, *arguments):
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "")
        return "allowed"

    numbers = {"unshare": 272, "setns": 308, "mount": 165, "bpf": 321, "keyctl": 250}
    numbers |= {"perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "clone3": 435}
    numbers |= {"open_by_handle_at": 304, "pivot_root": 155, "init_module": 175}
    # the newest, and some that no kernel has yet
    numbers |= {"open_tree_attr": 467, "file_setattr": 469, "600": 600, "1000": 1000}
    told = {name: outcome(call, number, 0x10000000, 0, 0, 0, 0) for name, number in numbers.items()}
    told["clone newuser"] = outcome(call, 56, 0x10000000 | 17, 0, 0, 0, 0)
    return told


def privileges():
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    return {
        name: status[name].strip()
        for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    }


def descriptors():
    """Open directories and files of every process we may look at, other than pipes and such."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for number in os.listdir(f"/proc/{pid}/fd"):
                target = f"/proc/{pid}/fd/{number}"
                if os.path.isdir(target) and not os.readlink(target).startswith("/proc"):
                    found.append((pid, number, os.readlink(target)))
        except OSError:
            continue
    return found


def fork_bomb():
    """Forks until it cannot; how often it could."""
    script = """
import os, time
count = 0
try:
    while count < 20000:
        if os.fork() == 0:
            time.sleep(300)
            os._exit(0)
        count += 1
except OSError as error:
    print(count, error.errno, flush=True)
os.killpg(0, 9)
"""
    told = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, start_new_session=True
    )
    return told.stdout.strip()


def fill_memory(size, parts=1):
    """Touches that much memory in as many processes at once; how each of them ended."""
    script = """
import sys
kept = []
for _ in range(int(sys.argv[1]) >> 20):
    kept.append(b"x" * (1 << 20))
print("filled", flush=True)
sys.stdin.read()
"""
    argument = [sys.executable, "-S", "-c", script, str(size // parts)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    children = [subprocess.Popen(argument, **pipes) for _ in range(parts)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.close()
    return [child.wait() for child in children]


def fill(folder, at_most):
    """Writes until it cannot; bytes written and why it ended."""
    written, block = 0, b"x" * (1 << 20)
    try:
        with open(os.path.join(folder, "filler"), "wb", buffering=0) as file:
            while written < at_most:
                written += file.write(block)
        return [written, ""]
    except OSError as error:
        return [written, errno.errorcode[error.errno]]
    finally:
        os.unlink(os.path.join(folder, "filler"))


def busy(seconds, workers):
    """CPU seconds that so many busy processes get in that time."""
    script = (
        "import sys, time\nend = time.time() + float(sys.argv[1])\nwhile time.time() < end: pass"
    )
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    argument = [sys.executable, "-S", "-c", script, str(seconds)]
    for child in [subprocess.Popen(argument) for _ in range(workers)]:
        child.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / (time.time() - started)
