"""What a person arranges through the server: settings, models and their keys, rules, trust, AGENTS.md, skills; and the
demo. Each against the real binary; models' servers are small ones of this file, on loopback."""
import contextlib
import json
import os
import stat
import threading

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import want
from server_client import Served

OK = {"turns": [{"say": "Done."}]}
WRITES = {"turns": [{"calls": [{"tool": "write", "id": "w", "arguments": {"file_path": "a.txt", "content": "a\n"}}]},
                    {"say": "Done."}]}
KEY = "sk-secret-0123456789abcdef"


def own_file(case, name="settings.toml"):
    return case.root / "home/config/boxagnts" / name


def put(case, name, text):
    path = own_file(case, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def good(answer, status=200):
    want(answer.status == status, f"{answer.status}, wanted {status}: {answer.body[:500]}")
    return answer.json()


def refused(answer, status, *parts):
    want(answer.status == status, f"{answer.status}, wanted {status}: {answer.body[:500]}")
    message = answer.error()["message"]
    for part in parts:
        want(part in message, f"{part!r} is not in {message!r}")
    return message


def settings(served):
    return {one["key"]: one for one in good(served.ask("GET", "/api/v1/settings"))["settings"]}


def run_to_end(served, body, answer=None):
    """The events of a run; every question gets `answer`."""
    with served.events() as stream:
        started = good(served.ask("POST", "/api/v1/runs", body), 201)
        events = []
        for event in stream.events():
            events.append(event)
            if event["kind"] == "approval_asked" and answer:
                path = f"/api/v1/runs/{started['run']}/answer"
                good(served.ask("POST", path, {"approval": event["approval"], "answer": answer}), 202)
            if event["kind"] == "run_ended":
                return events


# --- settings ------------------------------------------------------------------------------------------


def a_change_is_written_and_holds_for_the_next_run(case):
    with Served(case) as served:
        before = settings(served)
        want(before["agent.mode"]["value"] == "ask" and before["agent.mode"]["from"] == "default", f"{before}")
        want(all(one["writable"] and one["title"] and one["help"] for one in before.values()), "a setting without words")
        changed = good(served.ask("PATCH", "/api/v1/settings", {"agent.mode": "edits", "limits.wasm_timeout": 7}))
        path = str(own_file(case))
        want(changed["wrote"] == f"{path}:3", f"wrote {changed['wrote']}")
        want([one["from"] for one in changed["settings"]] == [f"{path}:3", f"{path}:5"], f"{changed}")
        want(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others can read it")
        events = run_to_end(served, {"prompt": "Write.", "model": case.model_file(WRITES)})
        want(not any(event["kind"] == "approval_asked" for event in events), "mode edits asked")
        want(events[0]["mode"] == "edits" and (case.workspace / "a.txt").exists(), f"{events[0]}")
        good(served.ask("PATCH", "/api/v1/settings", {"agent.mode": None, "limits.wasm_timeout": None}))
        after = settings(served)
        want(after == before, "taking it back left something")
        served.stop()
    with Served(case) as served:  # what was written can be read
        good(served.ask("PATCH", "/api/v1/settings", {"appearance.theme": "dark"}))
        served.stop()
    with Served(case) as served:
        want(settings(served)["appearance.theme"]["value"] == "dark", "it did not last")
        served.stop()


def every_layer_says_where_it_stands(case):
    put(case, "config.toml", '[model]\ndefault = "ollama/config"\n[limits]\nwasm_timeout = 20\nwasm_fuel = 900\n'
        '[network]\nallowed_outbound_hosts = ["https://config.example"]\nblock_networks = ["10.0.0.0/8"]\n')
    put(case, "settings.toml", '[limits]\nwasm_timeout = 25\n[network]\n'
        'allowed_outbound_hosts = ["https://own.example"]\n')
    own, config = own_file(case), own_file(case, "config.toml")
    case.put(case.workspace, {".boxagnts/config.toml": '[limits]\nwasm_timeout = 10\nwasm_fuel = 5000\n[network]\n'
                              'block_networks = ["192.168.0.0/16"]\n[agent]\nmode = "plan"\n'})
    place = f"{case.workspace}/.boxagnts/config.toml"
    with Served(case, "--offline") as served:
        shown = settings(served)

        def holds(key, value, origin, **more):
            one = shown[key]
            want((one["value"], one["from"]) == (value, origin), f"{key}: {one}")
            for name, wanted in more.items():
                want(one.get(name) == wanted, f"{key}.{name}: {one}")

        holds("limits.wasm_timeout", 10, f"{place}:2", writable=True,
              shadowed=[{"value": 25, "from": f"{own}:2"}, {"value": 20, "from": f"{config}:4"}])
        holds("limits.wasm_fuel", 900, f"{config}:5", shadowed=[{"value": 5000, "from": f"{place}:3"}])
        holds("agent.mode", "plan", f"{place}:7")
        holds("network.allowed_outbound_hosts", ["https://own.example"], f"{own}:4",
              shadowed=[{"value": ["https://config.example"], "from": f"{config}:7"}])
        holds("network.block_networks", ["10.0.0.0/8"], f"{config}:8",
              added=[{"value": ["192.168.0.0/16"], "from": f"{place}:5"}])
        holds("network.offline", True, "flag --offline", writable=False)
        holds("model.default", "ollama/config", f"{config}:2")
        refused(served.ask("PATCH", "/api/v1/settings", {"network.offline": False}), 409, "flag --offline")
        good(served.ask("PATCH", "/api/v1/settings", {"network.offline": None}))  # what is not there may be taken out
        served.stop()
    with Served(case, "--model", "ollama/flag", environment={"BOXAGNTS_MODEL": "ollama/environment"}) as served:
        one = settings(served)["model.default"]
        want((one["value"], one["from"]) == ("ollama/flag", "flag --model"), f"{one}")
        want([other["from"] for other in one["shadowed"]] == ["environment BOXAGNTS_MODEL", f"{config}:2"], f"{one}")
        served.stop()
    with Served(case, environment={"BOXAGNTS_MODEL": "ollama/environment"}) as served:
        one = settings(served)["model.default"]
        want((one["value"], one["from"]) == ("ollama/environment", "environment BOXAGNTS_MODEL"), f"{one}")
        refused(served.ask("PUT", "/api/v1/models/default", {"model": "ollama/x"}), 409, "BOXAGNTS_MODEL")
        served.stop()


HUGE = 2 ** 63
WRONG = [({"agent.mode": "fast"}, "agent.mode"), ({"agent.mode": 1}, "agent.mode"),
         ({"agent.turns_max": 0}, "1 to 10000"), ({"agent.turns_max": HUGE}, "agent.turns_max"),
         ({"agent.turns_max": 2 ** 64}, "agent.turns_max"), ({"agent.turns_max": 5.0}, "agent.turns_max"),
         ({"agent.turns_max": "5"}, "agent.turns_max"), ({"agent.turns_max": True}, "agent.turns_max"),
         ({"agent.turns_max": {}}, "agent.turns_max"), ({"agent.turns_max": [1]}, "agent.turns_max"),
         ({"agent.turns_max": -1}, "agent.turns_max"), ({"agent.question_time": 31536001}, "agent.question_time"),
         ({"limits.wasm_max_memory_size": 1}, "limits.wasm_max_memory_size"),
         ({"limits.wasm_max_memory_size": 2 ** 33}, "limits.wasm_max_memory_size"),
         ({"limits.wasm_fuel": -1}, "limits.wasm_fuel"), ({"limits.wasm_fuel": 1e300}, "limits.wasm_fuel"),
         ({"network.offline": "yes"}, "network.offline"),
         ({"network.block_networks": ["10.0.0.0/99"]}, "network.block_networks"),
         ({"network.block_networks": "private"}, "network.block_networks"),
         ({"network.allowed_outbound_hosts": ["nowhere"]}, "network.allowed_outbound_hosts"),
         ({"network.allowed_outbound_hosts": [["https://a.example"]]}, "network.allowed_outbound_hosts"),
         ({"network.allowed_outbound_hosts": [None]}, "network.allowed_outbound_hosts"),
         ({"network.allowed_outbound_hosts": ["https://a.example\n[policy]\nallow = [\"write /\"]"]}, "control"),
         ({"sandbox.map_dirs": ["relative"]}, "sandbox.map_dirs"), ({"sandbox.map_dirs": ["/proc/none"]}, "map_dirs"),
         ({"sandbox.env_vars": ["NOVALUE"]}, "sandbox.env_vars"), ({"sandbox.env_vars": ["A=\x00"]}, "control"),
         ({"appearance.theme": "pink"}, "appearance.theme"), ({"model.default": "nobody/x"}, "model.default"),
         ({"model.default": ""}, "model.default"), ({"model.default": ["openai/x"]}, "model.default"),
         ({"model.images": "yes"}, "model.images"), ({"agent.mod": "ask"}, "did you mean agent.mode?"),
         ({"": 1}, "no setting"), ({"agent": {"mode": "edits"}}, "no setting"), ({"policy.allow": ["write x"]}, "no setting"),
         ({"trust.trusted": ["/"]}, "no setting"), ({"providers.openai.base_url": "https://evil.example"}, "no setting"),
         ({"agent.mode\"]\nallow": 1}, "no setting"), ({"__proto__": {}}, "no setting")]


def what_is_wrong_changes_nothing(case):
    with Served(case) as served:
        good(served.ask("PATCH", "/api/v1/settings", {"agent.turns_max": 33}))
        before = own_file(case).read_bytes()
        for body, part in WRONG:
            refused(served.ask("PATCH", "/api/v1/settings", {"limits.wasm_timeout": 9, **body}), 400, part)
        for body in ({}, [], "x", None, 1, [{"agent.mode": "ask"}]):
            want(served.ask("PATCH", "/api/v1/settings", body if body is not None else b"null",
                            headers={"Content-Type": "application/json"}).status == 400, f"{body!r} was taken")
        large = served.ask("PATCH", "/api/v1/settings", {"network.allowed_outbound_hosts": ["https://a.example"] * 20000})
        want(large.status == 413, f"a large body: {large.status}")
        want(own_file(case).read_bytes() == before, "the file was written")
        want(settings(served)["limits.wasm_timeout"]["value"] == 30, "a part was taken")
        served.stop()


def many_at_once_lose_nothing(case):
    wanted = {"agent.turns_max": 11, "agent.result_bytes_max": 2222, "agent.question_time": 3333, "agent.tools_max": 44,
              "limits.wasm_timeout": 55, "limits.wasm_fuel": 666, "appearance.theme": "light", "network.offline": True}
    with Served(case) as served:
        answers = []
        threads = [threading.Thread(target=lambda body=body: answers.append(served.ask("PATCH", "/api/v1/settings", body)))
                   for body in ({key: value} for key, value in wanted.items())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        want([answer.status for answer in answers] == [200] * len(wanted), f"{[answer.body for answer in answers]}")
        shown = settings(served)
        want({key: shown[key]["value"] for key in wanted} == wanted, f"{shown}")
        served.stop()


def a_file_broken_by_hand_is_named_and_left(case):
    with Served(case) as served:
        good(served.ask("PATCH", "/api/v1/settings", {"agent.turns_max": 5}))
        path = own_file(case)
        sound = path.read_text()
        for broken, part in ((sound + "nonsense [\n", ":4:"), (sound + 'turns_min = 1\n', ":4:"),
                             (sound + "[policy]\nallow = ['write /']\n", "rules.toml"), (sound + "[agnet]\n", "did you mean"),
                             ("[agent]\nturns_max = 'x'\n", ":2:")):
            path.write_text(broken)
            message = refused(served.ask("PATCH", "/api/v1/settings", {"agent.mode": "edits"}), 409, part)
            want(str(path) in message, f"the file is not named: {message}")
            want(path.read_text() == broken, "it was overwritten")
            events = run_to_end(served, {"prompt": "Go on.", "model": case.model_file(OK)})
            want(events[-1]["outcome"] == "finished", f"a run: {events[-1]}")
            for method, at, body in (("GET", "/api/v1/settings", None), ("GET", "/api/v1/rules", None),
                                     ("GET", "/api/v1/models", None), ("PUT", "/api/v1/trust", {"trust": "trusted"}),
                                     ("POST", "/api/v1/rules", {"effect": "deny", "rule": "read x"}),
                                     ("PUT", "/api/v1/providers/openai", {"base_url": "https://a.example"})):
                refused(served.ask(method, at, body), 409, part)
            want(path.read_text() == broken and not own_file(case, "rules.toml").exists(), "it was overwritten")
        path.write_text(sound)
        good(served.ask("PATCH", "/api/v1/settings", {"agent.mode": "edits"}))
        served.stop()
    path.write_text("[agent]\nturns_max = 0\n")
    done = case.call("run", "x", "--model", case.model_file(OK))
    want(done.code == 2 and f"{path}:2: agent.turns_max takes" in done.stderr, f"at the start: {done.stderr}")


def pages_hear_of_changes(case):
    with Served(case) as served, served.events() as one, served.events() as other:
        good(served.ask("PATCH", "/api/v1/settings", {"agent.turns_max": 5}))
        good(served.ask("PUT", "/api/v1/skills/hear-me", {"origin": "user", "text": skill("hear-me")}))
        for stream in (one, other):
            heard = []
            for name, data in stream.messages():
                if name in ("settings", "skills"):
                    heard.append((name, data))
                if len(heard) == 2:
                    break
            want(heard == [("settings", {}), ("skills", {})], f"{heard}")
        served.stop()


# --- models --------------------------------------------------------------------------------------------


class ModelServer:
    """Speaks Chat Completions as far as a test wants; keeps the Authorization of every request."""

    def __init__(self, models=("small", "gpt-4o"), status=200, body=None, hangs=False):
        self.models, self.status, self.body = models, status, body
        self.seen, self.go_on = [], threading.Event()
        if not hangs:
            self.go_on.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, kind, body):
                self.send_response(outer.status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def note(self):
                sent = self.headers.get("Authorization")
                outer.seen.append((self.command, self.path, sent))
                outer.go_on.wait(120)
                if outer.body is not None:
                    self.reply("application/json", outer.body.replace("{sent}", sent or "").encode())
                return outer.body is None

            def do_GET(self):
                with contextlib.suppress(OSError):
                    if self.note():
                        self.reply("application/json",
                                   json.dumps({"data": [{"id": name} for name in outer.models]}).encode())

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with contextlib.suppress(OSError):
                    if self.note():
                        chunks = [{"choices": [{"delta": {"content": "ready"}}]},
                                  {"choices": [{"delta": {}, "finish_reason": "stop"}]},
                                  {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}]
                        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
                        self.reply("text/event-stream", text.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who has seen enough goes
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()

    def keys(self):
        return [sent for _, _, sent in self.seen]


def providers(served, probe="true"):
    return {one["id"]: one for one in good(served.ask("GET", f"/api/v1/models?probe={probe}"))["providers"]}


CLOSED = {"OLLAMA_HOST": "127.0.0.1:9", "LLAMA_CPP_HOST": "127.0.0.1:9"}


def servers_are_looked_for(case):
    with ModelServer() as server, ModelServer(status=401, body='{"error":{"message":"no key"}}') as closed, \
            ModelServer(hangs=True) as slow:
        environment = {"OLLAMA_HOST": server.url[7:-3], "LLAMA_CPP_HOST": slow.url[7:-3], "OPENAI_BASE_URL": closed.url}
        with Served(case, environment=environment) as served:
            quiet = providers(served, "false")
            want({one["state"] for one in quiet.values()} == {"unknown"}, f"{quiet}")
            want(server.seen == [] and closed.seen == [], "it connected without being asked to")
            shown = providers(served)
            want([model["id"] for model in shown["ollama"]["models"]] == ["ollama/gpt-4o", "ollama/small"], f"{shown}")
            want([model["sees"] for model in shown["ollama"]["models"]] == [True, False], f"{shown}")
            want(shown["ollama"]["state"] == "reachable" and shown["ollama"]["key"] == "not needed", f"{shown}")
            want(shown["ollama"]["base_url_from"] == "environment OLLAMA_HOST", f"{shown}")
            want(shown["openai"]["state"] == "refused" and "no key" in shown["openai"]["error"], f"{shown['openai']}")
            want(shown["llamacpp"]["state"] == "unreachable" and "2 s" in shown["llamacpp"]["error"], f"{shown}")
            tried = good(served.ask("POST", "/api/v1/models/test", {"model": "ollama/small"}))
            want(tried["ok"] and tried["text"] == "ready" and tried["usage"]["input_tokens"] == 7, f"{tried}")
            tried = good(served.ask("POST", "/api/v1/models/test", {"model": "openai/x"}))
            want(not tried["ok"] and "401" in tried["error"], f"{tried}")
            want(good(served.ask("POST", "/api/v1/models/test", {"model": "demo/tour"}))["ok"], "the demo")
            want(served.ask("POST", "/api/v1/models/test", {"model": "nobody/x"}).status == 400, "no such family")
            wrote = good(served.ask("PUT", "/api/v1/models/default", {"model": "ollama/small"}))["wrote"]
            want(wrote.startswith(str(own_file(case)) + ":"), f"wrote {wrote}")
            events = run_to_end(served, {"prompt": "Hello"})
            want(events[0]["model"] == "ollama/small" and events[-1]["outcome"] == "finished", f"{events}")
            listed = good(served.ask("GET", "/api/v1/models"))
            want((listed["default"], listed["default_from"], listed["demo"]) == ("ollama/small", wrote, "demo/tour"),
                 f"{listed}")
            served.stop()
        with Served(case, "--offline", environment=environment) as served:
            before = len(server.seen)
            shown = providers(served)
            want(shown["ollama"]["state"] == "unreachable" and "offline" in shown["ollama"]["error"], f"{shown}")
            tried = good(served.ask("POST", "/api/v1/models/test", {"model": "ollama/small"}))
            want(not tried["ok"] and "offline" in tried["error"], f"{tried}")
            want(len(server.seen) == before, "something connected although all is closed")
            served.stop()


def lists_of_servers_are_not_believed(case):
    """A server's list is bytes of a stranger: whatever it is, the answer is one sentence or a list of names."""
    bodies = ["", "x", "{}", "[]", '{"data": 1}', '{"data": null}', '{"data": [1, null, {"id": 2}, {"id": ""}]}',
              '{"data": [{"id": "a\\nb"}, {"id": "\\u001b[2Jx"}, {"id": "' + "x" * 300 + '"}, {"id": "good"}]}',
              '{"data": [' + ",".join('{"id": "m%d"}' % number for number in range(3000)) + "]}",
              '{"data": [' + '{"id": "x"},' * 400_000 + '{"id": "y"}]}', "[" * 100_000]
    for body in bodies:
        with ModelServer(body=body) as server, Served(case, environment={**CLOSED, "OLLAMA_HOST": server.url}) as served:
            one = providers(served)["ollama"]
            names = [model["id"] for model in one["models"]]
            want(len(names) <= 1000 and all(name.isprintable() and len(name) < 250 for name in names), f"{names[:5]}")
            want(one["state"] == "reachable" or one.get("error"), f"{body[:40]}: {one}")
            served.stop()


def a_key_goes_to_its_own_server_alone(case):
    with ModelServer() as mine, ModelServer() as other, Served(case, environment=CLOSED) as served:
        path = "/api/v1/providers/openai"
        wrote = good(served.ask("PUT", path, {"base_url": mine.url, "key": KEY}))["wrote"]
        keys = own_file(case, "keys.toml")
        want(wrote == str(keys) and stat.S_IMODE(os.stat(keys).st_mode) == 0o600, f"wrote {wrote}")
        want(KEY in keys.read_text() and KEY not in own_file(case).read_text(), "the key stands elsewhere")
        one = providers(served)["openai"]
        want((one["key"], one["state"], one["base_url"]) == ("stored", "reachable", mine.url), f"{one}")
        run_to_end(served, {"prompt": "Hello", "model": "openai/small"})
        want(set(mine.keys()) == {f"Bearer {KEY}"}, f"{mine.seen}")
        # Elsewhere it does not go, by whatever way the address is changed.
        good(served.ask("PUT", path, {"base_url": other.url}))
        want(KEY not in keys.read_text(), "the key stayed")
        want(providers(served)["openai"]["key"] == "none", "it says that there is a key")
        run_to_end(served, {"prompt": "Hello", "model": "openai/small"})
        want(other.seen and set(other.keys()) == {None}, f"{other.seen}")
        # The same with a new key at once, and back to nothing.
        good(served.ask("PUT", path, {"base_url": other.url, "key": KEY + "2"}))
        good(served.ask("POST", "/api/v1/models/test", {"model": "openai/small"}))
        want(other.keys()[-1] == f"Bearer {KEY}2", f"{other.seen}")
        good(served.ask("PUT", path, {"base_url": None}))
        want(KEY not in keys.read_text(), "the key stayed")
        refused(served.ask("DELETE", path + "/key"), 404)
        good(served.ask("PUT", path, {"base_url": mine.url, "key": KEY}))
        good(served.ask("DELETE", path + "/key"))
        want(KEY not in keys.read_text() and providers(served)["openai"]["key"] == "none", "it was not deleted")
        served.stop()


def a_key_does_not_follow_an_address_by_other_ways(case):
    with ModelServer() as mine, ModelServer() as other:
        with Served(case, environment=CLOSED) as served:
            good(served.ask("PUT", "/api/v1/providers/openai", {"base_url": mine.url, "key": KEY}))
            served.stop()
        # By hand, and by the environment.
        own = own_file(case)
        own.write_text(own.read_text().replace(mine.url, other.url))
        with Served(case, environment=CLOSED) as served:
            good(served.ask("POST", "/api/v1/models/test", {"model": "openai/small"}))
            served.stop()
        with Served(case, environment={**CLOSED, "OPENAI_BASE_URL": other.url}) as served:
            good(served.ask("POST", "/api/v1/models/test", {"model": "openai/small"}))
            refused(served.ask("PUT", "/api/v1/providers/openai", {"base_url": mine.url}), 409, "OPENAI_BASE_URL")
            served.stop()
        want(set(other.keys()) == {None} and mine.seen == [], f"{other.seen} {mine.seen}")
        # The environment's key counts more, and does not go where a door pointed.
        with Served(case, environment={**CLOSED, "OPENAI_API_KEY": "sk-of-the-environment"}) as served:
            good(served.ask("POST", "/api/v1/models/test", {"model": "openai/small"}))
            want(other.keys()[-1] is None, f"the environment's key went astray: {other.seen}")
            served.stop()
        with Served(case, environment={**CLOSED, "OPENAI_API_KEY": "sk-of-the-environment",
                                       "OPENAI_BASE_URL": other.url}) as served:
            good(served.ask("POST", "/api/v1/models/test", {"model": "openai/small"}))
            want(other.keys()[-1] == "Bearer sk-of-the-environment", f"{other.seen}")
            want(providers(served)["openai"]["key"] == "environment", "it says otherwise")
            served.stop()
        # A folder that somebody sent names no server.
        case.put(case.workspace, {".boxagnts/config.toml": f'[providers.openai]\nbase_url = "{other.url}"\n'})
        done = case.call("session", "list")
        done = case.call("run", "x", "--model", "openai/x", environment=CLOSED)
        want(done.code == 5 and "config.toml:1" in done.stderr, f"{done.stderr}")


def a_key_is_told_to_nobody(case):
    """Not even by a server that says it again in its errors."""
    echo = json.dumps({"error": {"message": "bad key {sent}, really {sent}", "type": "{sent}"}})
    with ModelServer(status=401, body=echo) as server, Served(case, environment=CLOSED) as served:
        told = []

        def ask(method, path, body=None):
            answer = served.ask(method, path, body)
            told.append(answer.body.decode())
            return answer

        ask("PUT", "/api/v1/providers/openai", {"base_url": server.url, "key": KEY})
        for wrong in (KEY + " ", KEY + "\n", "", KEY + "ä", KEY * 1000, [KEY], {"k": KEY}, None, 1):
            answer = ask("PUT", "/api/v1/providers/openai", {"key": wrong})
            want(answer.status in (400, 413), f"{str(wrong)[:40]}: {answer.status}")
        ask("GET", "/api/v1/models?probe=true")
        want("(the key)" in ask("POST", "/api/v1/models/test", {"model": "openai/x"}).json()["error"], "no error")
        events = run_to_end(served, {"prompt": "Hello", "model": "openai/x"})
        want(events[-1]["outcome"] == "failed" and "(the key)" in json.dumps(events), f"{events[-1]}")
        for path in ("/api/v1/settings", "/api/v1/models", "/metrics", "/api/v1/openapi.json"):
            ask("GET", path)
        log = served.stop()
        want(server.keys() and set(server.keys()) == {f"Bearer {KEY}"}, f"{server.seen}")
        for text in [*told, json.dumps(events), log]:
            want(KEY not in text, f"the key was told: {text[:300]}")
        done = case.call("run", "x", "--model", "openai/x", environment=CLOSED)
        want("(the key)" in done.stdout + done.stderr and KEY not in done.stderr + done.stdout, f"told: {done.stderr}")
    for folder in (case.workspace, case.root / "home"):
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "keys.toml":
                want(KEY.encode() not in path.read_bytes(), f"the key stands in {path}")


def a_key_file_that_others_can_read_is_not_used(case):
    put(case, "keys.toml", f'[openai]\nkey = "{KEY}"\nbase_url = "https://api.openai.com/v1"\n')
    own_file(case, "keys.toml").chmod(0o644)
    done = case.call("run", "x", "--model", case.model_file(OK))
    want(done.code == 5 and "chmod 600" in done.stderr and KEY not in done.stderr, f"{done.stderr}")
    own_file(case, "keys.toml").chmod(0o600)
    put(case, "keys.toml", f'[openai]\nkey = {KEY}\n')
    done = case.call("run", "x", "--model", case.model_file(OK))
    want(done.code == 2 and "keys.toml:2" in done.stderr and KEY not in done.stderr, f"{done.stderr}")


def base_urls_are_checked(case):
    with Served(case, environment=CLOSED) as served:
        for url in ("", "ftp://a.example", "https://", "https://user:pass@a.example/v1", "https://a.example/v1?x=1",
                    "https://a.example/#x", "nonsense", "https://a.example/" + "x" * 3000, "file:///etc/passwd",
                    "http://a.example:99999", 5, ["https://a.example"]):
            answer = served.ask("PUT", "/api/v1/providers/openai", {"base_url": url})
            want(answer.status == 400 or (url == "" and answer.status == 200), f"{url}: {answer.status} {answer.body}")
        for body in ({}, {"url": "https://a.example"}, {"key": "x", "more": 1}):
            want(served.ask("PUT", "/api/v1/providers/openai", body).status == 400, f"{body} was taken")
        want(served.ask("PUT", "/api/v1/providers/nobody", {"key": "x"}).status in (400, 404), "no such provider")
        want(served.ask("PUT", "/api/v1/providers/..%2Fx", {"key": "x"}).status in (400, 404), "no such provider")
        served.stop()


def the_command_line_does_the_same(case):
    with ModelServer() as mine:
        def call(*arguments, code=0, stdin=None):
            done = case.call("model", *arguments, environment=CLOSED, stdin=stdin)
            want(done.code == code, f"{arguments}: {done.code}, {done.stderr}")
            want(KEY not in done.stdout + done.stderr, f"{arguments} told the key")
            return done.stdout + done.stderr

        want("default: none" in call("list"), "a default")
        want("keys.toml" in call("key", "openai", "--base-url", mine.url, stdin=f"{KEY}\n".encode()), "no file")
        want(KEY in own_file(case, "keys.toml").read_text(), "no key")
        want("settings.toml:" in call("default", "openai/small"), "no place")
        listed = call("list")
        want("* openai/small" in listed and "key: stored" in listed, listed)
        want("ready" in call("test") and "ready" in call("test", "openai/gpt-4o"), "no answer")
        want(set(mine.keys()) == {f"Bearer {KEY}"}, f"{mine.seen}")
        want("offline" in call("test", "--offline", code=3), "it connected")
        call("test", "nobody/x", code=2)
        call("default", "nobody/x", code=2)
        want("standard input" in call("key", "openai", KEY, code=2), "a key in a list of processes")
        call("key", "openai", code=2, stdin=b"two words\n")
        call("key", "nobody", code=2, stdin=b"x")
        call("key", "openai", "--forget")
        want("key: none" in call("list") and KEY not in own_file(case, "keys.toml").read_text(), "it was not forgotten")


# --- the demo ------------------------------------------------------------------------------------------


def the_demo_plays(case):
    case.put(case.workspace, {"notes.md": "# Notes\n\nTODO: go on\n"})
    with Served(case) as served:
        for mode, answer, status in (("plan", None, "denied"), ("ask", "no", "denied"), ("ask", "yes", "ok"),
                                     ("edits", None, "ok")):
            made = case.workspace / "BOXAGNTS-TOUR.md"
            made.unlink(missing_ok=True)
            events = run_to_end(served, {"prompt": "What is this?", "model": "demo/tour", "mode": mode}, answer)
            results = [event["result"] for event in events if event["kind"] == "tool_finished"]
            want([one["status"] for one in results] == ["ok", "ok", status], f"{mode} {answer}: {results}")
            asked = [event for event in events if event["kind"] == "approval_asked"]
            want(len(asked) == (1 if mode == "ask" else 0), f"{mode}: {asked}")
            want(made.exists() == (status == "ok"), f"{mode}: the file")
            said = [event["block"]["text"] for event in events if event["kind"] == "assistant_block" and
                    event["block"]["type"] == "text"][-1]
            want("|---|" in said and "```" in said and "script" in said, f"{mode}: {said}")
            want(("refused" in said) == (status == "denied"), f"{mode}: {said}")
            want(events[-1]["outcome"] == "finished", f"{mode}: {events[-1]}")
        session = events[0]["session"]
        again = run_to_end(served, {"prompt": "And now?", "model": "demo/tour", "session": session})
        want([event for event in again if event["kind"] == "tool_finished"] == [], "it played twice")
        want(served.ask("POST", "/api/v1/runs", {"prompt": "x", "model": "demo/other"}).status == 400, "another demo")
        served.stop()
    done = case.run("Show me.", "demo/tour", mode="edits")
    want(done.code == 0, f"on the command line: {done.stderr}")


# --- rules ---------------------------------------------------------------------------------------------


def rules_are_added_explained_and_deleted(case):
    put(case, "config.toml", '[policy]\nask = ["write *.lock"]\n')
    case.put(case.workspace, {".boxagnts/config.toml": '[policy]\nallow = ["write docs"]\ndeny = ["read private"]\n'})
    call = {"tool": "write", "arguments": {"file_path": "docs/a.md", "content": ""}, "mode": "ask"}
    with Served(case, "--deny", "tool web_fetch") as served:
        def layers():
            return {one["layer"]: one for one in good(served.ask("GET", "/api/v1/rules"))["layers"]}

        shown = layers()
        want(list(shown) == ["builtin", "user", "workspace", "flags"], f"{list(shown)}")
        want(any(rule["rule"] == "read .env" for rule in shown["builtin"]["rules"]), "no built-in rule")
        want(shown["user"]["rules"] == [{"effect": "ask", "rule": "write *.lock", "own": False,
                                         "where": f"{own_file(case, 'config.toml')}:2"}], f"{shown['user']}")
        allow, deny = shown["workspace"]["rules"]
        want(not shown["workspace"]["counts"] and "why" in allow and "why" not in deny, f"{shown['workspace']}")
        want([rule["where"] for rule in shown["flags"]["rules"]] == ["flag"], f"{shown['flags']}")
        want(good(served.ask("POST", "/api/v1/policy/explain", call))["decision"] == "ask", "an untrusted allow counts")

        added = good(served.ask("POST", "/api/v1/rules", {"effect": "deny", "rule": "write docs/a.md"}), 201)
        want(added["wrote"] == f"{own_file(case, 'rules.toml')}:8" and added["rule"]["own"], f"{added}")
        told = good(served.ask("POST", "/api/v1/policy/explain", call))
        want(told["decision"] == "deny" and told["rule"] == {"effect": "deny", "rule": "write docs/a.md",
                                                            "where": added["wrote"]}, f"{told}")
        done = case.call("policy", "explain", "write", json.dumps(call["arguments"]), "--mode", "ask")
        want(done.stdout == told["text"], f"{done.stdout}\n{told['text']}")
        wrote = good(served.ask("DELETE", "/api/v1/rules?effect=deny&rule=write+docs%2Fa.md"))["wrote"]
        want(wrote == str(own_file(case, "rules.toml")), f"wrote {wrote}")
        refused(served.ask("DELETE", "/api/v1/rules?effect=deny&rule=write+docs%2Fa.md"), 404)
        refused(served.ask("DELETE", "/api/v1/rules?effect=ask&rule=write+*.lock"), 404)  # a person's own file
        for rule in ("", "write", "write ", "fly away", "write ../x", "write a/../b", "connect nowhere", "read [", "tool",
                     "x" * 3000):
            want(served.ask("POST", "/api/v1/rules", {"effect": "allow", "rule": rule}).status == 400, f"{rule!r}")
        want("it takes" in refused(served.ask("POST", "/api/v1/rules", {"effect": "allow", "rule": "fly away"}), 400), "")
        want(served.ask("POST", "/api/v1/rules", {"effect": "maybe", "rule": "write x"}).status == 400, "an effect")

        want(good(served.ask("GET", "/api/v1/trust"))["trust"] == "unasked", "trust")
        good(served.ask("PUT", "/api/v1/trust", {"trust": "trusted"}))
        want(layers()["workspace"]["counts"] and good(served.ask("POST", "/api/v1/policy/explain", call))["decision"] ==
             "allow", "trust does not count")
        for word in ("untrusted", "unasked"):
            good(served.ask("PUT", "/api/v1/trust", {"trust": word}))
            want(good(served.ask("GET", "/api/v1/trust"))["trust"] == word and not layers()["workspace"]["counts"], word)
        served.stop()


def connections_are_explained(case):
    with Served(case) as served:
        def explain(**what):
            return served.ask("POST", "/api/v1/policy/explain", what)

        want(good(explain(url="https://a.example/x"))["decision"] == "ask", "unknown host")
        want(good(explain(url="https://a.example/x", mode="plan"))["decision"] == "deny", "plan")
        good(served.ask("PATCH", "/api/v1/settings", {"network.allowed_outbound_hosts": ["https://a.example"]}))
        told = good(explain(url="https://a.example/x"))
        want(told["decision"] == "allow" and told["grant"], f"{told}")
        good(served.ask("POST", "/api/v1/rules", {"effect": "deny", "rule": "connect https://a.example"}), 201)
        want(good(explain(url="https://a.example/x"))["decision"] == "deny", "a deny counts less")
        for what, status in (({}, 400), ({"tool": "read", "url": "https://a.example"}, 400), ({"url": "nowhere"}, 400),
                             ({"tool": "none"}, 404), ({"tool": "read"}, 400), ({"tool": "read", "arguments": 1}, 400),
                             ({"url": "https://a.example", "method": "G T"}, 400), ({"url": "https://a.b", "mode": "x"}, 400)):
            want(explain(**what).status == status, f"{what}: {explain(**what).status}")
        served.stop()


# --- AGENTS.md and skills ------------------------------------------------------------------------------


def skill(name, front="description: What it does.\n", body="Do it with $ARGUMENTS.\n"):
    return f"---\nname: {name}\n{front}---\n{body}"


def instructions_are_written_by_version(case):
    with Served(case) as served:
        def files():
            return {one["origin"]: one for one in good(served.ask("GET", "/api/v1/instructions"))["files"]}

        places = {"user": own_file(case, "AGENTS.md"), "workspace": case.workspace / "AGENTS.md"}
        for origin, place in places.items():
            path = f"/api/v1/instructions/{origin}"
            want(files()[origin] == {"origin": origin, "path": str(place), "exists": False, "text": ""}, f"{files()}")
            made = good(served.ask("PUT", path, {"text": "Say hello.\n"}))
            want(made["wrote"] == str(place) and place.read_text() == "Say hello.\n", f"{made}")
            want(files()[origin]["version"] == made["version"], f"{files()}")
            refused(served.ask("PUT", path, {"text": "again"}), 409, "there already")
            place.write_text("By hand.\n")
            refused(served.ask("PUT", path, {"text": "over it", "version": made["version"]}), 409, "changed")
            want(place.read_text() == "By hand.\n", "a person's words are lost")
            good(served.ask("PUT", path, {"text": f"Of {origin}.", "version": files()[origin]["version"]}))
            place.unlink()
            refused(served.ask("PUT", path, {"text": "x", "version": made["version"]}), 409, "gone")
            good(served.ask("PUT", path, {"text": f"Of {origin}."}))
            want(served.ask("PUT", path, {"text": "x" * 300_000}).status == 400, "too long")
        events = run_to_end(served, {"prompt": "x", "model": case.model_file(OK)})
        told = [event["text"] for event in events if event["kind"] == "instructions_loaded"]
        want(told == ["Of user.", "Of workspace."], f"{told}")
        want(served.ask("PUT", "/api/v1/instructions/folder", {"text": "x"}).status == 400, "no such origin")
        # What a folder brings in that place harms neither the list nor anything else.
        outside = case.outside / "secret.md"
        outside.write_text("Keep out.")
        for what in ({"link": str(outside)}, {"fifo": True}, {"link": "AGENTS.md"}, {"folder": True}):
            place = case.workspace / "AGENTS.md"
            place.unlink(missing_ok=True)
            case.put(case.workspace, {"AGENTS.md": what})
            shown = files()
            want(shown["workspace"]["text"] == "" and shown["user"]["text"] == "Of user.", f"{what}: {shown}")
            answer = served.ask("PUT", "/api/v1/instructions/workspace", {"text": "x"})
            want(answer.status in (400, 403, 404, 409, 501), f"{what}: {answer.status} {answer.body}")
            want(outside.read_text() == "Keep out.", f"{what}: written outside")
        served.stop()


def skills_are_written_checked_and_deleted(case):
    with Served(case) as served:
        def listed():
            return {(one["name"], one["origin"]): one for one in good(served.ask("GET", "/api/v1/skills"))["skills"]}

        want(listed()[("code-review", "builtin")]["state"] == "ready", "no built-in skill")
        shown = good(served.ask("GET", "/api/v1/skills/code-review"))
        want(shown["text"].startswith("---\nname: code-review") and shown["problems"] == [], f"{shown['problems']}")
        for origin, folder in (("user", own_file(case, "skills")), ("workspace", case.workspace / ".agents/skills")):
            path = f"/api/v1/skills/of-{origin}"
            made = good(served.ask("PUT", path, {"text": skill(f"of-{origin}"), "origin": origin}))
            place = folder / f"of-{origin}/SKILL.md"
            want(made["wrote"] == str(place) and place.read_text() == skill(f"of-{origin}"), f"{made}")
            (place.parent / "more.txt").write_text("12345")
            shown = good(served.ask("GET", path + f"?origin={origin}"))
            want(shown["version"] == made["version"] and shown["files"] == [{"path": "more.txt", "bytes": 5}], f"{shown}")
            refused(served.ask("PUT", path, {"text": skill(f"of-{origin}"), "origin": origin}), 409, "there already")
            refused(served.ask("PUT", path, {"text": "no front matter", "origin": origin, "version": made["version"]}), 400,
                    "SKILL.md:1")
            want(place.read_text() == skill(f"of-{origin}"), "a wrong one was written")
            odd = skill(f"of-{origin}", "description: d\nallowed-tools: read wirte\n")
            made = good(served.ask("PUT", path, {"text": odd, "origin": origin, "version": made["version"]}))
            problems = good(served.ask("GET", path))["problems"]
            want([(one["where"], one["severity"]) for one in problems] == [("SKILL.md:4", "warning")] and
                 "did you mean write?" in problems[0]["message"], f"{problems}")
            done = case.call("skill", "check", f"of-{origin}")
            want(done.code == 0 and "SKILL.md:4: warning" in done.stdout and "did you mean write?" in done.stdout,
                 f"{done.stdout}")
            place.write_text("---\nbroken")
            one = listed()[(f"of-{origin}", origin)]
            want(one["state"] == "broken" and one["reason"].startswith("SKILL.md:"), f"{one}")
            broken = good(served.ask("GET", path))
            want(broken["text"] == "---\nbroken" and broken["problems"][0]["severity"] == "error", f"{broken}")
            gone = good(served.ask("DELETE", path + f"?origin={origin}"))["wrote"]
            want(not place.exists() and (f"of-{origin}", origin) not in listed(), f"still there: {gone}")
            want(origin != "user" or (own_file(case, "skills/.bin").is_dir() and os.path.exists(gone)), f"{gone}")
        want(len(good(served.ask("GET", "/api/v1/files/bin"))["entries"]) == 1, "not in the bin")
        checked = good(served.ask("POST", "/api/v1/skills/check", {"name": "x", "text": "nothing"}))
        want(checked["problems"][0]["severity"] == "error", f"{checked}")
        want(good(served.ask("POST", "/api/v1/skills/check", {"name": "x", "text": skill("x")})) == {"problems": []}, "")
        refused(served.ask("DELETE", "/api/v1/skills/code-review?origin=user"), 404)
        served.stop()


def skill_names_lead_nowhere(case):
    case.put(case.workspace, {"linked": {"folder": True}, ".agents": {"link": "linked"}})
    body = {"text": skill("x"), "origin": "workspace"}
    with Served(case) as served:
        for name in ("..", ".", "../x", "..%2Fx", "%2e%2e", "a%2Fb", "A", "a--b", "-a", "a-", "x" * 65, "a%00b", "ä", "a.b"):
            for method, more in (("PUT", body), ("PUT", {**body, "origin": "user"}), ("GET", None)):
                answer = served.ask(method, f"/api/v1/skills/{name.encode().decode('latin-1')}"
                                    if name.isascii() else "/api/v1/skills/%C3%A4", more)
                want(answer.status in (400, 404, 405), f"{method} {name}: {answer.status} {answer.body[:200]}")
            for query in ("user", "workspace", "builtin", ""):
                want(served.ask("DELETE", f"/api/v1/skills/{name if name.isascii() else '%C3%A4'}?origin={query}").status
                     in (400, 404, 405), f"DELETE {name}")
        refused(served.ask("PUT", "/api/v1/skills/x", body), 409, "link")
        want(list((case.workspace / "linked").iterdir()) == [], "it went through a link")
        want(served.ask("PUT", "/api/v1/skills/x", {**body, "origin": "builtin"}).status == 400, "a built-in one")
        served.stop()


def a_run_follows_a_skill(case):
    with Served(case) as served:
        args = "description: d\nallowed-tools: read\nargs:\n  - name: what\n    required: true\n  - name: how\n"
        text = skill("follow", args, "Look at {{what}} {{how}}.\n")
        good(served.ask("PUT", "/api/v1/skills/follow", {"text": text, "origin": "user"}))
        run = {"skill": "follow", "model": case.model_file(OK)}
        for arguments, wanted in (("src and a=b", "Look at src and a=b ."), ('what="two words" how=well', "Look at two words well."),
                                  ("what=x how='it''s'", "Look at x its."), ('say "hi', 'Look at say "hi .')):
            events = run_to_end(served, {**run, "arguments": arguments})
            kinds = [event["kind"] for event in events]
            used = next(event for event in events if event["kind"] == "skill_used")
            said = next(event for event in events if event["kind"] == "user_message")["text"]
            want(wanted in said, f"{arguments}: {said}")
            want(used["name"] == "follow" and used["allowed_tools"] == ["read"], f"{used} {kinds}")
        events = run_to_end(served, {**run, "arguments": "x", "prompt": "And this."})
        want("Input:\nAnd this." in next(event for event in events if event["kind"] == "user_message")["text"], "the prompt")
        refused(served.ask("POST", "/api/v1/runs", run), 400, "what")
        refused(served.ask("POST", "/api/v1/runs", {**run, "arguments": "what=x other=y"}), 400, "other")
        refused(served.ask("POST", "/api/v1/runs", {**run, "arguments": 'what="x'}), 400, "quote")
        refused(served.ask("POST", "/api/v1/runs", {**run, "skill": "folow", "arguments": "x"}), 404, "did you mean follow?")
        for wrong in ({"model": run["model"]}, {"prompt": "x", "arguments": "y", "model": run["model"]}):
            want(served.ask("POST", "/api/v1/runs", wrong).status == 400, f"{wrong} was taken")
        served.stop()


CASES = [(f"settings/{name}", function) for name, function in (
    ("a change is written, and holds for the next run", a_change_is_written_and_holds_for_the_next_run),
    ("every layer says where it stands", every_layer_says_where_it_stands),
    ("what is wrong changes nothing", what_is_wrong_changes_nothing),
    ("many at once lose nothing", many_at_once_lose_nothing),
    ("a file broken by hand is named and left", a_file_broken_by_hand_is_named_and_left),
    ("pages hear of changes", pages_hear_of_changes),
    ("models: servers are looked for", servers_are_looked_for),
    ("models: lists of servers are not believed", lists_of_servers_are_not_believed),
    ("keys: to its own server alone", a_key_goes_to_its_own_server_alone),
    ("keys: by no other way either", a_key_does_not_follow_an_address_by_other_ways),
    ("keys: told to nobody", a_key_is_told_to_nobody),
    ("keys: a file that others can read is not used", a_key_file_that_others_can_read_is_not_used),
    ("keys: base URLs are checked", base_urls_are_checked),
    ("models: the command line does the same", the_command_line_does_the_same),
    ("the demo plays", the_demo_plays),
    ("rules: added, explained, deleted", rules_are_added_explained_and_deleted),
    ("rules: connections are explained", connections_are_explained),
    ("instructions: written by version", instructions_are_written_by_version),
    ("skills: written, checked, deleted", skills_are_written_checked_and_deleted),
    ("skills: names lead nowhere", skill_names_lead_nowhere),
    ("skills: a run follows one", a_run_follows_a_skill),
)]
