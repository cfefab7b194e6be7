"""Cases that are data: every document of tests/scripts/*.yaml (model scripts, *.model.yaml, aside).

  name        unique
  files       the workspace: {path: content, or {content, mode, link, fifo, folder, base64}}
  outside     the same beside the workspace
  config, workspace_config   TOML
  model       a model's script (src/models/scripted.h); or model_name, taken as it is
  steps       a list of
      run: PROMPT, or call: [argument …]
      flags, mode, stdin, env                    how; mode: null = the configuration's
      exit, outcome, error                       what comes of it; error is part of run_ended's sentence
      stdout, stderr: {contains, lacks, matches} each a string or a list
      session: stdout                            what it printed is the session from here on
      kinds                                      kinds of events that follow one another, others between
      results: {CALL_ID: {status, contains, lacks}}
  after, outside_after   {path: content, null (absent), {contains: …}, or {link: …}}

{workspace} {outside} {root} {long} {session} stand for what they say. Each run's whole history must pass
harness.check_history.
"""
import os
import re
from pathlib import Path

import yaml

from harness import check_history, want

KEYS = {"name", "why", "files", "outside", "config", "workspace_config", "model", "model_name", "steps",
        "after", "outside_after"}
STEP_KEYS = {"run", "call", "flags", "mode", "stdin", "env", "exit", "outcome", "error", "stdout",
             "stderr", "kinds", "results", "model_name", "cwd", "session"}


def load():
    """[(name, function of a Case)]"""
    cases = []
    for path in sorted((Path(__file__).parent / "scripts").glob("*.yaml")):
        if not path.name.endswith(".model.yaml"):
            for document in yaml.safe_load_all(path.read_text()):
                name = f"{path.stem}/{document['name']}"
                unknown = set(document) - KEYS | {k for s in document["steps"] for k in set(s) - STEP_KEYS}
                if unknown:
                    raise SystemExit(f"{path}: {name}: unknown keys {sorted(unknown)}")
                cases.append((name, lambda case, document=document: play(case, document)))
    return cases


def play(case, document):
    case.put(case.outside, document.get("outside"))
    case.put(case.workspace, document.get("files"))
    if "config" in document:
        case.put(case.root / "home/config/boxagnts", {"config.toml": document["config"]})
    if "workspace_config" in document:
        case.put(case.workspace / ".boxagnts", {"config.toml": document["workspace_config"]})
    model = document.get("model_name") or case.model_file(document.get("model", {"turns": [{"say": "ok"}]}))
    session = ""
    for step in document["steps"]:
        step = with_session(case.fill(step), session)
        done = play_step(case, step, step.get("model_name", model))
        if done.events:
            session = done.session()
            check_history(case.history(session))
        compare(done, step)
        if step.get("session") == "stdout":
            session = done.stdout.strip()
    compare_files(case, case.workspace, document.get("after"))
    compare_files(case, case.outside, document.get("outside_after"))


def with_session(value, session):
    if isinstance(value, str):
        return value.replace("{session}", session)
    if isinstance(value, list):
        return [with_session(item, session) for item in value]
    return value if not isinstance(value, dict) else {k: with_session(v, session) for k, v in value.items()}


def play_step(case, step, model):
    stdin = step["stdin"].encode() if "stdin" in step else None
    more = {"stdin": stdin, "environment": step.get("env")}
    if "call" in step:
        return case.call(*map(str, step["call"]), cwd=step.get("cwd"), **more)
    return case.run(step["run"], model, *map(str, step.get("flags", [])), mode=step.get("mode", "edits"), **more)


def compare(done, step):
    told = f"; stdout: {done.stdout[-600:]!r}, stderr: {done.stderr[-600:]!r}"
    want(done.code == step.get("exit", 0), f"exit code {done.code}, wanted {step.get('exit', 0)}{told}")
    compare_text("standard output", done.stdout, step.get("stdout"))
    compare_text("standard error", done.stderr, step.get("stderr"))
    # One sentence for a person, wherever something was refused before a run began.
    if step.get("exit", 0) not in (0,) and not done.events and not done.stdout:
        want(re.fullmatch(r"boxagnts: [^\n]+\n", done.stderr), f"not one sentence: {done.stderr!r}")
    if "outcome" in step:
        want(done.ended()["outcome"] == step["outcome"], f"the run ended as {done.ended()}")
    if "error" in step:
        compare_text("the run's error", done.ended().get("error", {}).get("message", ""), {"contains": step["error"]})
    kinds = [event["kind"] for event in done.events]
    rest = iter(kinds)
    for kind in step.get("kinds", []):
        want(kind in rest, f"{kind} is missing, or not in this order: {kinds}")
    for call, wanted in step.get("results", {}).items():
        result = done.results().get(call)
        want(result is not None, f"there is no result of the call {call}: {sorted(done.results())}")
        allowed = wanted["status"] if isinstance(wanted["status"], list) else [wanted["status"]]
        want(result["status"] in allowed, f"{call} is {result['status']}, wanted {allowed}: {result['text'][:300]}")
        compare_text(f"the result of {call}", result["text"], wanted)


def listed(value):
    return value if isinstance(value, list) else [value]


def compare_text(what, text, wanted):
    wanted = wanted or {}
    for part in listed(wanted.get("contains", [])):
        want(part in text, f"{what} lacks {part!r}: {text[-1500:]!r}")
    for part in listed(wanted.get("lacks", [])):
        want(part not in text, f"{what} contains {part!r}: {text[-1500:]!r}")
    for pattern in listed(wanted.get("matches", [])):
        want(re.search(pattern, text, re.M), f"{what} does not match {pattern!r}: {text[-1500:]!r}")


def compare_files(case, folder, files):
    for path, wanted in (files or {}).items():
        target = folder / path
        wanted = case.fill(wanted)
        if wanted is None:
            want(not os.path.lexists(target), f"{target} is there")
            continue
        if isinstance(wanted, dict) and "link" in wanted:
            want(target.is_symlink() and os.readlink(target) == wanted["link"], f"{target} is no such link")
            continue
        want(target.is_file(), f"{target} is missing")
        content = target.read_bytes().decode("utf-8", "replace")
        if isinstance(wanted, dict):
            compare_text(path, content, wanted)
        else:
            want(content == wanted, f"{path} holds {content[:500]!r}")
