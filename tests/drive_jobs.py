"""Ordinary jobs of a helpful model, end to end: every document of tests/jobs/*.yaml in the modes ask, edits and
autonomous, with a person who answers what the job needs. In each mode the files end byte for byte as they should,
the answer is what was wanted, no call is refused that is not named, and the questions are exactly those of the
job: at most one in ask, none for what changes nothing.

  name        unique
  files, outside   what is there, as in harness.Case.put
  config      TOML
  pages       {path: HTML} of a server of this machine, {pages}
  model       a model's script; {shortened:CALL} is the id of an earlier prompt's shortened result
  prompts     a list of: say, or skill: NAME; pipe (then through the command line, else the API); in_modes; final:
              the last words of the answer
  asks        a list of: kind, about (part of the question), answer, text, chosen; and, as wanted: covers (part of
              what "for this run" would cover), rule (that "always" would write), diff (part of it), in_modes.
              Without in_modes, questions of kind changes come in ask alone, others in every mode
  refused     {CALL_ID: status}; all others are ok
  results     {CALL_ID: [parts of the result]}
  events      fields of events that follow one another, others between
  after, outside_after   {path: content, or {content, mode}} besides what was there, in place of it
"""
import http.server
import json
import stat
import threading
from pathlib import Path

import yaml

from harness import Case, Failure, check_history, events_of, want
from server_client import Served

MODES = ("ask", "edits", "autonomous")
LINES = "".join(f"line {number} of the log\n" for number in range(1, 1641))
KEYS = {"name", "files", "outside", "config", "pages", "model", "prompts", "asks", "refused", "results", "events",
        "after", "outside_after"}


class Pages:
    """A server of a few pages, on a port of the system's choice."""

    def __init__(self, pages):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = pages.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def filled(value, words):
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
        return value
    if isinstance(value, list):
        return [filled(item, words) for item in value]
    return {filled(key, words): filled(item, words) for key, item in value.items()} if isinstance(value, dict) else value


def holds(event, wanted):
    """Whether a value has what is wanted of it: objects may have more."""
    if isinstance(wanted, dict):
        return isinstance(event, dict) and all(holds(event.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(event, list) and len(event) == len(wanted) and all(map(holds, event, wanted))
    return event == wanted


def content_of(path):
    """What is compared of a file: its bytes, and whether it is executable."""
    return path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR)


def tree(folder):
    return {str(path.relative_to(folder)): content_of(path) for path in sorted(folder.rglob("*"))
            if path.is_file() and ".boxagnts" not in path.parts}


def wanted_tree(before, after):
    wanted = dict(before)
    for path, what in (after or {}).items():
        what = what if isinstance(what, dict) else {"content": what}
        wanted[path] = (what["content"].encode(), bool(what.get("mode", 0) & stat.S_IXUSR))
    return wanted


def asks_of(job, mode):
    return [ask for ask in job.get("asks", [])
            if mode in ask.get("in_modes", ("ask",) if ask["kind"] == "changes" else MODES)]


class Play:
    """One job in one mode, in a workspace of its own."""

    def __init__(self, case, job, mode):
        self.case, self.job, self.mode = case, job, mode
        self.asks = asks_of(job, mode)
        self.asked, self.events, self.session = 0, [], None

    def run(self):
        self.case.put(self.case.workspace, self.job.get("files"))
        self.case.put(self.case.outside, self.job.get("outside"))
        if "config" in self.job:
            self.case.put(self.case.root / "home/config/boxagnts", {"config.toml": self.job["config"]})
        before, before_outside = tree(self.case.workspace), tree(self.case.outside)
        for prompt in self.job["prompts"]:
            if self.mode in prompt.get("in_modes", MODES):
                self.play(prompt)
        self.compare_calls()
        self.compare_events()
        self.compare_files(self.case.workspace, before, self.job.get("after"))
        self.compare_files(self.case.outside, before_outside, self.job.get("outside_after"))
        want(self.asked == len(self.asks), f"{self.asked} questions, wanted {len(self.asks)}")
        check_history(self.case.history(self.session))

    def play(self, prompt):
        shortened = {"{shortened:" + result["call_id"] + "}": result["blob"] for result in self.results() if "blob" in result}
        model = self.case.model_file(filled(self.job["model"], shortened))
        events = self.by_command(prompt, model) if "pipe" in prompt else self.by_api(prompt, model)
        self.session = events[0]["session"]
        self.events += events
        want(events[-1]["kind"] == "run_ended" and events[-1]["outcome"] == "finished", f"it ended as {events[-1]}")
        texts = [event["block"]["text"] for event in events
                 if event["kind"] == "assistant_block" and event["block"]["type"] == "text"]
        want(texts[-1:] == [prompt["final"]], f"the answer is {texts[-1:]!r}, wanted {prompt['final']!r}")

    def by_command(self, prompt, model):
        begin = ["skill", "run", prompt["skill"]] if "skill" in prompt else ["run", prompt["say"]]
        done = self.case.call(*begin, "--json", "--model", model, "--mode", self.mode, stdin=prompt["pipe"].encode())
        want(done.code == 0, f"exit code {done.code}: {done.stderr}")
        events = events_of(done.stdout)
        asked = [event["question"] for event in events if event["kind"] == "approval_asked"]
        want(not asked, f"nobody can answer here, and it was asked {asked}")
        return events

    def by_api(self, prompt, model):
        with Served(self.case) as served:
            more = {"session": self.session} if self.session else {}
            run = served.start_run(prompt["say"], model, mode=self.mode, **more)
            events = []
            with served.events(after=0, session=run["session"]) as stream:
                for event in stream.events():
                    if event["run"] != run["run"]:
                        continue
                    events.append(event)
                    if event["kind"] == "approval_asked":
                        self.answer(served, run, event)
                    if event["kind"] == "run_ended":
                        break
            served.stop()
            return events

    def answer(self, served, run, question):
        want(self.asked < len(self.asks), f"a question too many: {question['question']}")
        ask = self.asks[self.asked]
        self.asked += 1
        told = f": {json.dumps(question)}"
        want(question["question_kind"] == ask["kind"] and ask["about"] in question["question"],
             f"wanted a question of {ask['kind']} about {ask['about']}{told}")
        if "covers" in ask:
            want(ask["covers"] in question.get("for_this_run", ""), f"for this run should cover {ask['covers']}{told}")
        if ask["answer"] == "for-this-run":
            want(question.get("for_this_run"), f"it cannot be answered for this run{told}")
        if "rule" in ask:
            want(question.get("always") == ask["rule"], f"always should write {ask['rule']}{told}")
        if "diff" in ask:
            diff = served.ask("GET", f"/api/v1/blobs/{question['blob']}").body.decode()
            want(ask["diff"] in diff, f"the diff is {diff!r}")
        reply = {key: ask[key] for key in ("answer", "text", "chosen") if key in ask}
        answered = served.ask("POST", f"/api/v1/runs/{run['run']}/answer", {"approval": question["approval"], **reply})
        want(answered.status == 202, f"answering: {answered.status} {answered.body[:300]}")

    def results(self):
        return [event["result"] for event in self.events if event["kind"] == "tool_finished"]

    def compare_calls(self):
        refused = self.job.get("refused", {})
        for result in self.results():
            status = refused.get(result["call_id"], "ok")
            want(result["status"] == status, f"{result['call_id']} is {result['status']}: {result['text'][:500]}")
        texts = {result["call_id"]: result["text"] for result in self.results()}
        for call, parts in self.job.get("results", {}).items():
            for part in parts:
                want(part in texts[call], f"the result of {call} lacks {part!r}: {texts[call][:1000]!r}")

    def compare_events(self):
        rest = iter(self.events)
        for wanted in self.job.get("events", []):
            want(any(holds(event, wanted) for event in rest),
                 f"there is no {wanted} where it should be: {[event['kind'] for event in self.events]}")

    def compare_files(self, folder, before, after):
        is_now, wanted = tree(folder), wanted_tree(before, after)
        for path in sorted(is_now.keys() | wanted.keys()):
            want(is_now.get(path) == wanted.get(path), f"{path} is {is_now.get(path)}, wanted {wanted.get(path)}")


def play(case, job):
    """All modes; returns their row of the table."""
    pages = Pages(job["pages"]) if "pages" in job else None
    counts = []
    try:
        for mode in MODES:
            own = Case(case.binary)
            try:
                words = {"{workspace}": str(own.workspace), "{outside}": str(own.outside), "{lines}": LINES}
                if pages:
                    words["{pages}"] = pages.origin
                played = Play(own, filled(job, words), mode)
                played.run()
                counts.append(f"{mode} {played.asked}")
            except Failure as why:
                raise Failure(f"in mode {mode}: {why}") from why
            finally:
                own.close()
    finally:
        if pages:
            pages.close()
    return "questions: " + ", ".join(counts)


def check(path, job):
    """What the suite promises of every job."""
    unknown = set(job) - KEYS
    asks = job.get("asks", [])
    changes = bool(job.get("after") or job.get("outside_after"))
    wrong = (f"unknown keys {sorted(unknown)}" if unknown else
             "more than one question" if any(len(asks_of(job, mode)) > 1 for mode in MODES) else
             "a question about changes where nothing changes" if not changes and [a for a in asks if a["kind"] == "changes"]
             else "")
    if wrong:
        raise SystemExit(f"{path}: {job['name']}: {wrong}")
    return job


def load():
    jobs = [check(path, job) for path in sorted((Path(__file__).parent / "jobs").glob("*.yaml"))
            for job in yaml.safe_load_all(path.read_text())]
    return [(f"jobs/{job['name']}", lambda case, job=job: play(case, job)) for job in jobs]


CASES = load()
