"""Tools of people's own: built as docs/tools.md says, put into folders, changed, broken and removed while a server
and runs are there; and what a stranger's program gets at, whatever its manifest says."""
import functools
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import Failure, check_history, results_of, want
from server_client import Served

TESTS = Path(__file__).resolve().parent
EXAMPLE = TESTS.parent / "guests/examples/word_count"
_compiling = threading.Lock()


@functools.cache
def _compiled(source):
    with tempfile.TemporaryDirectory(prefix="boxagnts-tool-") as folder:
        out = Path(folder) / "out.wasm"
        # -nostdlibinc and -isystem: the test's machine may have other headers for the host.
        subprocess.run(["clang-22", "--target=wasm32-wasi", "-Wno-deprecated", "-nostdlibinc", "-isystem",
                        "/usr/include/wasm32-wasi", "-O2", "-s", "-o", str(out), str(source)], check=True)
        return out.read_bytes()


def compiled(source):
    with _compiling:
        return _compiled(source)


def number(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def with_manifest(wasm, manifest):
    name = b"boxagnts.tool"
    content = number(len(name)) + name + (manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode())
    return wasm + b"\0" + number(len(content)) + content


def spy(name="spy", level="write", **more):
    """The stranger's module, with what it says of itself."""
    return with_manifest(compiled(TESTS / "guests/spy.c"), {
        "contract": "boxagnts:tool/1", "name": name, "version": "1", "description": "Looks around.",
        "permission_level": level, "output": "text", "input_schema": {"type": "object"}, **more})


def word_count(name="word_count"):
    manifest = json.loads((EXAMPLE / "tool.json").read_text())
    return with_manifest(compiled(EXAMPLE / "word_count.c"), {**manifest, "name": name})


def user_folder(case):
    return case.root / "home/config/boxagnts/tools"


def own_folder(case):
    return case.workspace / ".boxagnts/tools"


def install(case, folder, name, content):
    """Whole, by rename, as an installer does."""
    folder.mkdir(parents=True, exist_ok=True)
    made = case.root / "made.wasm"
    made.write_bytes(content)
    made.rename(folder / name)


def listed(case):
    done = case.call("tool", "list", "--json")
    want(done.code == 0, f"tool list: {done.code} {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def only(tools, name):
    found = [tool for tool in tools if tool["name"] == name]
    want(len(found) == 1, f"{name}: {found}")
    return found[0]


def the_example_as_documented(case):
    """The commands of docs/tools.md, as they stand there."""
    text = (TESTS.parent / "docs/tools.md").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    build = [line for line in commands if line.startswith(("clang-22", "mkdir", "llvm-objcopy"))]
    want(len(build) == 3, f"the documented commands are {build}")
    script = "set -e\n" + "\n".join(build).replace("~/.config", "$XDG_CONFIG_HOME")
    folder = shutil.copytree(EXAMPLE, case.root / "example")
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=case.environment(), capture_output=True, text=True)
    want(done.returncode == 0, f"building: {done.stderr}")
    case.put(case.workspace, {"a.txt": "one two\nthree\n"})
    shown = case.call("tool", "show", "word_count")
    want(shown.code == 0 and "It reads files in" in shown.stdout and "It has no network" in shown.stdout,
         f"shown: {shown.stdout} {shown.stderr}")
    ran = case.call("tool", "run", "word_count", '{"file_path": "a.txt"}')
    want(ran.code == 0 and ran.stdout == "3 words, 2 lines\n", f"ran: {ran.code} {ran.stdout!r} {ran.stderr!r}")
    model = case.model_file({"turns": [
        {"calls": [{"tool": "word_count", "id": "one", "arguments": {"file_path": "a.txt"}},
                   {"tool": "word_count", "id": "two", "arguments": {"path": "a.txt"}}]}, {"say": "Done."}]})
    done = case.run("Count.", model, mode="plan")
    check_history(done.events)
    results = done.results()
    want(results["one"]["text"] == "3 words, 2 lines\n", f"{results['one']}")
    want(results["two"]["status"] == "invalid", f"{results['two']}")


def what_cannot_be_used_says_why(case):
    folder = user_folder(case)
    install(case, folder, "a.wasm", b"\0asm\x0d\0\1\0")
    install(case, folder, "b.wasm", compiled(EXAMPLE / "word_count.c"))
    install(case, folder, "c.wasm", with_manifest(compiled(EXAMPLE / "word_count.c"), b'{"name": "c"'))
    install(case, folder, "d.wasm", spy("read"))
    install(case, folder, "e.wasm", spy("no_code")[:8] + b"\1\3\xff\xff\xff" + with_manifest(b"", {
        **json.loads((EXAMPLE / "tool.json").read_text()), "name": "no_code"}))
    install(case, folder, "good.wasm", word_count())
    os.mkfifo(folder / "f.wasm")
    (folder / "g.wasm").symlink_to("/dev/zero")
    with open(folder / "h.wasm", "wb") as huge:
        huge.truncate(10 << 30)
    tools = listed(case)
    for path, why in {"a": "components are not supported", "b": "no section boxagnts.tool", "c": "no JSON",
                      "d": "the built-in tool read", "e": "cannot be used", "f": "no plain file",
                      "g": "no plain file", "h": "larger than"}.items():
        found = [tool for tool in tools if tool.get("path") == str(folder / f"{path}.wasm")]
        want(len(found) == 1 and found[0]["state"] == "broken" and why in found[0]["reason"], f"{path}: {found}")
    want(only(tools, "word_count")["state"] == "ready", "the good one suffers")
    text = case.call("tool", "list").stdout
    want(text.count("broken: ") == 8, text)
    ran = case.call("tool", "run", "a", "{}")
    want(ran.code != 0 and "components are not supported" in ran.stderr, f"{ran.code} {ran.stderr}")
    shown = case.call("tool", "show", "b")
    want(shown.code == 0 and "Broken: " in shown.stdout, f"{shown.code} {shown.stdout}")
    # The built-in one is what it was, and a run sees none of the others.
    case.put(case.workspace, {"x": "here\n"})
    want("here" in case.call("tool", "run", "read", '{"file_path": "x"}').stdout, "read is another's")
    model = case.model_file({"turns": [
        {"calls": [{"tool": "no_code", "id": "one", "arguments": {"file_path": "x"}},
                   {"tool": "a", "id": "two", "arguments": {}}]}, {"say": "ok"}]})
    results = case.run("Try.", model).results()
    for name in ("one", "two"):
        want(results[name]["status"] == "invalid" and "no tool" in results[name]["text"], f"{results}")


def a_workspace_is_trusted_first(case):
    install(case, own_folder(case), "ours.wasm", spy("ours", "none"))
    install(case, user_folder(case), "mine.wasm", spy("mine", "none"))
    tools = listed(case)
    want(only(tools, "ours")["state"] == "broken" and "trust" in only(tools, "ours")["reason"], f"{tools[-1]}")
    want(only(tools, "mine")["state"] == "ready", "mine is not there")
    want(case.call("tool", "run", "ours", "{}").code != 0, "it ran untrusted")
    want(case.call("trust", "yes").code == 0, "trust yes")
    install(case, own_folder(case), "mine_too.wasm", spy("mine", "none"))
    tools = listed(case)
    want(only(tools, "ours")["origin"] == "workspace" and only(tools, "ours")["state"] == "ready", f"{tools[-1]}")
    shadows = [tool for tool in tools if tool["name"] == "mine"]
    want([tool["state"] for tool in shadows] == ["ready", "broken"], f"{shadows}")
    want(str(user_folder(case) / "mine.wasm") in shadows[1]["reason"], shadows[1]["reason"])
    want(case.call("tool", "run", "ours", "{}").code == 0, "it does not run trusted")


def what_a_stranger_gets_at(case):
    """Level by level: what it claims is all it gets, and never what nobody may see."""
    case.put(case.root / "home/config/boxagnts", {
        "config.toml": '[sandbox]\nenv_vars = ["WANTED=w", "OTHER=o"]\n'})
    case.put(case.workspace, {"plain.txt": "plain", ".env": "KEY=secret"})
    for level in ("none", "read-only", "write", "execute"):
        install(case, user_folder(case), "spy.wasm", spy(level=level, environment=["WANTED"]))
        model = case.model_file({"turns": [{"calls": [{"tool": "spy", "id": "one", "arguments": {}}]},
                                           {"say": "ok"}]})
        for mode, applied in (("plan", False), ("ask", False), ("edits", False), ("autonomous", True)):
            done = case.run("Look around.", model, mode=mode)
            check_history(done.events)
            result = done.results()["one"]
            writes = level in ("write", "execute") and mode != "plan"
            kept = [event for event in done.events if event["kind"] == "changes_kept"]
            want(bool(kept) == writes, f"{level} in {mode}: {len(kept)} change sets, {result}")
            asked = [event for event in done.events if event["kind"] == "approval_asked"]
            want(bool(asked) == (writes and not applied), f"{level} in {mode}: asked {asked}")
            made = case.workspace / "made.txt"
            want(made.exists() == (writes and applied), f"{level} in {mode}: applied {made.exists()}")
            made.unlink(missing_ok=True)
            if writes and not applied:
                continue  # the person, who is not there, is told; the model is not told what it printed
            lines = result["text"].splitlines()
            want(("plain.txt: yes" in lines) == (level != "none"), f"{level} in {mode}: {lines}")
            want("/tmp/own: yes" in lines, f"{level} in {mode}: {lines}")
            want("WANTED=w OTHER=" in lines, f"{level} in {mode}: {lines}")
            for never in (".env: yes", "/etc/passwd: yes", ".boxagnts: yes"):
                want(never not in lines, f"{level} in {mode}: {never}")
            want("secret" not in result["text"], f"{level} in {mode}: {result['text']}")


def one_without_a_manifest_is_asked(case):
    """With nothing in its hands; then it takes a command line, as a stranger's."""
    case.put(case.workspace, {"plain.txt": "plain", ".env": "KEY=secret"})
    install(case, user_folder(case), "Old-Spy.wasm", compiled(TESTS / "guests/spy.c"))
    tool = only(listed(case), "old_spy")
    want(tool["state"] == "ready" and tool["level"] == "execute", f"{tool}")
    said = tool["description"].splitlines()
    want("--help" in said, f"{said}")
    want(not [line for line in said if line.endswith(": yes")] and "WANTED= OTHER=" in said, f"{said}")
    want(not (case.workspace / "made.txt").exists(), "it wrote when it was asked")
    ran = case.call("tool", "run", "old_spy", json.dumps({"options": {"be_quick": True, "n": 3}, "arguments": ["x y"]}))
    lines = ran.stdout.splitlines()
    want(ran.code == 0 and lines[0] == "--be-quick --n=3 x y", f"{ran.stdout} {ran.stderr}")
    want("plain.txt: yes" in lines and "made.txt: yes" in lines, f"{lines}")
    want(".env: yes" not in lines and "secret" not in ran.stdout, f"{lines}")
    refused = case.call("tool", "run", "old_spy", '{"options": {"a": {}}}')
    want(refused.code != 0, f"{refused.stdout}")


def told(messages, name):
    for shown, data in messages:
        if shown == name:
            return data
    raise Failure(f"the stream ended without {name}")


def a_server_sees_them_come_and_go(case):
    with Served(case) as served, served.events() as stream:
        messages = stream.messages()

        def until(name, state):
            """The tool, once it is so; each time that the list changed it is fetched again."""
            while True:
                tools = served.ask("GET", "/api/v1/tools").json()["tools"]
                found = [tool for tool in tools if tool["name"] == name]
                if (found[0]["state"] if found else None) == state:
                    return found[0] if found else None
                want(told(messages, "tools") == {}, "the message has content")

        want(until("spy", None) is None, "it is there already")
        install(case, user_folder(case), "spy.wasm", spy())
        tool = until("spy", "ready")
        want(tool["origin"] == "user" and tool["kind"] == "guest" and tool["level"] == "execute", f"{tool}")
        want(any("reads and writes" in line for line in tool["grant"]) and tool["limits"], f"{tool}")
        ran = served.ask("POST", "/api/v1/tools/spy/run", {"arguments": {}}).json()
        want(ran["status"] == "ok" and "made.txt: yes" in ran["text"], f"{ran}")
        change = ran["changes"]["files"][0]
        want(change["path"] == str(case.workspace / "made.txt") and change["kind"] == "added", f"{ran}")
        want("+made" in ran["changes"]["diff"], ran["changes"]["diff"])

        install(case, user_folder(case), "spy.wasm", b"nothing")
        # Its name is the file's now, by chance the same.
        want("no WebAssembly" in until("spy", "broken")["reason"], "the reason")
        want(served.ask("POST", "/api/v1/tools/spy/run", {"arguments": {}}).status == 409, "it runs broken")
        want(served.ask("GET", "/api/v1/tools/spy").json()["state"] == "broken", "shown")
        install(case, user_folder(case), "spy.wasm", spy())
        until("spy", "ready")
        (user_folder(case) / "spy.wasm").unlink()
        until("spy", None)
        want(served.ask("POST", "/api/v1/tools/spy/run", {"arguments": {}}).status == 404, "it runs removed")
        served.stop()


def a_run_keeps_the_tools_it_began_with(case):
    """While a question waits, one tool is removed and another becomes something else."""
    case.put(case.workspace, {"a.txt": "one two\n"})
    install(case, user_folder(case), "gone.wasm", word_count("gone"))
    install(case, user_folder(case), "other.wasm", word_count("other"))
    calls = [{"tool": name, "id": name, "arguments": {"file_path": "a.txt"}} for name in ("gone", "other")]
    model = case.model_file({"turns": [
        {"calls": [{"tool": "write", "id": "w", "arguments": {"file_path": "b.txt", "content": "b"}}]},
        {"calls": calls}, {"say": "Done."}]})
    again = case.model_file({"turns": [{"calls": calls}, {"say": "Done."}]}, "again")
    with Served(case) as served:
        with served.events() as stream:
            started = served.start_run("Count.", model, mode="ask")
            for event in stream.events():
                if event["kind"] == "approval_asked":
                    (user_folder(case) / "gone.wasm").unlink()
                    install(case, user_folder(case), "other.wasm", spy("other", "none"))
                    served.ask("GET", "/api/v1/tools")
                    served.ask("POST", f"/api/v1/runs/{started['run']}/answer",
                               {"approval": event["approval"], "answer": "yes"})
                if event["kind"] == "run_ended":
                    break
        results = results_of(served.history(started["session"]))
        for name in ("gone", "other"):
            want(results[name]["text"] == "2 words, 1 lines\n", f"{name}: {results[name]}")
        with served.events() as stream:
            second = served.start_run("Again.", again)
            stream.until_end(second["run"])
        results = results_of(served.history(second["session"]))
        want(results["gone"]["status"] == "invalid", f"{results['gone']}")
        want("made.txt: " in results["other"]["text"], f"{results['other']}")
        served.stop()


CASES = [
    ("tools folder/the example as documented", the_example_as_documented),
    ("tools folder/what cannot be used says why", what_cannot_be_used_says_why),
    ("tools folder/a workspace is trusted first", a_workspace_is_trusted_first),
    ("tools folder/what a stranger gets at", what_a_stranger_gets_at),
    ("tools folder/one without a manifest is asked", one_without_a_manifest_is_asked),
    ("tools folder/a server sees them come and go", a_server_sees_them_come_and_go),
    ("tools folder/a run keeps the tools it began with", a_run_keeps_the_tools_it_began_with),
]
