"""Ctrl-C inside a tool, a stream and a stall: the run ends as cancelled, every call has its result, and the
session goes on. And the limit of time, which ends a call in the same way."""
import json
import signal

from harness import calls_of, check_history, finish, wait_for_line, want

# Work for seconds without a file of gigabytes: many long names, each matched against 250 costly patterns.
FILES = 4000
SLOW_PATTERN = "**/{" + ",".join(f"*a*b*c*{n}*d*e*" for n in range(250)) + "}"


def start(case, *turns):
    model = case.model_file({"turns": list(turns)})
    return case.start(["run", "Go.", "--json", "--model", model, "--mode", "edits"])


def check_cancelled(case, done):
    want(done.code == 130, f"exit code {done.code}, wanted 130: {done.stderr}")
    want(done.ended()["outcome"] == "cancelled", f"the run ended as {done.ended()}")
    session = done.session()
    check_history(case.history(session))
    after = case.run("Go on.", case.model_file({"turns": [{"say": "on we go"}]}), "--session", session)
    want(after.code == 0, f"going on ended with {after.code}: {after.stderr}")
    check_history(case.history(session))


def make_many_files(case):
    for number in range(FILES):
        folder = case.workspace / f"folder{number % 40}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}{'abc' * 80}").touch()


def limit_of_time(case):
    make_many_files(case)
    done = case.call("tool", "run", "glob", json.dumps({"pattern": SLOW_PATTERN}), "--timeout", "0.02")
    want(done.code == 1, f"exit code {done.code}, wanted 1: {done.stdout[-300:]}{done.stderr}")
    want("wasm_timeout" in done.stdout and "20 ms" in done.stdout, f"the limit is not named: {done.stdout[-300:]}")


def inside_a_tool(case):
    make_many_files(case)
    process = start(case, {"calls": [
        {"tool": "glob", "id": "slow", "arguments": {"pattern": SLOW_PATTERN}},
        {"tool": "write", "id": "next", "arguments": {"file_path": "next.txt", "content": "x"}}]})
    lines = []
    wait_for_line(process, lambda line: line["kind"] == "tool_begun", lines)
    process.send_signal(signal.SIGINT)
    done = finish(process, lines)
    check_cancelled(case, done)
    want(len(calls_of(done.events)) == 2, "the two calls are not in the log")
    statuses = {call: result["status"] for call, result in done.results().items()}
    want(statuses["slow"] == "cancelled", f"the call that ran is {statuses}: make the tool's work longer")
    want(statuses["next"] == "cancelled", f"the call that had not begun is {statuses}")
    want(not (case.workspace / "next.txt").exists(), "a call began after the cancel")


def inside_a_stream(case):
    process = start(case, {"say": "word " * 20_000, "pace_ms": 20})  # minutes, if it is not stopped
    lines = []
    wait_for_line(process, lambda line: line["kind"] == "text_delta", lines)
    process.send_signal(signal.SIGINT)
    done = finish(process, lines)
    check_cancelled(case, done)
    said = [event["block"]["text"] for event in done.events if event["kind"] == "assistant_block"]
    want(len(said) == 1 and said[0].startswith("word word "[:len(said[0])]), f"what was said is not kept: {said}")
    reasons = [event["reason"] for event in done.events if event["kind"] == "turn_ended"]
    want(reasons == ["cancelled"], f"half an answer counts as a whole one: {reasons}")


def inside_a_stall(case):
    process = start(case, {"say": "late", "faults": ["stall"] * 9})
    lines = []
    wait_for_line(process, lambda line: line["kind"] == "user_message", lines)
    process.send_signal(signal.SIGTERM)
    done = finish(process, lines)
    check_cancelled(case, done)
    kinds = [event["kind"] for event in done.events]
    want("assistant_block" not in kinds, f"something was said: {kinds}")


CASES = [("cancel/inside a tool", inside_a_tool), ("cancel/inside a stream", inside_a_stream),
         ("cancel/inside a stall", inside_a_stall), ("cancel/by the limit of time", limit_of_time)]
