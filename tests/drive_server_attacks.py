"""What a hostile page, name, network or program on this machine tries against `boxagnts serve`: S1 to S5 and S12
to S14 of the reference's weaknesses, on every route of its OpenAPI document."""
import os
import re
import socket
import subprocess

from harness import Skip, want
from server_client import Served

OK = {"turns": [{"say": "Done."}]}


def operations(served):
    document = served.ask("GET", "/api/v1/openapi.json", token=False).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), re.sub(r"\{\w+\}", "x", path), operation


def other_pages(case):
    """S1, S2, S4: no page but the server's own can call a route, with or without the token."""
    with Served(case) as served:
        own = f"http://127.0.0.1:{served.port}"
        attacks = [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:8000"},
                   {"Origin": f"http://localhost:{served.port}"}, {"Origin": own + ".evil.example"},
                   {"Origin": own.replace("http:", "https:")}, {"Sec-Fetch-Site": "cross-site"},
                   {"Sec-Fetch-Site": "same-site"},
                   {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
                   {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}]
        for method, path, _ in operations(served):
            for headers in attacks:
                body = None if method == "GET" else {}
                answer = served.ask(method, path, body, headers=headers)
                want(answer.status == 403, f"{method} {path} {headers}: {answer.status}")
                want(not any(name.lower().startswith("access-control") for name in answer.headers),
                     f"{method} {path}: {answer.headers}")
            preflight = served.ask("OPTIONS", path, headers={"Origin": "http://evil.example",
                                                             "Access-Control-Request-Method": method}, token=False)
            want(preflight.status == 403, f"a preflight of {path}: {preflight.status}")
        allowed = served.ask("GET", "/api/v1/sessions", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"})
        want(allowed.status == 200, f"the own page: {allowed.status}")
        served.stop()


def rebound_names(case):
    """S3: a name that was pointed at this address is not answered to, on any route."""
    with Served(case, "--allow-host", "box.example") as served:
        for method, path, _ in operations(served):
            for host in (f"evil.example:{served.port}", "evil.example", f"localhost.:{served.port}", "127.0.0.1:1",
                         f"127.0.0.1.evil.example:{served.port}", f"2130706433:{served.port}",
                         f"0.0.0.0:{served.port}", "localhost"):
                answer = served.ask(method, path, None if method == "GET" else {}, host=host)
                want(answer.status == 403, f"{method} {path} as {host}: {answer.status}")
        for host in (f"localhost:{served.port}", "box.example", "BOX.example:443"):
            want(served.ask("GET", "/healthz", host=host).status == 200, f"as {host}")
        served.stop()


def without_the_token(case):
    """S1, S13: every route that its document protects refuses without, with a wrong and with a cut token."""
    with Served(case) as served:
        protected = 0
        for method, path, operation in operations(served):
            if not operation["security"] or {} in operation["security"]:
                continue
            protected += 1
            for headers in ({}, {"Authorization": "Bearer " + "x" * 43}, {"Authorization": f"Bearer {served.token[:-1]}"},
                            {"Authorization": f"Basic {served.token}"}, {"Cookie": f"token={served.token}"}):
                answer = served.ask(method, path, None if method == "GET" else {}, headers=headers, token=False)
                want(answer.status == 401, f"{method} {path} {headers}: {answer.status}")
            answer = served.ask(method, f"{path}?token={served.token}", None if method == "GET" else {}, token=False)
            want(answer.status == 401, f"{method} {path} with the token in its address: {answer.status}")
        want(protected >= 14, f"only {protected} routes are protected")
        served.stop()


def forms_and_images(case):
    """S4: what a form or an image can send changes nothing, even with a token."""
    with Served(case) as served:
        run = served.start_run("x", case.model_file(OK))
        path = f"/api/v1/sessions/{run['session']}"
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
            answer = served.ask("POST", "/api/v1/runs", b'{"prompt":"x","model":"ollama/x"}', {"Content-Type": kind})
            want(answer.status == 415, f"{kind}: {answer.status}")
        for target in (path, path + "/events", path + "/export", "/api/v1/sessions"):
            served.ask("GET", target)
            served.ask("POST", target, b"_method=DELETE", {"X-HTTP-Method-Override": "DELETE",
                                                           "Content-Type": "application/x-www-form-urlencoded"})
        want(served.ask("GET", path).status == 200, "the session is gone")
        served.stop()


def raw(served, target, method="GET"):
    """A target exactly as written, which no client library would send."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
                           f"Authorization: Bearer {served.token}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1]), answer


def path_tricks(case):
    """S5: no id reaches a file, however it is written."""
    secret = case.workspace / "auth.json"
    secret.write_text('{"key": "do not show"}')
    with Served(case) as served:
        for method in ("GET", "DELETE"):
            for trick in ("../auth", "..%2fauth", "%2e%2e%2fauth", "..%5cauth", "%2e%2e/%2e%2e/auth.json", "..;/auth",
                          "%c0%ae%c0%ae/auth", "auth.json", "auth%00", "%252e%252e%252fauth", "/etc/passwd",
                          "%2fetc%2fpasswd", "....//auth", ".boxagnts", "x" * 65, "state.db"):
                for place in ("/api/v1/sessions/", "/api/v1/blobs/", "/api/v1/tools/", "/"):
                    status, answer = raw(served, place + trick, method)
                    want(status in (400, 404, 405), f"{method} {place}{trick}: {status}")
                    want(b"do not show" not in answer and b"root:" not in answer, f"{place}{trick} shows a file")
        want(secret.exists(), "a file was deleted")
        served.stop()


def tickets(case):
    """One-use, one path, GET only, and no way around."""
    with Served(case) as served:
        run = served.start_run("x", case.model_file(OK))
        with served.events(after=0) as stream:
            stream.until_end(run["run"])
        path = f"/api/v1/sessions/{run['session']}/export"

        def ticket(target=path):
            return served.ask("POST", "/api/v1/auth/tickets", {"path": target}).json()["url"]
        url = ticket()
        want(served.ask("GET", url, token=False).status == 200, "a ticket does not work")
        want(served.ask("GET", url, token=False).status == 401, "a ticket works twice")
        url = ticket()
        want(served.ask("GET", url + "x", token=False).status == 401, "a spoilt ticket works")
        want(served.ask("GET", url.replace("?", "?x=1&"), token=False).status == 401, "on another address")
        secret = ticket().split("ticket=")[1]
        for other in (f"/api/v1/sessions/{run['session']}", "/api/v1/sessions", "/api/v1/events",
                      "/api/v1/blobs/" + "0" * 64):
            want(served.ask("GET", f"{other}?ticket={secret}", token=False).status == 401, f"a ticket opens {other}")
        want(served.ask("DELETE", ticket(f"/api/v1/sessions/{run['session']}"), token=False).status == 401,
             "a ticket deletes")
        cross = served.ask("GET", ticket(), token=False, headers={"Sec-Fetch-Site": "cross-site"})
        want(cross.status == 403, f"another page's use of a ticket: {cross.status}")
        served.stop()


def who_gets_the_token(case):
    """S13: the same user of this machine, and nobody through a proxy or of another user."""
    with Served(case) as served:
        def ask(**headers):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return served.ask("POST", "/api/v1/auth/token", {}, token=False, headers=names)
        want(ask().json()["token"] == served.token, "the same user does not get the token")
        for headers in ({"X_Forwarded_For": "1.2.3.4"}, {"Forwarded": "for=1.2.3.4"}, {"Via": "1.1 proxy"},
                        {"X_Real_IP": "1.2.3.4"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            want(ask(**headers).status == 403, f"with {headers}")
        if os.geteuid() != 0:
            raise Skip("only root can ask as another user")
        script = (f"import http.client; c = http.client.HTTPConnection('127.0.0.1', {served.port}); "
                  "c.request('POST', '/api/v1/auth/token', '{}', {'Content-Type': 'application/json'}); "
                  "print(c.getresponse().status)")
        other = subprocess.run(["/usr/bin/python3", "-c", script], user=65534, group=65534, capture_output=True,
                               text=True, env={}, cwd="/")
        want(other.stdout.strip() == "403", f"another user: {other.stdout} {other.stderr[-300:]}")
        served.stop()


def state_stays_private(case):
    """S12: nothing that the server writes is for others."""
    with Served(case) as served:
        served.start_run("x", case.model_file(OK))
        served.stop()
    folder = case.workspace / ".boxagnts"
    for path in (folder, *folder.rglob("*")):
        want(path.lstat().st_mode & 0o077 == 0, f"{path} has the mode {path.lstat().st_mode:o}")
        want(served.token.encode() not in (path.read_bytes() if path.is_file() else b""), f"the token is in {path}")


def guests_and_the_own_port(case):
    """No tool reaches the server that runs it, by any address, though its person allowed the host and the port."""
    config = case.root / "home/config/boxagnts"
    config.mkdir(parents=True)
    with Served(case) as served:
        port = served.port
        served.stop()
    names = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"]
    allowed = [f"http://{name}:{port}" for name in names]  # exact entries admit private addresses
    (config / "config.toml").write_text(f"[network]\nallowed_outbound_hosts = {allowed}\n")
    with Served(case, port=port) as served:
        want(served.port == port, "the port is another one")
        if served.ask("GET", "/api/v1/tools/web_fetch").status == 404:
            raise Skip("this build has no tool that connects")
        for name in [*names, "2130706433", "0x7f.1"]:
            ran = served.ask("POST", "/api/v1/tools/web_fetch/run", {"arguments": {"url": f"http://{name}:{port}/healthz"}})
            want(ran.status == 200 and ran.json()["status"] != "ok", f"{name}: {ran.status} {ran.body[:300]}")
        served.stop()


CASES = [
    ("server attacks/guests and the own port", guests_and_the_own_port),
    ("server attacks/other pages on every route", other_pages),
    ("server attacks/rebound names on every route", rebound_names),
    ("server attacks/without the token on every route", without_the_token),
    ("server attacks/forms and images", forms_and_images),
    ("server attacks/path tricks", path_tricks),
    ("server attacks/tickets", tickets),
    ("server attacks/who gets the token", who_gets_the_token),
    ("server attacks/state stays private", state_stays_private),
]
