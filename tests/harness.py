"""A folder of its own for each case, the binary run in it, and what must hold of every session."""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

# Who starts us in the background has SIGINT ignored, and children inherit that: the program honours it.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

HANGS_AFTER_S = 120  # a run that takes longer has hung; nothing here measures time


class Failure(Exception):
    """What a case wanted and did not see."""


class Skip(Exception):
    """The machine cannot show this; the reason is printed."""


def want(condition, sentence):
    if not condition:
        raise Failure(sentence)


class Case:
    """A workspace, a folder beside it, configuration and state of its own."""

    def __init__(self, binary):
        self.binary = str(binary)
        self.root = Path(tempfile.mkdtemp(prefix="boxagnts-behaviour-")).resolve()
        self.workspace = self.root / "workspace"
        self.outside = self.root / "outside"
        for folder in (self.workspace, self.outside, self.root / "home"):
            folder.mkdir()

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, extra=None):
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.root / "home"), "LANG": "C.UTF-8",
            "TERM": "dumb", "XDG_CONFIG_HOME": str(self.root / "home/config"),
            "XDG_STATE_HOME": str(self.root / "home/state"), "XDG_CACHE_HOME": str(self.root / "home/cache"),
            "BOXAGNTS_UNATTENDED": "1",
            **(extra or {}),
        }

    def fill(self, value):
        """{workspace}, {outside}, {root} and {long} (5,000 characters) in every string of a value."""
        if isinstance(value, str):
            for name, text in (("workspace", str(self.workspace)), ("outside", str(self.outside)),
                               ("root", str(self.root)), ("long", "x" * 5000)):
                value = value.replace("{" + name + "}", text)
            return value
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        return value

    def put(self, folder, files):
        """{path: content, or {content, mode, link, fifo, folder, base64}} below a folder."""
        for path, what in (files or {}).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            what = what if isinstance(what, dict) else {"content": what}
            if "link" in what:
                target.symlink_to(self.fill(what["link"]))
                continue
            if what.get("fifo"):
                os.mkfifo(target)
            elif what.get("folder"):
                target.mkdir(exist_ok=True)
            elif "base64" in what:
                target.write_bytes(base64.b64decode(what["base64"]))
            else:
                target.write_bytes(self.fill(what["content"]).encode())
            if "mode" in what:
                target.chmod(what["mode"])

    def model_file(self, script, name="model"):
        """Writes a model's script beside the workspace; returns what --model takes."""
        path = self.root / f"{name}.yaml"
        path.write_text(yaml.dump(self.fill(script), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
                                  allow_unicode=True, sort_keys=False))
        return f"scripted/{path}"

    def start(self, arguments, environment=None, prefix=(), **more):
        """In a session of its own: without a controlling terminal nobody is asked."""
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([*prefix, self.binary, *arguments], cwd=more.pop("cwd", self.workspace),
                                env=self.environment(environment), start_new_session=True, **more)

    def call(self, *arguments, stdin=None, environment=None, prefix=(), cwd=None):
        """Runs to the end."""
        process = self.start(arguments, environment, prefix, cwd=cwd or self.workspace,
                             stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout=HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure(f"hung: boxagnts {' '.join(arguments)[:200]}") from None
        return Done(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def run(self, prompt, model, *flags, mode="edits", **more):
        """`boxagnts run --json`, its events checked as far as they go."""
        chosen = ["--mode", mode] if mode else []  # none: the configuration's
        done = self.call("run", prompt, "--json", "--model", model, *chosen, *flags, **more)
        done.events = events_of(done.stdout)
        return done

    def sessions(self):
        done = self.call("session", "list", "--json")
        want(done.code == 0, f"session list: exit code {done.code}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def history(self, session):
        done = self.call("session", "show", session, "--json")
        want(done.code == 0, f"session show: exit code {done.code}: {done.stderr}")
        return events_of(done.stdout)


class Done:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        self.events = []

    def ended(self):
        """The run's own last event."""
        ends = [event for event in self.events if event["kind"] == "run_ended" and "of" not in event]
        want(ends, f"there is no run_ended; exit code {self.code}, stderr: {self.stderr[-500:]}")
        return ends[-1]

    def session(self):
        want(self.events, f"there is no event; exit code {self.code}, stderr: {self.stderr[-500:]}")
        return self.events[0]["session"]

    def results(self):
        return results_of(self.events)


def events_of(text, whole_lines_only=False):
    """The events of --json output, without frames. The last line of a killed process may be cut."""
    lines = text.split("\n")
    cut = lines.pop()
    want(whole_lines_only or not cut, f"the output ends in the middle of a line: {cut[-200:]}")
    events = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            raise Failure(f"no JSON on standard output: {line[:200]}") from None
        if not value.get("frame"):
            events.append(value)
    return events


def calls_of(events):
    return [event["block"] for event in events
            if event["kind"] == "assistant_block" and event["block"]["type"] == "tool_call"]


def results_of(events):
    """{call id: result}"""
    return {event["result"]["call_id"]: event["result"]
            for event in events if event["kind"] == "tool_finished"}


def check_history(events):
    """What holds of every session once its run has ended: no gaps, one result a call, one end a run."""
    numbers = [event["number"] for event in events]
    want(numbers == list(range(1, len(events) + 1)), f"event numbers have gaps: {numbers}")
    positions = [event["position"] for event in events]
    want(positions == sorted(set(positions)), f"event positions do not rise: {positions}")
    calls = sorted(call["id"] for call in calls_of(events))
    results = sorted(event["result"]["call_id"] for event in events if event["kind"] == "tool_finished")
    want(calls == results, f"calls {calls} have the results {results}")
    started = [event["run"] for event in events if event["kind"] == "run_started"]
    ended = [event.get("of") or event["run"] for event in events if event["kind"] == "run_ended"]
    want(len(set(started)) == len(started) and len(set(ended)) == len(ended), f"runs {started}, ends {ended}")
    want(set(started) <= set(ended), f"runs {started} ended as {ended}")
    # One that was killed between taking the session and its first event has an end and no start.
    closed_later = {event["of"] for event in events if event["kind"] == "run_ended" and "of" in event}
    want(set(ended) - set(started) <= closed_later, f"runs {started} ended as {ended}")
    # What nobody waits for, or waited for in a run that was killed, may stand open.
    asked = {event["approval"]: event for event in events if event["kind"] == "approval_asked"}
    answered = [event["approval"] for event in events if event["kind"] == "approval_answered"]
    want(len(set(answered)) == len(answered) and set(answered) <= set(asked), f"{asked} are answered by {answered}")
    stood = {one for one, event in asked.items() if event["waits"] and event["run"] not in closed_later}
    want(stood <= set(answered), f"the questions {stood} have the answers {answered}")
    kept = [event["changes"] for event in events if event["kind"] == "changes_kept"]
    settled = {event["changes"] for event in events if event["kind"] == "changes_settled"}
    open_sets = {event["changes"] for one, event in asked.items() if one not in answered}
    killed = {event["changes"] for event in events if event["kind"] == "changes_kept" and event["run"] in closed_later}
    want(set(kept) <= settled | open_sets | killed, f"kept {kept}, settled {settled}, asked about {open_sets}")


def wait_for_line(process, wanted, lines):
    """Reads standard output, line by line into `lines`, up to the first line that `wanted` likes."""
    while line := process.stdout.readline():
        lines.append(line.decode())
        if wanted(json.loads(line)):
            return json.loads(line)
    raise Failure(f"the output ended before what was waited for: {process.stderr.read().decode()[-500:]}")


def finish(process, lines):
    """The rest of a started run, as a Done."""
    begun = time.monotonic()
    try:
        out, err = process.communicate(timeout=HANGS_AFTER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failure(f"hung for {time.monotonic() - begun:.0f} s") from None
    done = Done(process.returncode, "".join(lines) + out.decode(), err.decode())
    done.events = events_of(done.stdout)
    return done


def mini_job():
    """The small job that the stream and kill drivers play."""
    return yaml.safe_load((Path(__file__).parent / "scripts/mini_job.model.yaml").read_text())


MINI_PROJECT = {
    "src/main.c": "int main(void) {\n  return 0;\n}\n",
    "src/names.txt": "Zoë\nŁukasz\n李雷\n🦀 crab\n",
    "README.md": "# Mini\n\nA project of three files.\n",
}


def put_mini_project(case):
    """With times that order the newest-first list the same way everywhere."""
    case.put(case.workspace, MINI_PROJECT)
    for age, path in enumerate(MINI_PROJECT):
        os.utime(case.workspace / path, (1_700_000_000 - age, 1_700_000_000 - age))
