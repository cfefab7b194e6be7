"""kill -9 at seeded points of a run, then the session goes on: nothing acknowledged is lost, no call is left
without its one result, no file is half written."""
import random
import signal
import subprocess
import time

from harness import (Case, Failure, check_history, events_of, mini_job, put_mini_project, want)

BATCH = 20
PAGES = ("first version, line {}\n", "second version, line {}\n", "third version, line {}\n")


def big_content(version):
    """Large enough that a write which is not atomic would be caught in its middle."""
    return "".join(PAGES[version].format(line) for line in range(4000))


def script():
    """The small job with a large file that is replaced twice, and a little streaming time."""
    job = mini_job()
    first = job["conversations"][0]["turns"]
    for turn in first:
        turn["pace_ms"] = 2
    for version in range(3):
        first.insert(2 + version, {"calls": [
            {"tool": "write", "id": f"big{version}",
             "arguments": {"file_path": "out/big.txt", "content": big_content(version)}}]})
    return job


def begin(case):
    put_mini_project(case)
    return case.model_file(script())


def duration_of_a_run(case):
    """The median of three whole runs."""
    took = []
    for _ in range(3):
        one = Case(case.binary)
        try:
            model = begin(one)
            begun = time.monotonic()
            done = one.run("Do the small job.", model)
            took.append(time.monotonic() - begun)
            want(done.code == 0, f"the job ended with {done.code}: {done.stderr}")
        finally:
            one.close()
    return sorted(took)[1]


def killed_after(case, model, delay_s):
    """What the run had said on standard output when it was killed: acknowledged events."""
    path = case.root / "acknowledged.jsonl"
    with open(path, "wb") as out:
        process = case.start(["run", "Do the small job.", "--json", "--model", model, "--mode", "edits"],
                             stdout=out, stderr=subprocess.DEVNULL)
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return events_of(path.read_text(), whole_lines_only=True)


def check_files(case):
    whole = {big_content(version) for version in range(3)}
    big = case.workspace / "out/big.txt"
    want(not big.exists() or big.read_text() in whole, "out/big.txt is half written")
    report = case.workspace / "out/report.md"
    if report.exists():
        want(report.read_text().endswith(("Status: draft 🦀\n", "Status: geprüft ✓\n")),
             "out/report.md is half written")


def one_kill(binary, delay_s):
    """Whether the kill hit the run between its first event and its last."""
    case = Case(binary)
    try:
        model = begin(case)
        acknowledged = killed_after(case, model, delay_s)
        check_files(case)
        sessions = case.sessions()
        if not sessions:
            want(not acknowledged, "events were acknowledged and their session is gone")
            done = case.run("Do the small job.", model)
            want(done.code == 0, f"a new run after the kill ended with {done.code}: {done.stderr}")
            check_history(case.history(done.session()))
            return False
        session = sessions[0]["id"]
        want(len(sessions) == 1, f"{len(sessions)} sessions after one run")
        done = case.run("Go on.", model, "--session", session)
        want(done.code == 0, f"going on ended with {done.code}: {done.stderr}")
        history = case.history(session)
        check_history(history)
        for event in acknowledged:
            want(history[event["number"] - 1] == event, f"acknowledged and lost or changed: {event}")
        check_files(case)
        return any(event["kind"] == "run_ended" and "of" in event for event in history)
    finally:
        case.close()


def batch(seed, count):
    def drive(case):
        points = random.Random(seed)
        whole_s = duration_of_a_run(case)
        hits = 0
        for _ in range(count):
            delay_s = points.uniform(0, whole_s)
            try:
                hits += one_kill(case.binary, delay_s)
            except Failure as why:
                raise Failure(f"killed after {delay_s * 1000:.1f} of {whole_s * 1000:.0f} ms: {why}") from None
        want(hits > 0, f"none of {count} kills hit a run under way: the points are not over the run")
        return f"{count} points over {whole_s * 1000:.0f} ms, {hits} in a run under way"
    return drive


def cases(kills):
    batches = [min(BATCH, kills - done) for done in range(0, kills, BATCH)]
    return [(f"kill/seed {seed}", batch(seed, count)) for seed, count in enumerate(batches)]
