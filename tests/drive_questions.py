"""Questions that nobody waits for: queued, shown, answered later, over a killed process; trust; explain."""
import contextlib
import socket
import threading

from harness import check_history, want
from server_client import Served

WRITES = {"turns": [{"calls": [{"tool": "write", "id": "w", "arguments": {"file_path": "a.txt", "content": "new\n"}}]},
                    {"say": "ok"}]}


def queued(case, prompt="Go.", mode="ask", model=WRITES):
    """A run with nobody there; its session and the id of the one question that stands."""
    done = case.run(prompt, case.model_file(model), mode=mode)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    listed = case.call("question", "list")
    want(len(listed.stdout.splitlines()) == 1 and "a.txt" in listed.stdout, f"listed: {listed.stdout!r}")
    return done, listed.stdout.split()[0]


def answered_later(case):
    for answer, content in (("no", "old\n"), ("yes", "new\n")):
        case.put(case.workspace, {"a.txt": "old\n"})
        done, question = queued(case)
        want(done.results()["w"]["status"] == "denied" and question in done.results()["w"]["text"], f"{done.results()}")
        want((case.workspace / "a.txt").read_text() == "old\n", "it was applied unasked")
        shown = case.call("question", "show", question)
        want("-old" in shown.stdout and "+new" in shown.stdout, f"no diff: {shown.stdout!r}")
        given = case.call("question", "answer", question, answer)
        want(given.code == 0, f"{given.code} {given.stderr}")
        want((case.workspace / "a.txt").read_text() == content, f"after {answer}")
        again = case.call("question", "answer", question, answer)
        want(again.code == 2 or again.code == 1, f"a second answer: {again.code} {again.stderr}")
        want(case.call("question", "list").stdout == "nothing waits for an answer\n", "it still stands")
        history = case.history(done.session())
        check_history(history)
        settled = [event["act"] for event in history if event["kind"] == "changes_settled"]
        want(settled == ["applied" if answer == "yes" else "dropped"], f"settled: {settled}")


def somebody_changed_it_meanwhile(case):
    case.put(case.workspace, {"a.txt": "old\n"})
    _, question = queued(case)
    case.put(case.workspace, {"a.txt": "mine\n"})
    given = case.call("question", "answer", question, "yes")
    want(given.code == 1 and "a.txt" in given.stderr, f"{given.code} {given.stderr!r}")
    want((case.workspace / "a.txt").read_text() == "mine\n", "a person's words were overwritten")


def always_writes_a_rule(case):
    case.put(case.workspace, {"a.txt": "old\n"})
    _, question = queued(case)
    want(case.call("question", "answer", question, "always").code == 0, "always")
    case.put(case.workspace, {"a.txt": "old\n"})
    done = case.run("Again.", case.model_file(WRITES), mode="ask")
    want(done.results()["w"]["status"] == "ok", f"the rule does not hold: {done.results()}")
    want((case.workspace / "a.txt").read_text() == "new\n", "nothing was applied")
    explained = case.call("policy", "explain", "write", '{"file_path": "a.txt", "content": ""}')
    want("rules.toml:" in explained.stdout and "is applied" in explained.stdout, explained.stdout)


def over_a_killed_server(case):
    """A diff's question survives its process; the answer is given to the next one, and the session goes on."""
    case.put(case.workspace, {"a.txt": "old\n"})
    model = case.model_file(WRITES)
    with Served(case) as served, served.events() as stream:
        started = served.start_run("Write.", model, mode="ask")
        for event in stream.events():
            if event["kind"] == "approval_asked":
                question = event["approval"]
                break
        served.kill()
    with Served(case) as served:
        listed = served.ask("GET", "/api/v1/questions").json()["questions"]
        want([one["approval"] for one in listed] == [question], f"listed: {listed}")
        wrong = served.ask("POST", "/api/v1/questions/none/answer", {"answer": "yes"})
        want(wrong.status == 404, f"no such question: {wrong.status}")
        given = served.ask("POST", f"/api/v1/questions/{question}/answer", {"answer": "yes"})
        want(given.status == 202, f"{given.status} {given.body}")
        want((case.workspace / "a.txt").read_text() == "new\n", "it was not applied")
        with served.events() as stream:
            again = served.start_run("Go on.", model, session=started["session"])
            stream.until_end(again["run"])
        served.stop()
    history = case.history(started["session"])
    check_history(history)
    results = [event["result"]["status"] for event in history if event["kind"] == "tool_finished"]
    want(results[0] == "cancelled", f"the killed call's result: {results}")


def a_connection_is_kept_for_the_retry(case):
    """Nobody is there; later a yes; the next run of the session connects, the one after it asks again."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port, asked = listener.getsockname()[1], []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        asked.append(connection.recv(65536))
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                           b"Content-Type: text/plain\r\n\r\nhello")
        threading.Thread(target=serve, daemon=True).start()
        fetch = {"tool": "web_fetch", "id": "f", "arguments": {"url": f"http://127.0.0.1:{port}/"}}
        script = {"conversations": [{"turns": [{"calls": [dict(fetch, id=f"f{n}")]}, {"say": "ok"}]} for n in range(3)]}
        model = case.model_file(script)
        first = case.run("Go.", model, mode="ask")
        want(first.results()["f0"]["status"] == "failed" and asked == [], f"{first.results()} {asked}")
        question = case.call("question", "list").stdout.split()[0]
        want(case.call("question", "answer", question, "yes").code == 0, "the answer")
        want(asked == [], "an answer connects to nothing")
        second = case.run("Again.", model, "--session", first.session(), mode="ask")
        want(second.results()["f1"]["status"] == "ok" and len(asked) == 1, f"{second.results()}")
        third = case.run("Again.", model, "--session", first.session(), mode="ask")
        want(third.results()["f2"]["status"] == "failed" and len(asked) == 1, f"{third.results()}")


def trust(case):
    """A workspace's own rules deny at once, and allow only when its person trusts it."""
    case.put(case.workspace, {"a.txt": "old\n", ".boxagnts/config.toml": '[policy]\nallow = ["write a.txt"]\n'})
    (case.workspace / ".boxagnts").chmod(0o700)
    want("not trusted" in case.call("trust").stdout, "trusted unasked")
    done = case.run("Go.", case.model_file(WRITES), mode="ask")
    want(done.results()["w"]["status"] == "denied", "an untrusted workspace allowed something")
    want(case.call("trust", "yes").stdout.endswith(": trusted\n"), "trust yes")
    done = case.run("Go.", case.model_file(WRITES), mode="ask")
    want(done.results()["w"]["status"] == "ok", f"{done.results()}")
    want("not trusted" in case.call("trust", "no").stdout, "trust no")
    done = case.run("Go.", case.model_file(WRITES), mode="ask")
    want(done.results()["w"]["status"] == "denied" or (case.workspace / "a.txt").read_text() == "new\n", "trust no")
    want(case.call("trust", "perhaps").code == 2, "trust perhaps")


CASES = [("questions: answered later", answered_later), ("questions: a conflict", somebody_changed_it_meanwhile),
         ("questions: always", always_writes_a_rule), ("questions: over a killed server", over_a_killed_server),
         ("questions: a connection", a_connection_is_kept_for_the_retry), ("questions: trust", trust)]
