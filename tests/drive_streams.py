"""Standard input, output and the signals that are ignored: what shells, nohup, Node and full disks hand us."""
import signal
import socket
import subprocess

from harness import finish, wait_for_line, want

OK = {"turns": [{"say": "ok"}]}
READ = ["tool", "run", "read"]


def a_socket_is_a_pipe(case):
    """Node gives its children sockets."""
    ours, theirs = socket.socketpair()
    process = case.start(["run", "What is this?", "--json", "--model", case.model_file(OK)], stdin=theirs)
    theirs.close()
    ours.sendall(b"from Node")
    ours.close()
    done = finish(process, [])
    asked = [event for event in done.events if event["kind"] == "user_message"]
    want("from Node" in str(asked), f"the input did not arrive: {asked}")


def waiting_for_input_is_cancelled(arguments):
    def drive(case):
        process = case.start([*arguments, "--workspace-dir", str(case.workspace)], stdin=subprocess.PIPE)
        # The handler is there once the state folder is: both commands watch signals first.
        while not (case.workspace / ".boxagnts").exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
        process.stdin.close()
        err = process.stderr.read().decode()
        want(code == 130, f"exit code {code}, wanted 130: {err}")
        want("standard input" in err, f"the sentence does not say where: {err}")
    return drive


def too_much_input(arguments):
    def drive(case):
        process = case.start(arguments, stdin=subprocess.PIPE)
        try:
            for _ in range(12):
                process.stdin.write(b"x" * 1_000_000)
            process.stdin.close()
        except BrokenPipeError:
            pass
        err = process.stderr.read().decode()
        code = process.wait(timeout=60)
        want(code == 4, f"exit code {code}, wanted 4: {err}")
        want(err.startswith("boxagnts: ") and err.count("\n") == 1 and "10.5 MB" in err, f"not said: {err!r}")
    return drive


def a_full_disk_is_said(case):
    with open("/dev/full", "wb") as full:
        process = case.start(["tool", "list"], stdout=full)
        err = process.stderr.read().decode()
        code = process.wait(timeout=60)
    want(code != 0, "the list was lost and the exit code is 0")
    want("standard output" in err and "No space" in err, f"not said: {err!r}")


def a_reader_that_has_seen_enough(case):
    process = case.start(["tool", "list"])
    process.stdout.close()
    err = process.stderr.read().decode()
    want(process.wait(timeout=60) == 0 and not err, f"a closed pipe is an error: {err!r}")


def ignored_signals_stay_ignored(case):
    """nohup, and a shell's background jobs."""
    paced = case.model_file({"turns": [{"say": "word " * 20, "pace_ms": 5}]})
    process = case.start(["run", "Go.", "--json", "--model", paced],
                         prefix=["sh", "-c", 'trap "" HUP INT; exec "$0" "$@"'])
    lines = []
    wait_for_line(process, lambda line: line["kind"] == "text_delta", lines)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGINT):
        process.send_signal(number)
    done = finish(process, lines)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    want(done.ended()["outcome"] == "finished", f"the run ended as {done.ended()}")


CASES = [
    ("streams/a socket is a pipe", a_socket_is_a_pipe),
    ("streams/run: cancelled while it waits for input", waiting_for_input_is_cancelled(["run", "x"])),
    ("streams/tool run: cancelled while it waits for input", waiting_for_input_is_cancelled(READ)),
    ("streams/run: too much input", too_much_input(["run", "x", "--model", "scripted/none"])),
    ("streams/tool run: too much input", too_much_input(READ)),
    ("streams/a full disk", a_full_disk_is_said),
    ("streams/a reader that has seen enough", a_reader_that_has_seen_enough),
    ("streams/ignored signals", ignored_signals_stay_ignored),
]
