"""Questions, answered on the controlling terminal as a person does."""
import json
import os
import pty
import re
import select
import shutil
import time

from harness import HANGS_AFTER_S, Done, check_history, events_of, want

WRITES = {"turns": [
    {"calls": [{"tool": "write", "id": "one", "arguments": {"file_path": "out/one.txt", "content": "1"}}]},
    {"calls": [{"tool": "write", "id": "two", "arguments": {"file_path": "out/two.txt", "content": "2"}}]},
    {"say": "ok"}]}


def run_on_a_terminal(case, answers, stdin_bytes=None):
    """Runs in mode ask; types the next answer each time the question stands on the terminal whole."""
    arguments = [case.binary, "run", "Write.", "--json", "--model", case.model_file(WRITES), "--mode", "ask"]
    out = case.root / "out.jsonl"
    environment = case.environment()
    del environment["BOXAGNTS_UNATTENDED"]
    child, terminal = pty.fork()
    if child == 0:  # the terminal is its controlling one; events go to a file
        os.chdir(case.workspace)
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        if stdin_bytes is not None:
            read_end, write_end = os.pipe()
            os.write(write_end, stdin_bytes)
            os.close(write_end)
            os.dup2(read_end, 0)
        os.execve(case.binary, arguments, environment)
    shown, asked, status, deadline = b"", 0, None, time.monotonic() + HANGS_AFTER_S
    while status is None:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # the other side is closed
                pass
        questions = len(re.findall(rb"\? (?:Let|Apply|Do you) .*?answer \[", shown, re.S))
        while asked < questions:
            want(asked < len(answers), f"a question too many: {shown.decode(errors='replace')}")
            os.write(terminal, answers[asked].encode())
            asked += 1
        done, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if done else None
        if time.monotonic() > deadline:
            os.kill(child, 9)
            deadline += 10
    os.close(terminal)
    result = Done(status, out.read_text(), shown.decode(errors="replace"))
    result.events = events_of(result.stdout)
    want(asked == len(answers), f"{asked} questions, wanted {len(answers)}")
    check_history(case.history(result.session()))
    return result


def expect(case, done, one, two):
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    statuses = tuple(done.results()[call]["status"] for call in ("one", "two"))
    want(statuses == (one, two), f"the calls are {statuses}, wanted {(one, two)}")
    for name, status in (("one", one), ("two", two)):
        there = (case.workspace / f"out/{name}.txt").exists()
        want(there == (status == "ok"), f"out/{name}.txt is {'there' if there else 'missing'}")


def yes_then_no(case):
    done = run_on_a_terminal(case, ["y\n", "n\n"])
    expect(case, done, "ok", "denied")
    want("one.txt" in done.stderr, f"the question does not name the file: {done.stderr!r}")


def no_then_yes(case):
    expect(case, run_on_a_terminal(case, ["n\n", "y\n"]), "denied", "ok")


def for_this_run(case):
    expect(case, run_on_a_terminal(case, ["a\n"]), "ok", "ok")


def nonsense_is_asked_again(case):
    expect(case, run_on_a_terminal(case, ["maybe\ny\n", "\nn\n"]), "ok", "denied")


def with_piped_input(case):
    """Standard input is the prompt's; the answer comes from the terminal all the same."""
    expect(case, run_on_a_terminal(case, ["y\n", "y\n"], stdin_bytes=b"n\nn\n"), "ok", "ok")


def trust_is_asked_once(case):
    """A folder's own allow counts when its person trusts it, and says so once."""
    for answer, more, statuses in (("n\n", ["y\n", "n\n"], ("ok", "denied")), ("y\n", [], ("ok", "ok"))):
        for name in ("one", "two"):
            (case.workspace / f"out/{name}.txt").unlink(missing_ok=True)
        case.put(case.workspace, {".boxagnts/config.toml": '[policy]\nallow = ["write out"]\n'})
        (case.workspace / ".boxagnts").chmod(0o700)
        shutil.rmtree(case.root / "home/config", ignore_errors=True)
        done = run_on_a_terminal(case, [answer, *more])
        expect(case, done, *statuses)
        want("Do you trust" in done.stderr and "allow write out" in done.stderr, f"{done.stderr!r}")
    (case.workspace / "out/one.txt").unlink()
    (case.workspace / "out/two.txt").unlink()
    expect(case, run_on_a_terminal(case, []), "ok", "ok")


CASES = [("approvals/trust", trust_is_asked_once), ("approvals/yes, then no", yes_then_no), ("approvals/no, then yes", no_then_yes),
         ("approvals/for this run", for_this_run), ("approvals/nonsense", nonsense_is_asked_again),
         ("approvals/piped input", with_piped_input)]
