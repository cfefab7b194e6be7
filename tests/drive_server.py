"""`boxagnts serve`: every route good and bad, runs followed live, restarts, two processes on one workspace."""
import json
import random
import signal
import socket
import time

from harness import check_history, finish, mini_job, put_mini_project, wait_for_line, want
from server_client import Reader, Served

OK = {"turns": [{"say": "Done."}]}
PACED = {"turns": [{"say": "word " * 2000, "pace_ms": 5}]}
ASKS = {"turns": [{"calls": [{"tool": "write", "id": "one", "arguments": {"file_path": "one.txt", "content": "1"}}]},
                  {"say": "ok"}]}


def a_run_is_followed_live(case):
    put_mini_project(case)
    job = mini_job()["conversations"][0]
    model = case.model_file({"turns": job["turns"]})
    with Served(case) as served:
        with served.events() as stream:
            started = served.start_run("Go.", model)
            events = stream.until_end(started["run"])
        check_history(events)
        want(events == served.history(started["session"]), "pages and stream differ")
        exported = served.ask("GET", f"/api/v1/sessions/{started['session']}/export")
        want([json.loads(line) for line in exported.body.splitlines()] == events, "the export differs")
        want(served.ask("GET", "/api/v1/runs").json() == {"runs": []}, "the run still lives")
        served.stop()
    want(events == case.history(started["session"]), "the command line shows another history")


def frames_come_between_events(case):
    model = case.model_file({"turns": [{"say": "word " * 300, "pace_ms": 2}]})
    with Served(case) as served, served.events() as first:
        started = served.start_run("Speak.", model)
        shown, late = "", None
        for name, data in first.messages():
            if name == "frame" and data["kind"] == "text_delta":
                shown += data["text"]
                if late is None and len(shown) > 100:  # somebody attaches in the middle
                    late = served.events(session=started["session"])
                    messages = late.messages()
                    next(messages)
                    name, snapshot = next(messages)
                    want(name == "frame" and snapshot["kind"] == "snapshot", f"first came {name} {snapshot}")
                    joined = "".join(frame["text"] for frame in snapshot["frames"])
                    want(joined.startswith(shown[:90]), f"the snapshot says {joined[:80]!r}")
            if name == "frame" and data["kind"] == "snapshot":
                shown = "".join(frame.get("text", "") for frame in data["frames"])
            if name == "message" and data["kind"] == "assistant_block":
                want(data["block"]["text"].startswith(shown), "frames and the event say different things")
                break
        want(late is not None, "no frame came")
        late.close()
        served.stop()


def a_question_is_answered(case):
    model = case.model_file(ASKS)
    with Served(case) as served:
        for answer, status, made in (("no", "denied", False), ("yes", "ok", True)):
            with served.events() as stream:
                started = served.start_run("Write.", model, mode="ask")
                for event in stream.events():
                    if event["kind"] == "approval_asked":
                        path = f"/api/v1/runs/{started['run']}/answer"
                        wrong = served.ask("POST", path, {"approval": "nobody", "answer": "yes"})
                        want(wrong.status == 404, f"an unknown question: {wrong.status}")
                        given = served.ask("POST", path, {"approval": event["approval"], "answer": answer})
                        want(given.status == 202, f"the answer: {given.status} {given.body}")
                    if event["kind"] == "tool_finished":
                        want(event["result"]["status"] == status, f"{answer}: {event['result']}")
                    if event["kind"] == "approval_answered":
                        want(event["by"] == "http", f"answered by {event['by']}")
                    if event["kind"] == "run_ended":
                        break
            want((case.workspace / "one.txt").exists() == made, f"after {answer}")
        served.stop()


def a_run_is_cancelled(case):
    with Served(case) as served, served.events() as stream:
        started = served.start_run("Slowly.", case.model_file(PACED))
        listed = served.ask("GET", "/api/v1/runs").json()["runs"]
        want([run["run"] for run in listed] == [started["run"]] and listed[0]["here"], f"listed: {listed}")
        deleted = served.ask("DELETE", f"/api/v1/sessions/{started['session']}")
        want(deleted.status == 409, f"deleting a live session: {deleted.status}")
        busy = served.ask("POST", "/api/v1/runs", {"prompt": "x", "model": case.model_file(OK, "ok"),
                                                   "session": started["session"]})
        want(busy.status == 409, f"a second run: {busy.status}")
        want(served.ask("POST", f"/api/v1/runs/{started['run']}/cancel", {}).status == 202, "cancelling")
        events = stream.until_end(started["run"])
        want(events[-1]["outcome"] == "cancelled", f"it ended: {events[-1]}")
        again = served.ask("POST", f"/api/v1/runs/{started['run']}/cancel", {})
        want(again.status == 409, f"cancelling what has ended: {again.status}")
        served.stop()


def a_signal_ends_runs_and_streams(case):
    with Served(case) as served, served.events() as stream:
        started = served.start_run("Slowly.", case.model_file(PACED))
        for name, _ in stream.messages():
            if name == "frame":
                break
        served.stop()
        list(stream.messages())  # it ends
    history = case.history(started["session"])
    want(history[-1]["kind"] == "run_ended" and history[-1]["outcome"] == "cancelled", f"{history[-1]}")
    check_history(history)


def routes_refuse_what_is_wrong(case):
    with Served(case) as served:
        run = {"prompt": "x", "model": case.model_file(OK)}
        for method, path, body, status in (
                ("GET", "/nothing", None, 404), ("GET", "/api/v1", None, 404), ("GET", "/api/v1/sessions/", None, 404),
                ("PUT", "/api/v1/runs", run, 405), ("DELETE", "/api/v1/runs", None, 405),
                ("HEAD", "/api/v1/auth/token", None, 405), ("OPTIONS", "/api/v1/runs", None, 405),
                ("GET", "/api/v1/sessions/none", None, 404), ("PATCH", "/api/v1/sessions/none", {"title": "x"}, 404),
                ("DELETE", "/api/v1/sessions/none", None, 404), ("GET", "/api/v1/sessions/none/events", None, 404),
                ("POST", "/api/v1/sessions/none/fork", {}, 404), ("POST", "/api/v1/sessions/none/fork", {"at": 0}, 400),
                ("GET", "/api/v1/sessions/none/export", None, 404), ("GET", "/api/v1/sessions?limit=0", None, 400),
                ("GET", "/api/v1/sessions?limit=1&limit=2", None, 400), ("GET", "/api/v1/sessions?x=1", None, 400),
                ("GET", "/api/v1/sessions/a.b", None, 400), ("GET", "/api/v1/blobs/abc", None, 400),
                ("GET", "/api/v1/blobs/" + "0" * 64, None, 404), ("GET", "/api/v1/tools/none", None, 404),
                ("POST", "/api/v1/tools/none/run", {"arguments": {}}, 404),
                ("POST", "/api/v1/tools/read/run", {}, 400), ("POST", "/api/v1/tools/read/run", {"arguments": 1}, 400),
                ("POST", "/api/v1/runs", {}, 400), ("POST", "/api/v1/runs", [], 400),
                ("POST", "/api/v1/runs", b"{", 415), ("POST", "/api/v1/runs", {**run, "model": "none"}, 400),
                ("POST", "/api/v1/runs", {**run, "session": "none"}, 404),
                ("POST", "/api/v1/runs", {**run, "mode": "fast"}, 400), ("POST", "/api/v1/runs/none/cancel", {}, 404),
                ("POST", "/api/v1/runs/none/answer", {"approval": "x", "answer": "yes"}, 404),
                ("POST", "/api/v1/runs/none/answer", {"approval": "x", "answer": "maybe"}, 400),
                ("GET", "/api/v1/events?after=1", None, 409), ("GET", "/api/v1/events?after=-1", None, 400),
                ("GET", "/api/v1/events?session=none", None, 404),
                ("POST", "/api/v1/auth/tickets", {"path": "https://a.example/"}, 400),
                ("POST", "/api/v1/auth/tickets", {"path": "/api/v1/x\r\ny"}, 400)):
            answer = served.ask(method, path, body)
            want(answer.status == status, f"{method} {path}: {answer.status}, wanted {status}: {answer.body[:200]}")
            if method != "HEAD":
                answer.error()
        large = served.ask("POST", "/api/v1/auth/tickets", {"path": "/api/v1/" + "x" * 100_000})
        want(large.status == 413, f"a large body: {large.status}")
        want(served.ask("GET", "/healthz", token=False).json() == {"status": "ok"}, "no health")
        want(b"boxagnts_requests_total" in served.ask("GET", "/metrics", token=False).body, "no metrics")
        served.stop()


def tools_run_in_the_sandbox(case):
    case.put(case.workspace, {"a.txt": "alpha\n"})
    case.put(case.outside, {"secret.txt": "secret\n"})
    with Served(case) as served:
        names = {tool["name"] for tool in served.ask("GET", "/api/v1/tools").json()["tools"]}
        want({"read", "write", "glob", "grep"} <= names, f"the tools are {names}")
        shown = served.ask("GET", "/api/v1/tools/read").json()
        want(shown["level"] == "read-only", f"read is {shown['level']}")
        for file, status in (("a.txt", "ok"), (str(case.outside / "secret.txt"), None), (".boxagnts/state.db", None)):
            ran = served.ask("POST", "/api/v1/tools/read/run", {"arguments": {"file_path": file}}).json()
            want(ran["status"] == status if status else ran["status"] != "ok", f"reading {file}: {ran}")
            want("secret" not in ran["text"].replace("secret.txt", ""), f"reading {file}: {ran}")
        ran = served.ask("POST", "/api/v1/tools/write/run", {"arguments": {"file_path": "b.txt", "content": "b"}})
        want(ran.json()["status"] == "ok" and (case.workspace / "b.txt").read_text() == "b", f"{ran.body}")
        served.stop()


def the_next_free_port(case):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Served(case, port=port) as served:
            want(served.port != port, "the taken port was taken again")
            want(served.ask("GET", "/healthz", token=False).status == 200, "it does not answer")
            said = served.stop()
            want(str(port) in said and str(served.port) in said, f"not said: {said}")


def without_a_subcommand(case):
    with Served(case) as served:
        pass
    process = case.start(["--port", "0"])
    line = process.stdout.readline().decode()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    want(" at http://127.0.0.1:" in line and process.returncode == 0, f"{line!r}, {process.returncode}")


def beyond_this_machine_it_is_not_open(case):
    password = case.root / "password"
    password.write_text("correct horse battery\n")
    for flags in (["--host", "0.0.0.0"], ["--host", "::"], ["--host", "0.0.0.0", "--behind-proxy"],
                  ["--host", "0.0.0.0", "--admin-user", "ada", "--admin-password-file", str(password)],
                  ["--behind-proxy"], ["--admin-user", "ada"], ["--host", "example.org"],
                  ["--admin-user", "ada", "--admin-password-file", "/nowhere"]):
        done = case.call("serve", "--port", "0", *flags)
        want(done.code == 2, f"{flags}: exit code {done.code}: {done.stderr}")
        want(done.stderr.count("\n") == 1 and not done.stdout, f"{flags}: {done.stderr!r}")


def a_damaged_log_is_not_served(case):
    want(case.run("One.", case.model_file(OK)).code == 0, "the run failed")
    database = case.workspace / ".boxagnts/state.db"
    database.write_bytes(b"garbage " * 1000)
    done = case.call("serve", "--port", "0")
    want(done.code == 7, f"exit code {done.code}: {done.stderr}")
    want("state.db" in done.stderr and not done.stdout, f"{done.stderr!r} {done.stdout!r}")
    want(database.read_bytes() == b"garbage " * 1000, "the file was changed")


def an_administrator_signs_in(case):
    with Served(case, "--admin-user", "ada", environment={"BOXAGNTS_ADMIN_PASSWORD": "correct horse"}) as served:
        want(served.token is None, "a token was printed")
        def sign_in(body):
            return served.ask("POST", "/api/v1/auth/token", body, token=False)
        want(sign_in({}).status == 401, "the same user got a token without the password")
        want(sign_in({"user": "ada", "password": "wrong"}).status == 401, "a wrong password was good")
        token = sign_in({"user": "ada", "password": "correct horse"}).json()["token"]
        want(served.ask("GET", "/api/v1/sessions", token=token).status == 200, "the token is not good")
        want(served.ask("POST", "/api/v1/auth/sign-out", {}, token=token).status == 200, "signing out")
        want(served.ask("GET", "/api/v1/sessions", token=token).status == 401, "the token is still good")
        statuses = [sign_in({"user": "ada", "password": f"guess {i}"}).status for i in range(8)]
        want(statuses[-1] == 503 and 401 in statuses, f"guessing: {statuses}")
        slowed = sign_in({"user": "ada", "password": "correct horse"})
        want(slowed.status == 503 and int(slowed.headers["Retry-After"]) >= 1, f"{slowed.status}")
        environment = open(f"/proc/{served.process.pid}/cmdline", "rb").read()
        want(b"correct" not in environment, "the password stands in the process list")
        served.stop()


# --- nothing is missing, nothing comes twice ---------------------------------------------------------------


def readers_over_a_kill(seed):
    def play(case):
        """Three readers, reconnecting as they like; the server is killed in the middle and starts again."""
        source = random.Random(seed)
        put_mini_project(case)
        job = mini_job()["conversations"][0]["turns"]
        for turn in job:
            turn["pace_ms"] = 1
        model, after = case.model_file({"turns": job}), case.model_file(OK, "after")
        current = [Served(case)]
        readers = [Reader(lambda: current[0], random.Random(source.random())) for _ in range(3)]
        try:
            with current[0].events() as watching:
                started = current[0].start_run("Go.", model)
                left = source.randint(1, 12)
                for _ in watching.messages():
                    left -= 1
                    if left == 0:
                        break
            time.sleep(source.random() * 0.05)  # the moment of the kill is the seed's
            dead, current[0] = current[0], None
            dead.kill()
            current[0] = Served(case)
            repaired = current[0].start_run("And now?", after, session=started["session"])
            with current[0].events(after=0) as stream:
                stream.until_end(repaired["run"])
            history = current[0].history(started["session"])
            check_history(history)
            wanted = [event["position"] for event in history]
            for number, reader in enumerate(readers):
                seen = reader.wait_for(wanted[-1])
                want(seen == wanted, f"reader {number} of seed {seed} saw {seen}, wanted {wanted}")
            current[0].stop()
        finally:
            for reader in readers:
                reader.until.set()
            if current[0] is not None and current[0].process.poll() is None:
                current[0].kill()
    return play


def two_processes(case):
    """The server follows what the command line runs; each keeps off the other's sessions."""
    paced, ok = case.model_file(PACED, "paced"), case.model_file(OK)
    with Served(case) as served, served.events() as stream:
        process = case.start(["run", "Slowly.", "--json", "--model", paced, "--mode", "edits"])
        lines = []
        begun = wait_for_line(process, lambda line: line["kind"] == "text_delta", lines)
        session, run = begun["session"], begun["run"]
        kinds = []
        for event in stream.events():
            kinds.append(event["kind"])
            if event["kind"] == "user_message":
                break
        want(kinds == ["run_started", "user_message"], f"the server saw {kinds}")
        listed = served.ask("GET", "/api/v1/runs").json()["runs"]
        want(len(listed) == 1 and listed[0]["process"] == process.pid and not listed[0]["here"], f"{listed}")
        for path, body in ((f"/api/v1/runs/{run}/cancel", {}),
                           (f"/api/v1/runs/{run}/answer", {"approval": "x", "answer": "yes"}),
                           ("/api/v1/runs", {"prompt": "x", "model": ok, "session": session})):
            refused = served.ask("POST", path, body)
            want(refused.status == 409, f"{path}: {refused.status} {refused.body}")
            want(str(process.pid) in refused.error()["message"], f"{path}: {refused.body}")
        process.send_signal(signal.SIGINT)
        want(finish(process, lines).code == 130, "the command line's run was not cancelled")
        stream.until_end(run)
        # And the other way round.
        mine = served.start_run("Mine.", paced)
        refused = case.call("run", "x", "--model", ok, "--session", mine["session"])
        want(refused.code == 6 and str(served.process.pid) in refused.stderr, f"{refused.code} {refused.stderr}")
        served.stop()


CASES = [
    ("server/a run is followed live", a_run_is_followed_live),
    ("server/frames come between events", frames_come_between_events),
    ("server/a question is answered", a_question_is_answered),
    ("server/a run is cancelled", a_run_is_cancelled),
    ("server/a signal ends runs and streams", a_signal_ends_runs_and_streams),
    ("server/routes refuse what is wrong", routes_refuse_what_is_wrong),
    ("server/tools run in the sandbox", tools_run_in_the_sandbox),
    ("server/the next free port", the_next_free_port),
    ("server/without a subcommand", without_a_subcommand),
    ("server/beyond this machine it is not open", beyond_this_machine_it_is_not_open),
    ("server/a damaged log is not served", a_damaged_log_is_not_served),
    ("server/an administrator signs in", an_administrator_signs_in),
    ("server/two processes", two_processes),
    *((f"server/readers over a kill, seed {seed}", readers_over_a_kill(seed)) for seed in range(12)),
]
