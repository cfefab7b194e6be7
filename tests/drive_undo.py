"""Undo on the real binary: there and back, with a person in between, and with kill -9 in the middle."""
import json
import os
import random
import signal
import subprocess
import time

from harness import check_history, finish, wait_for_line, want
from server_client import Served

OLD = "".join(f"line {number}\n" for number in range(20))


def write(call, path, content):
    return {"calls": [{"tool": "write", "id": call, "arguments": {"file_path": path, "content": content}}]}


def edit(call, path, old, new):
    return {"calls": [{"tool": "read", "id": f"{call}-read", "arguments": {"file_path": path}}]}, {
        "calls": [{"tool": "edit", "id": call,
                   "arguments": {"file_path": path, "old_string": old, "new_string": new}}]}


def look(case):
    """Everything in the workspace that is not the program's: what, mode, time, bytes."""
    seen = {}
    for folder, folders, files in os.walk(case.workspace):
        folders[:] = [name for name in folders if name != ".boxagnts"]
        for name in folders + files:
            path = os.path.join(folder, name)
            state = os.lstat(path)
            relative = os.path.relpath(path, case.workspace)
            if name in folders:
                seen[relative] = ("folder", state.st_mode)
            else:
                with open(path, "rb") as file:
                    seen[relative] = (state.st_mode, state.st_mtime_ns, file.read())
    return seen


def differ(one, other):
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def begin(case):
    case.put(case.workspace, {"notes.txt": {"content": OLD, "mode": 0o640}, "tool.sh": {"content": "a\n", "mode": 0o750}})
    for path in ("notes.txt", "tool.sh"):
        os.utime(case.workspace / path, ns=(1, 1_234_567_890_123_456_789))
    return look(case)


def do(case, *turns):
    done = case.run("Do it.", case.model_file({"turns": [*turns, {"say": "done"}]}))
    want(done.code == 0, f"the run ended with {done.code}: {done.stderr}")
    for call, result in done.results().items():
        want(result["status"] == "ok", f"{call}: {result}")
    return done.session()


def act(case, what, session, *more, code=0):
    done = case.call("session", what, session, *more)
    want(done.code == code, f"session {what} {more}: exit code {done.code}, wanted {code}: {done.stdout}{done.stderr}")
    return done


def settled(done):
    """[{path: outcome}] of --json."""
    return [{os.path.basename(file["path"]): file["outcome"] for file in json.loads(line)["files"]}
            for line in done.stdout.splitlines()]


def there_and_back(case):
    before = begin(case)
    session = do(case, write("w", "new/deep/file.txt", "1\n"), *edit("e", "notes.txt", "line 3\n", "LINE 3\n"),
                 write("o", "tool.sh", "b\n"))
    after = look(case)
    want(after["tool.sh"][0] == before["tool.sh"][0], "a call changed the mode")
    diff = act(case, "diff", session).stdout
    for part in ("+++ b/new/deep/file.txt", "-line 3\n+LINE 3\n", "-a\n+b\n"):
        want(part in diff, f"the diff lacks {part!r}: {diff}")
    want(json.loads(act(case, "diff", session, "--json").stdout)["diff"] == diff, "--json shows another diff")

    want(settled(act(case, "undo", session, "--json")) == [{"tool.sh": "applied"}], "another call was undone")
    want(differ(look(case), before) == ["new", "new/deep", "new/deep/file.txt", "notes.txt"], "after one undo")
    want("tool.sh" not in act(case, "diff", session).stdout, "the diff shows what was undone")
    want("notes.txt" in act(case, "undo", session, "2").stdout, "the file is not named")
    want(look(case) == before, f"not as before: {differ(look(case), before)}")
    want(act(case, "diff", session).stdout == "", "there is a diff of nothing")
    want("nothing to undo" in act(case, "undo", session, code=2).stderr, "another sentence")
    act(case, "redo", session, "100")
    now = look(case)
    # A folder that is made anew is as the call left it, and its files too.
    want(now == after, f"not as after the run: {differ(now, after)}")
    want("nothing to redo" in act(case, "redo", session, code=2).stderr, "another sentence")
    check_history(case.history(session))


def a_person_in_between(case):
    begin(case)
    session = do(case, *edit("e", "notes.txt", "line 3\n", "LINE 3\n"), write("w", "new.txt", "agent\n"),
                 write("o", "tool.sh", "agent\n"))
    notes = case.workspace / "notes.txt"
    notes.write_text(notes.read_text().replace("line 15\n", "person\n"))
    (case.workspace / "tool.sh").write_text("person\n")

    done = act(case, "undo", session, "3", code=1)
    want("conflict" in done.stdout and "tool.sh" in done.stdout, f"the conflict is not named: {done.stdout}")
    want((case.workspace / "tool.sh").read_text() == "person\n", "the person's file was overwritten")
    want((case.workspace / "new.txt").exists(), "an undo goes on behind a conflict")
    outcomes = settled(act(case, "undo", session, "2", "--json", code=1))
    want(outcomes == [{"tool.sh": "conflict"}, {"new.txt": "applied"}, {"notes.txt": "merged"}], f"{outcomes}")
    want(not (case.workspace / "new.txt").exists(), "new.txt is still there")
    want(notes.read_text() == OLD.replace("line 15\n", "person\n"), f"not merged: {notes.read_text()}")
    want((case.workspace / "tool.sh").read_text() == "person\n", "the person's file was overwritten")
    act(case, "redo", session, "2")
    want(notes.read_text() == OLD.replace("line 15\n", "person\n").replace("line 3\n", "LINE 3\n"), "redo")


def a_run_owns_its_session(case):
    begin(case)
    session = do(case, write("w", "new.txt", "1\n"))
    model = case.model_file({"turns": [{"say": "word " * 5000, "pace_ms": 50}]}, "slow")
    process = case.start(["run", "Talk.", "--json", "--session", session, "--model", model])
    try:
        lines = []
        wait_for_line(process, lambda event: event.get("kind") == "run_started", lines)
        for what in ("undo", "redo", "delete"):
            want("in use" in act(case, what, session, code=6).stderr, f"{what}: another sentence")
        want((case.workspace / "new.txt").exists(), "new.txt is gone")
    finally:
        process.send_signal(signal.SIGINT)
        finish(process, lines)
    act(case, "undo", session)
    want(not (case.workspace / "new.txt").exists(), "new.txt is still there")


def a_deleted_session_leaves_nothing(case):
    begin(case)
    session = do(case, write("w", "new.txt", "1\n"))
    sets = case.workspace / ".boxagnts/changes"
    want([path for path in sets.iterdir() if not path.name.startswith(".")], "nothing was kept")
    act(case, "delete", session)
    want(not [path for path in sets.iterdir() if not path.name.startswith(".")], "change sets are left")
    want(case.sessions() == [], "the session is left")
    act(case, "undo", session, code=2)


def by_http(case):
    before = begin(case)
    session = do(case, write("w", "new.txt", "1\n"), write("o", "tool.sh", "agent\n"))
    with Served(case) as served:
        at = f"/api/v1/sessions/{session}"
        told = served.ask("GET", f"{at}/changes").json()
        want([one["state"] for one in told["changes"]] == ["applied", "applied"], f"{told}")
        want("+agent" in served.ask("GET", f"{at}/diff").json()["diff"], "no diff")
        undone = served.ask("POST", f"{at}/undo", {"count": 2}).json()
        want(not undone["conflicts"] and len(undone["settled"]) == 2, f"{undone}")
        want(look(case) == before, f"not as before: {differ(look(case), before)}")
        want(len(served.ask("POST", f"{at}/redo", {}).json()["settled"]) == 1, "redo")
        want((case.workspace / "new.txt").exists(), "new.txt is not back")
        want(served.ask("DELETE", at).status == 200, "not deleted")
    want((case.workspace / "new.txt").exists(), "what is applied stays")


# --- kill -9 ---------------------------------------------------------------------------------------------------

CALLS = 8
BIG = {number: f"version {number}\n" * 30_000 for number in range(CALLS)}


def many_calls():
    """Files that are made, and one large one that is replaced by every call."""
    turns = []
    for number in range(CALLS):
        turns.append(write(f"n{number}", f"made/{number}/file.txt", f"{number}\n"))
        turns.append(write(f"b{number}", "notes.txt", BIG[number]))
    return turns


def kill_after(process, delay_s):
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for pipe in (process.stdout, process.stderr):
        pipe.close()
    return process.returncode == -signal.SIGKILL


def whole(case):
    notes = (case.workspace / "notes.txt").read_text()
    want(notes == OLD or notes in BIG.values(), f"notes.txt is half done: {len(notes)} bytes")
    for number in range(CALLS):
        made = case.workspace / f"made/{number}/file.txt"
        want(not made.exists() or made.read_text() == f"{number}\n", f"{made} is half done")


def killed_runs(seed, count):
    """A run is killed, and what it did is taken back to the last byte."""
    def drive(case):
        points = random.Random(seed)
        before = begin(case)
        model = case.model_file({"turns": [*many_calls(), {"say": "done"}]})
        begun = time.monotonic()
        first = case.run("Do it.", model)
        whole_s = time.monotonic() - begun
        after = look(case)
        act(case, "undo", first.session(), "1000")
        want(look(case) == before, f"not as before: {differ(look(case), before)}")
        killed = 0
        for _ in range(count):
            delay_s = points.uniform(0.05, 1) * whole_s
            killed += kill_after(case.start(["run", "Do it.", "--json", "--model", model, "--mode", "edits"]), delay_s)
            whole(case)
            session = case.sessions()[0]["id"]
            done = case.call("session", "undo", session, "1000")
            want(done.code in (0, 2), f"killed after {delay_s:.3f} s: {done.code}: {done.stdout}{done.stderr}")
            rest = differ(look(case), before)
            want(not rest, f"killed after {delay_s:.3f} s, then undone, this differs: {rest}")
            if killed and points.random() < 0.3:  # the session goes on, and its undo with it
                done = case.run("Go on.", model, "--session", session)
                want(done.code == 0, f"going on: {done.code}: {done.stderr}")
                check_history(case.history(session))
                act(case, "undo", session, "1000")
                want(look(case) == before, "not as before")
        want(killed > 0, "no kill hit")
        want(len(after) > len(before), "the run did nothing")
        return f"{killed} of {count} kills hit a run of {whole_s * 1000:.0f} ms"
    return drive


def killed_undos(seed, count):
    """`session undo` and `redo` of many calls are killed; the next ones finish what they began."""
    def drive(case):
        points = random.Random(seed)
        before = begin(case)
        session = do(case, *many_calls())
        after = look(case)
        begun = time.monotonic()
        act(case, "undo", session, "1000")
        whole_s = time.monotonic() - begun
        want(look(case) == before, f"not as before: {differ(look(case), before)}")
        killed = 0
        for _ in range(count):
            for what, end in (("redo", after), ("undo", before)):
                delay_s = points.uniform(0, 1) * whole_s
                killed += kill_after(case.start(["session", what, session, "1000"]), delay_s)
                whole(case)
                done = case.call("session", what, session, "1000")
                want(done.code in (0, 2), f"{what} after a kill: {done.code}: {done.stdout}{done.stderr}")
                rest = differ(look(case), end)
                want(not rest, f"{what} killed after {delay_s:.3f} s, then done again, this differs: {rest}")
        check_history(case.history(session))
        want(killed > 0, "no kill hit")
        return f"{killed} of {2 * count} kills hit"
    return drive


CASES = [
    ("undo/there and back", there_and_back),
    ("undo/a person in between", a_person_in_between),
    ("undo/a run owns its session", a_run_owns_its_session),
    ("undo/a deleted session leaves nothing", a_deleted_session_leaves_nothing),
    ("undo/by HTTP", by_http),
    ("undo/killed runs", killed_runs(1, 8)),
    ("undo/killed undos", killed_undos(2, 8)),
]
