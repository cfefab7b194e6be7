"""State that is damaged, newer, read-only or in use: refused in one sentence, never overwritten."""
import os
import signal
import sqlite3
import subprocess

from harness import Skip, check_history, finish, wait_for_line, want

OK = {"turns": [{"say": "ok"}]}
PACED = {"turns": [{"say": "word " * 2000, "pace_ms": 20}]}


def one_sentence(done):
    want(done.stderr.startswith("boxagnts: ") and done.stderr.count("\n") == 1,
         f"not one sentence: {done.stderr!r}")


def with_spoiled_database(spoil, code, words):
    def drive(case):
        model = case.model_file(OK)
        first = case.run("One.", model)
        want(first.code == 0, f"the first run ended with {first.code}: {first.stderr}")
        database = case.workspace / ".boxagnts/state.db"
        for journal in ("-wal", "-shm"):
            want(not os.path.exists(f"{database}{journal}"), f"state.db{journal} was left behind")
        spoil(database)
        before = database.read_bytes()
        for arguments in (["run", "Two.", "--model", model], ["session", "list"],
                          ["session", "show", first.session()]):
            done = case.call(*arguments)
            want(done.code == code, f"{arguments[:2]}: exit code {done.code}, wanted {code}: {done.stderr}")
            one_sentence(done)
            for word in words:
                want(word in done.stderr, f"the sentence does not say {word!r}: {done.stderr}")
            want(database.read_bytes() == before, "the file was changed")
    return drive


def overwrite(offset, data):
    def spoil(database):
        with open(database, "r+b") as file:
            file.seek(offset)
            file.write(data)
    return spoil


def garbage_everywhere(database):
    size = database.stat().st_size
    overwrite(100, bytes(range(1, 252)) * (size // 251 + 1))(database)
    os.truncate(database, size)


def newer(database):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 9999")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def not_ours(database):
    database.unlink()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE somebody_elses (x)")
    connection.commit()
    connection.close()


def session_in_use(case):
    """Another process owns the session: refused, naming it; other sessions run beside it."""
    paced = case.model_file(PACED, "paced")
    process = case.start(["run", "Slowly.", "--json", "--model", paced, "--mode", "edits"])
    lines = []
    session = wait_for_line(process, lambda line: line["kind"] == "text_delta", lines)["session"]
    ok = case.model_file(OK)
    try:
        refused = case.call("run", "Me too.", "--model", ok, "--session", session)
        want(refused.code == 6, f"exit code {refused.code}, wanted 6: {refused.stderr}")
        one_sentence(refused)
        want(str(process.pid) in refused.stderr, f"process {process.pid} is not named: {refused.stderr}")
        beside = case.run("Beside.", ok)
        want(beside.code == 0, f"another session ended with {beside.code}: {beside.stderr}")
        running = {one["id"]: one["running"] for one in case.sessions()}
        want(running == {session: True, beside.session(): False}, f"running: {running}")
    finally:
        process.send_signal(signal.SIGINT)
        done = finish(process, lines)
    want(done.code == 130, f"the paced run ended with {done.code}")
    after = case.run("Now me.", ok, "--session", session)
    want(after.code == 0, f"after its end: exit code {after.code}: {after.stderr}")
    check_history(case.history(session))


def read_only_workspace(case):
    """On a read-only mount: reads work, writes are refused, the state goes to the person's state folder."""
    case.put(case.workspace, {"a.txt": "alpha\n"})
    model = case.model_file({"turns": [
        {"calls": [{"tool": "read", "id": "r", "arguments": {"file_path": "a.txt"}},
                   {"tool": "write", "id": "w", "arguments": {"file_path": "b.txt", "content": "x"}}]},
        {"say": "ok"}]})
    mount = ('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"')
    prefix = ["unshare", "--mount", "--map-root-user"] if os.geteuid() else ["unshare", "--mount"]
    prefix += ["sh", "-c", mount, str(case.workspace)]
    if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("this machine does not let us make a read-only mount")
    done = case.run("Go.", model, prefix=prefix)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    want(done.results()["r"]["status"] == "ok", f"reading: {done.results()['r']}")
    want(done.results()["w"]["status"] in ("failed", "denied"), f"writing: {done.results()['w']}")
    want(not (case.workspace / ".boxagnts").exists(), "a state folder was made in the workspace")
    want(list((case.root / "home/state").rglob("state.db")), "there is no state in XDG_STATE_HOME")


def no_room(case):
    """The disk fills up in the middle of a run: it ends with a sentence, and goes on when there is room."""
    prefix = ["unshare", "--mount", "--map-root-user"] if os.geteuid() else ["unshare", "--mount"]
    small = prefix + ["sh", "-c", 'mount -t tmpfs -o size=1500k none "$0" && cd "$0" && exec "$@"', str(case.workspace)]
    if subprocess.run([*small, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("this machine does not let us make a small file system")
    model = case.model_file({"turns": [{"say": "word " * 100_000}] * 9})
    # In one name space: the run that meets the end, room, and the next run.
    again = (f'"$@"; echo "first: $?" >&2; rm filler; exec "$@" --session '
             f'$("{case.binary}" session list | cut -d " " -f 1)')
    script = 'dd if=/dev/zero of=filler bs=1k count=1000 2>/dev/null; ' + again
    done = case.call("run", "Go.", "--json", "--model", model,
                     prefix=[*small, "sh", "-c", script, "sh"])
    want("first: 1" in done.stderr, f"the first run did not end with 1: {done.stderr}")
    want("no room" in done.stderr, f"the reason is not said: {done.stderr}")
    want(done.code == 0, f"with room again: exit code {done.code}: {done.stderr}")


def state_folder_is_a_link(case):
    (case.workspace / ".boxagnts").symlink_to(case.outside)
    done = case.call("run", "x", "--model", case.model_file(OK))
    want(done.code in (2, 5), f"exit code {done.code}: {done.stderr}")
    one_sentence(done)
    want(not list(case.outside.iterdir()), "something was written through the link")


def state_is_owners_only(case):
    want(case.run("One.", case.model_file(OK)).code == 0, "the run failed")
    folder = case.workspace / ".boxagnts"
    want(folder.stat().st_mode & 0o777 == 0o700, f"the state folder's mode is {folder.stat().st_mode:o}")
    mode = (folder / "state.db").stat().st_mode & 0o777
    want(mode == 0o600, f"state.db has the mode {mode:o}")


CASES = [
    ("state/header overwritten", with_spoiled_database(overwrite(0, b"garbage " * 12), 7, ["state.db"])),
    ("state/pages overwritten", with_spoiled_database(garbage_everywhere, 7, ["state.db"])),
    ("state/truncated", with_spoiled_database(
        lambda database: os.truncate(database, database.stat().st_size // 2), 7, ["state.db"])),
    ("state/somebody else's", with_spoiled_database(not_ours, 7, ["state.db"])),
    ("state/newer", with_spoiled_database(newer, 2, ["state.db", "newer"])),
    ("state/session in use", session_in_use),
    ("state/read-only workspace", read_only_workspace),
    ("state/no room", no_room),
    ("state/folder is a link", state_folder_is_a_link),
    ("state/owner only", state_is_owners_only),
]
