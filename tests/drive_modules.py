"""`tool run FILE.wasm`: files that are no program, flags, mounts, streams, exit codes, ends, the cache, the wall."""
import functools
import os
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import Skip, want

OWN_FAILURE, CANNOT_RUN, NOT_FOUND, CANCELLED = 125, 126, 127, 130
HEADER = b"\0asm\1\0\0\0"
_compiling = threading.Lock()


@functools.cache
def _program():
    folder = tempfile.mkdtemp(prefix="boxagnts-guest-")
    out = Path(folder) / "program.wasm"
    subprocess.run(
        ["clang-22", "--target=wasm32-wasi", "-Wno-deprecated", "-O1", "-nostdlibinc",
         "-isystem", "/usr/include/wasm32-wasi", "-fno-stack-protector",
         "-Wl,-z,stack-size=65536,--stack-first", str(Path(__file__).parent / "guests/program.c"),
         "-o", str(out)], check=True)
    return out.read_bytes()


def program(case):
    """Puts the guest into the workspace as p.wasm, and has it compiled: only that may be told."""
    with _compiling:
        (case.workspace / "p.wasm").write_bytes(_program())
    done = case.call("tool", "run", "p.wasm", "--", "exit", "9")
    want(done.code == 9 and done.stderr in ("", "boxagnts: compiling p.wasm, once\n"), f"{done.code} {done.stderr!r}")


def section(number, content):
    size, length = b"", len(content)
    while True:
        size += bytes([length & 127 | (128 if length > 127 else 0)])
        length >>= 7
        if not length:
            return bytes([number]) + size + content


def name(text):
    return bytes([len(text)]) + text.encode()


TYPES = section(1, b"\1\x60\0\0")
FUNCTION = section(3, b"\1\0")
MEMORY = section(5, b"\1\0\1")
BODY = section(10, b"\1\2\0\x0b")


def exports(*names_kinds_indices):
    return section(7, bytes([len(names_kinds_indices)]) +
                   b"".join(name(n) + bytes([kind, index]) for n, kind, index in names_kinds_indices))


START, OWN_MEMORY = ("_start", 0, 0), ("memory", 2, 0)
UNKNOWN = (HEADER + TYPES + section(2, b"\1" + name("env") + name("launch_missiles") + b"\0\0") + FUNCTION +
           MEMORY + exports(("_start", 0, 1), OWN_MEMORY) + BODY)

# name: (content or a function that makes it, exit code, words of the sentence)
BAD_FILES = {
    "a text": (b"#!/bin/sh\necho hello\n", CANNOT_RUN, ["not a WebAssembly module"]),
    "nothing": (b"", CANNOT_RUN, ["not a WebAssembly module"]),
    "an ELF": (b"\x7fELF\2\1\1", CANNOT_RUN, ["not a WebAssembly module"]),
    "four bytes": (b"\0asm", CANNOT_RUN, ["truncated"]),
    "cut in a section": (HEADER + TYPES[:-1], CANNOT_RUN, ["truncated", "unexpected end"]),
    "garbage behind the header": (HEADER + b"garbage!", CANNOT_RUN, ["damaged"]),
    "a component": (b"\0asm\x0d\0\1\0", CANNOT_RUN, ["component", "core modules"]),
    "a version to come": (b"\0asm\2\0\0\0", CANNOT_RUN, ["not a valid WebAssembly module"]),
    "an unknown import": (UNKNOWN, CANNOT_RUN, ["launch_missiles", "env"]),
    "a reactor": (HEADER + TYPES + FUNCTION + MEMORY + exports(("_initialize", 0, 0), OWN_MEMORY) + BODY,
                  CANNOT_RUN, ["no WASI command", "_start"]),
    "no memory": (HEADER + TYPES + FUNCTION + exports(START) + BODY, CANNOT_RUN, ["memory"]),
    "the empty module": (HEADER, CANNOT_RUN, ["_start"]),
    "absent": (None, NOT_FOUND, ["No such file"]),
    "a folder": (lambda path: path.mkdir(), CANNOT_RUN, ["not a regular file"]),
    "a FIFO": (os.mkfifo, CANNOT_RUN, ["not a regular file"]),
    "a dangling link": (lambda path: path.symlink_to("absent"), NOT_FOUND, ["No such file"]),
    "a link to itself": (lambda path: path.symlink_to("bad.wasm"), CANNOT_RUN, ["symbolic links"]),
}


def one_sentence(done, code, words):
    want(done.code == code, f"exit code {done.code}, wanted {code}: {done.stderr!r} {done.stdout[-300:]!r}")
    said = done.stderr.removeprefix("boxagnts: compiling p.wasm, once\n")  # on a busy machine
    want(said.startswith("boxagnts: ") and said.count("\n") == 1, f"not one sentence: {done.stderr!r}")
    for word in words:
        want(word in said, f"the sentence lacks {word!r}: {done.stderr}")


def bad_file(content, code, words):
    def drive(case):
        path = case.workspace / "bad.wasm"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content:
            content(path)
        for _ in range(2):  # also when the compiled form is there
            done = case.call("tool", "run", "bad.wasm")
            one_sentence(done, code, ["bad.wasm", *words])
            want(done.stdout == "", f"something was printed: {done.stdout!r}")
    return drive


def unreadable(case):
    if os.geteuid() == 0:
        raise Skip("root may read everything")
    path = case.workspace / "bad.wasm"
    path.write_bytes(HEADER)
    path.chmod(0)
    one_sentence(case.call("tool", "run", "bad.wasm"), CANNOT_RUN, ["bad.wasm", "Permission denied"])


# Flags that are wrong, and what the sentence must name.
BAD_FLAGS = [
    (["--dir", "{root}/absent"], ["--dir", "absent"]), (["--dir", "p.wasm"], ["--dir", "p.wasm"]),
    (["--dir", "::/x"], ["--dir"]), (["--dir", ".::"], ["guest"]), (["--dir", ".::/x:RO"], ["colon"]), (["--dir", ".::/x/../y"], ["/x/../y"]),
    (["--dir", ".::/x", "--dir", "{outside}::/x"], ["/x"]), (["--dir", ""], ["--dir"]), (["--dir"], ["--dir"]),
    (["--dir", "{root}/home/cache/.boxagnts"], ["state"]),
    (["--dir", "{root}/home/cache/.boxagnts/modules"], ["state"]),
    (["--env", "A"], ["NAME=value"]), (["--env", "=b"], ["NAME=value"]), (["--env"], ["--env"]),
    (["--timeout", "0"], ["--timeout"]), (["--timeout", "-1"], ["--timeout"]), (["--timeout", "x"], ["--timeout"]),
    (["--timeout", "nan"], ["--timeout"]), (["--memory", "0"], ["--memory"]), (["--memory", "lots"], ["--memory"]),
    (["--memory", "-1"], ["--memory"]), (["--disk", "x"], ["--disk"]), (["--output", "0"], ["--output"]), (["--memory", "1X"], ["--memory"]), (["--memory", "8G"], ["8589934592"]),
    (["--stack", "0"], ["--stack"]), (["--stack", "1G"], ["1073741824"]), (["--fuel", "0"], ["--fuel"]),
    (["--fuel", "-1"], ["--fuel"]), (["--fuel", "x"], ["--fuel"]), (["--nonsense"], ["--nonsense"]),
    (["--dri", "x"], ["--dir"]), (["more"], ["--"]),
]


def bad_flags(case):
    program(case)
    for flags, words in BAD_FLAGS:
        one_sentence(case.call("tool", "run", "p.wasm", *case.fill(flags), "--", "exit", "0"), OWN_FAILURE, words)


def run(case, *words, flags=(), **more):
    return case.call("tool", "run", "p.wasm", *case.fill(list(flags)), "--", *case.fill(list(words)), **more)


def expect(done, code=0, stdout=None, stderr=""):
    want(done.code == code, f"exit code {done.code}, wanted {code}: {done.stderr!r} {done.stdout[-300:]!r}")
    want(stdout is None or done.stdout == stdout, f"it printed {done.stdout[-500:]!r}, wanted {stdout!r}")
    # On a busy machine compiling takes long enough to be told.
    said = re.sub(r"boxagnts: compiling \S+, once\n", "", done.stderr)
    want(stderr is None or said == stderr, f"it said {done.stderr!r}, wanted {stderr!r}")


def arguments(case):
    program(case)
    given = ["", "a b", "-x", "--", "--dir", "[1,2]", "%", "ü", "'\"$"]
    expect(run(case, "arguments", *given), stdout="".join(f"[{one}]" for one in given))
    expect(run(case, "environment"), stdout="")
    expect(run(case, "environment", flags=["--env", "A=b=c", "--env", "B="], environment={"SECRET": "x"}),
           stdout="A=b=c\nB=\n")
    expect(run(case, "complain"), stderr="to standard error\n")


def exit_codes(case):
    program(case)
    for code in range(256):
        expect(run(case, "exit", str(code)), code, "")


# (flags, what the guest does, exit code, part of what it prints)
MOUNTS = [
    ([], ["read", "{workspace}/a.txt"], 1, "errno"), ([], ["list", "/"], 1, "errno"), (["--dir", ".::/x"], ["list", "/"], 0, "dev"),
    ([], ["read", "a.txt"], 1, "errno"), ([], ["write", "/x", "y"], 1, "errno"),
    (["--dir", "."], ["read", "{workspace}/a.txt"], 0, "alpha"), (["--dir", "."], ["read", "a.txt"], 0, "alpha"),
    (["--dir", "."], ["write", "new", "x"], 0, ""), (["--dir", ".:ro"], ["read", "a.txt"], 0, "alpha"),
    (["--dir", ".:ro"], ["write", "a.txt", "x"], 1, "errno 69"), (["--dir", ".:ro"], ["write", "n", "x"], 1, "errno 69"),
    (["--dir", ".:ro"], ["remove", "a.txt"], 1, "errno 69"), (["--dir", ".:ro"], ["folder", "n"], 1, "errno 69"),
    (["--dir", ".:ro"], ["move", "a.txt", "b.txt"], 1, "errno 69"), (["--dir", ".:ro"], ["link", "x", "l"], 1, "errno"),
    (["--dir", ".::/data"], ["read", "/data/a.txt"], 0, "alpha"), (["--dir", ".::/data"], ["read", "a.txt"], 1, "errno"),
    (["--dir", ".::/data:ro"], ["write", "/data/a.txt", "x"], 1, "errno 69"),
    (["--dir", ".::/data"], ["move", "/data/sub/b.txt", "/data/c.txt"], 0, ""),
    (["--dir", ".::/data"], ["work", "/data"], 0, ""), (["--dir", ".::/data:ro"], ["work", "/data"], 1, "errno 69"),
    (["--dir", ".::/data"], ["read", "/data/../outside/o.txt"], 1, "errno"),
    (["--dir", ".::/data"], ["read", "/data/to_outside"], 1, "errno"),
    (["--dir", ".::/data"], ["list", "/data"], 0, "a.txt"),
    (["--dir", ".::/data", "--dir", "{outside}::/data/out:ro"], ["read", "/data/out/o.txt"], 0, "omega"),
    (["--dir", ".::/data", "--dir", "{outside}::/data/out:ro"], ["write", "/data/out/o.txt", "x"], 1, "errno 69"),
    (["--dir", "{outside}"], ["read", "{outside}/o.txt"], 0, "omega"),
    (["--dir", ".", "--disk", "3"], ["write", "n", "four"], 1, "errno 51"),
    (["--dir", ".", "--disk", "4"], ["write", "n", "four"], 0, ""),
    (["--dir", "."], ["list", "/dev"], 0, "urandom"), (["--dir", "."], ["read", "/dev/null"], 0, ""),
    (["--dir", "."], ["write", "/dev/null", "x"], 0, ""), (["--dir", "."], ["write", "/dev/full", "x"], 1, "errno 51"),
    (["--dir", "."], ["write", "/dev/x", "x"], 1, "errno"), ([], ["read", "/dev/null"], 1, "errno"),
    (["--dir", ".::data"], ["read", "data/a.txt"], 0, "alpha"), (["--dir", ".::data"], ["read", "a.txt"], 1, "errno"),
    (["--dir", ".::."], ["read", "a.txt"], 0, "alpha"), (["--dir", ".::a.b/c:rw"], ["read", "a.b/c/a.txt"], 0, "alpha"),
    (["--dir", "/::/:ro"], ["read", "{workspace}/a.txt"], 0, "alpha"), (["--dir", "/::/:ro"], ["read", "a.txt"], 1, "errno 44"),
    (["--dir", "/::/:ro"], ["read", "/proc/self/status"], 1, "errno 60"),
    (["--dir", ".::/dev"], ["read", "/dev/a.txt"], 0, "alpha"),
    (["--dir", ".::/"], ["read", "a.txt"], 0, "alpha"), (["--dir", ".::/"], ["read", "/sub/b.txt"], 0, "beta"),
    (["--dir", ".::/"], ["read", "../a.txt"], 0, "alpha"), (["--dir", ".::/"], ["read", "to_outside"], 1, "errno 44"),
    (["--dir", ".::/:ro", "--dir", "{outside}::/sub/out"], ["read", "/sub/out/o.txt"], 0, "omega"),
    (["--dir", ".::/:ro"], ["write", "n", "x"], 1, "errno 69"), (["--dir", ".::/"], ["read", "/dev/null"], 1, "errno 44"),
    (["--dir", "{root}"], ["read", "{root}/home/cache/.boxagnts/modules"], 1, "errno 44"),
]


def mounts(case):
    program(case)
    for flags, words, code, part in MOUNTS:
        case.put(case.workspace, {"a.txt": "alpha\n", "sub/b.txt": "beta\n"})
        case.put(case.outside, {"o.txt": "omega\n"})
        if not (case.workspace / "to_outside").is_symlink():
            (case.workspace / "to_outside").symlink_to(case.outside / "o.txt")
        done = run(case, *words, flags=flags)
        want(done.code == code and part in done.stdout, f"{flags} {words}: {done.code}, {done.stdout!r} {done.stderr!r}")
        want(not (case.workspace / ".boxagnts").exists(), "a state folder was made")
    want((case.outside / "o.txt").read_text() == "omega\n", "the folder outside was written")


def streams(case):
    program(case)
    block = bytes(range(256)) * 40_000  # 10 MB
    done = case.start(["tool", "run", "p.wasm", "--", "copy"], stdin=subprocess.PIPE)
    out, err = done.communicate(block, timeout=100)
    want(done.returncode == 0 and out == block, f"{done.returncode}, {len(out)} of {len(block)} bytes: {err[-300:]!r}")
    # Both ways at once: what went in comes out before more is given.
    talk = case.start(["tool", "run", "p.wasm", "--", "copy"], stdin=subprocess.PIPE)
    for line in (b"one\n", b"two\n", b"three\n"):
        talk.stdin.write(line)
        talk.stdin.flush()
        want(talk.stdout.readline() == line, "what was written does not come back at once")
    talk.stdin.close()
    want(talk.wait(100) == 0, "it does not end with its input")
    expect(run(case, "copy"), stdout="")  # /dev/null
    for number in (0, 1, 2):  # a closed stream is no crash
        closed = case.call("tool", "run", "p.wasm", "--", "exit", "7", prefix=["sh", "-c", f'exec "$0" "$@" {number}>&-'])
        want(closed.code == 7, f"without stream {number}: {closed.code}, {closed.stderr!r}")
    closed = case.call("tool", "run", "p.wasm", "--dir", ".", "--", "copy", prefix=["sh", "-c", 'exec "$0" "$@" <&-'])
    expect(closed, stdout="")  # not what was opened next
    one_sentence(case.call("tool", "run", "p.wasm", "--timeout", "100", "--", "flood"), OWN_FAILURE, ["10485760 bytes of output"])
    done = case.call("tool", "run", "p.wasm", "--timeout", "100", "--output", "1000", "--", "flood")
    one_sentence(done, OWN_FAILURE, ["1000 bytes of output"])
    want(len(done.stdout) <= 1000, f"{len(done.stdout)} bytes came out")


# (what, flags, words of the sentence)
ENDS = [
    ("spin", ["--timeout", "0.2"], ["wasm_timeout of 200 ms"]), ("sleep", ["--timeout", "0.2"], ["wasm_timeout"]),
    ("memory", ["--memory", "4M"], ["wasm_max_memory_size of 4194304 bytes"]),
    ("spin", ["--fuel", "1000000"], ["wasm_fuel", "1000000"]),
    ("trap", [], ["crashed", "unreachable", "inner", "outer", "main"]), ("recurse", [], ["crashed", "recurse"]),
]


def ends(case):
    program(case)
    for what, flags, words in ENDS:
        one_sentence(run(case, what, flags=flags), OWN_FAILURE, ["p.wasm", *words])
    expect(run(case, "exit", "3", flags=["--stack", "8M", "--fuel", "100000000", "--memory", "1G"]), 3)


def interrupts(case):
    program(case)
    for what in ("spin", "sleep", "wait"):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = case.start(["tool", "run", "p.wasm", "--", what], stdin=subprocess.PIPE)
            want(process.stdout.readline() == f"{what}\n".encode(), f"{what} does not begin")
            process.send_signal(number)
            code = process.wait(60)  # its input stays open: the signal ends it
            want(code == CANCELLED, f"{what}: {code}")
            out, err = process.communicate()
            want(err == b"" and out == b"", f"{what}: {out!r} {err!r}")


def cache(case):
    """Compiled once; another content, another entry; damage is compiled anew; no cache is no failure."""
    program(case)
    modules = case.root / "home/cache/.boxagnts/modules"
    expect(run(case, "exit", "4"), 4)
    entries = list(modules.iterdir())
    want(len(entries) == 1, f"entries: {entries}")
    want(modules.stat().st_mode & 0o777 == 0o700 and entries[0].stat().st_mode & 0o777 == 0o600, "others may look")
    made = entries[0].stat().st_ino
    expect(run(case, "exit", "5"), 5)
    want(entries[0].stat().st_ino == made, "it was compiled again")
    spoiled = bytearray(entries[0].read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    entries[0].write_bytes(spoiled)
    expect(run(case, "exit", "6"), 6)
    want(entries[0].read_bytes() != bytes(spoiled), "the damaged entry is still there")
    modules.chmod(0o755)
    done = run(case, "exit", "7")
    want(done.code == 7 and "open to others" in done.stderr, f"{done.code} {done.stderr!r}")
    done = run(case, "exit", "8", environment={"XDG_CACHE_HOME": "", "HOME": ""})
    want(done.code == 8 and "HOME" in done.stderr, f"{done.code} {done.stderr!r}")


def blown_compiler(case):
    """A module on which the compiler would take more memory than it gets; the message names the limit."""
    locals_count, blocks = 1000, 20_000

    def leb(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + leb(number >> 7)
    code = leb(1) + leb(locals_count) + b"\x7e" + b"".join(
        b"\x20" + leb(i % locals_count) + b"\xa7\x04\x40\x20" + leb(i * 7 % locals_count) + b"\x42\x01\x7c\x21" +
        leb(i * 3 % locals_count) + b"\x0b" for i in range(blocks)) + b"\x0b"
    body = b"\1" + leb(len(code)) + code
    (case.workspace / "bad.wasm").write_bytes(
        HEADER + TYPES + FUNCTION + MEMORY + exports(START, OWN_MEMORY) + section(10, body))
    done = case.call("tool", "run", "bad.wasm")
    want(done.code == OWN_FAILURE, f"exit code {done.code}: {done.stderr}")
    last = done.stderr.splitlines()[-1]
    want("that a module gets" in last and "bad.wasm" in last, f"the limit is not named: {done.stderr}")
    want(done.stderr.splitlines()[:-1] in ([], ["boxagnts: compiling bad.wasm, once"]), done.stderr)


def wall(case):
    """What stands around a running guest, as the kernel tells it."""
    program(case)
    case.put(case.outside, {"o.txt": "omega\n"})
    opened = os.open(case.outside / "o.txt", os.O_RDONLY)
    os.set_inheritable(opened, True)
    process = case.start(["tool", "run", "p.wasm", "--", "wait"], stdin=subprocess.PIPE, pass_fds=[opened])
    try:
        want(process.stdout.readline() == b"wait\n", "it does not begin")
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        held = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
        want(not any("o.txt" in path for path in held), f"an inherited file is open: {held}")
        if status["Seccomp"] == "0":
            raise Skip("this binary has no second wall (a debug or sanitizer build)")
        want(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"{status['NoNewPrivs']} {status['Seccomp']}")
        want(int(status["Seccomp_filters"]) >= 2, f"filters: {status['Seccomp_filters']}")
        want(int(status["CapEff"], 16) == 0, f"capabilities: {status['CapEff']}")
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            lines = Path(f"/proc/{process.pid}/task/{thread}/status").read_text()
            want("Seccomp:\t2" in lines, f"thread {thread} has no filter")
        if os.geteuid() != 0:
            want(os.stat(f"/proc/{process.pid}/maps").st_uid == 0, "it can be traced")
    finally:
        os.close(opened)
        process.stdin.close()
        process.wait(60)
    want(process.returncode == 0, f"it ended with {process.returncode}")


CASES = [(f"modules/{kind}", bad_file(*row)) for kind, row in BAD_FILES.items()] + [
    ("modules/unreadable", unreadable), ("modules/bad flags", bad_flags), ("modules/arguments", arguments),
    ("modules/exit codes", exit_codes), ("modules/mounts", mounts), ("modules/streams", streams),
    ("modules/ends", ends), ("modules/interrupts", interrupts), ("modules/cache", cache),
    ("modules/blown compiler", blown_compiler), ("modules/wall", wall),
]
