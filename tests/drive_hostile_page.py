"""A hostile page in a real browser: headless Chromium opens it on another site, on another port of this machine,
and on a name that is rebound to the server, and it tries everything a page can send. It learns nothing and
changes nothing. And what the workspace holds is shown by the browser as text, never run."""
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import HANGS_AFTER_S, Skip, want
from server_client import Served

# Every way in which a page reaches an address, as functions that tell what the page learned of the answer.
PAGE = """<!doctype html><meta charset=utf-8><title>hostile</title><body><script>
const target = TARGET, operations = OPERATIONS, secret = 'private words';
const timeout = ms => new Promise(done => setTimeout(done, ms, 'nothing came'));
const element = (kind, set) => new Promise(done => {
  const made = document.createElement(kind);
  made.onload = () => done('loaded'); made.onerror = () => done('error');
  set(made); document.body.append(made);
});
const told = async response => response.type === 'opaque' ? 'opaque'
  : response.status + ' ' + (await response.text()).slice(0, 200);
const attempt = async (name, act) => {
  let result;
  try { result = await Promise.race([act(), timeout(3000)]); } catch (error) { result = 'threw ' + error.name; }
  return [name, String(result)];
};
const attempts = () => operations.flatMap(([method, path]) => {
  const body = method === 'GET' ? undefined : '{}';
  const all = [
    [`${method} ${path} cors`, () => fetch(target + path, {method, body}).then(told)],
    [`${method} ${path} json`, () => fetch(target + path,
      {method, body, headers: {'Content-Type': 'application/json'}}).then(told)],
    [`${method} ${path} token`, () => fetch(target + path, {method, headers: {Authorization: 'Bearer x'}}).then(told)],
    [`${method} ${path} credentials`, () => fetch(target + path, {method, body, credentials: 'include'}).then(told)],
  ];
  if (method === 'GET') all.push(
    [`${path} no-cors`, () => fetch(target + path, {mode: 'no-cors'}).then(told)],
    [`${path} img`, () => element('img', e => e.src = target + path)],
    [`${path} script`, () => element('script', e => e.src = target + path)],
    [`${path} style`, () => element('link', e => { e.rel = 'stylesheet'; e.href = target + path; })],
    [`${path} object`, () => element('object', e => e.data = target + path)],
    [`${path} frame`, () => element('iframe', e => e.src = target + path).then(() => {
      try { return frames[frames.length - 1].document.body.innerText; } catch (error) { return 'threw ' + error.name; }})],
    [`${path} events`, () => new Promise(done => {
      const source = new EventSource(target + path);
      source.onmessage = event => done(event.data); source.onerror = () => done('error'); })],
    [`${path} socket`, () => new Promise(done => {
      const socket = new WebSocket(target.replace('http', 'ws') + path);
      socket.onopen = () => done('opened'); socket.onerror = () => done('error'); })]);
  else all.push(
    [`${method} ${path} no-cors`, () => fetch(target + path, {method: 'POST', mode: 'no-cors', body}).then(told)],
    [`${method} ${path} beacon`, () => Promise.resolve(navigator.sendBeacon(target + path, body) && 'sent')],
    [`${method} ${path} form`, () => new Promise(done => {
      const frame = document.createElement('iframe'), form = document.createElement('form');
      frame.name = 'f' + Math.random(); frame.onload = () => done('sent');
      form.method = 'post'; form.action = target + path; form.target = frame.name; form.enctype = 'text/plain';
      form.innerHTML = '<input name=\\'{"prompt":"evil","x":"\\' value=\\'"}\\'>';
      document.body.append(frame, form); form.submit(); })]);
  return all;
});
(async () => {
  const waiting = attempts(), results = [];
  const worker = async () => { while (waiting.length) results.push(await attempt(...waiting.shift())); };
  await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(worker));
  await fetch('/report', {method: 'POST', body: JSON.stringify(results)});
})();
</script>"""


class Site:
    """The hostile page's own server. What it does not know itself it passes on to `behind`, byte for byte, as an
    address does that a name was rebound to."""

    def __init__(self, address, port, page, behind=None):
        site = self
        self.results, self.reported = None, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def log_message(self, *_):
                pass

            def do_GET(self):
                if self.path == "/page":
                    self.reply("text/html", page.encode())
                else:
                    self.pass_on()

            def do_POST(self):
                if self.path != "/report":
                    return self.pass_on()
                site.results = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.reply("text/plain", b"")
                site.reported.set()

            do_PUT = do_PATCH = do_DELETE = do_OPTIONS = lambda self: self.pass_on()

            def reply(self, kind, body):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def pass_on(self):
                if behind is None:
                    return self.send_error(404)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                head = [self.requestline] + [f"{name}: {value}" for name, value in self.headers.items()
                                             if name.lower() != "connection"] + ["Connection: close", "", ""]
                with socket.create_connection(("127.0.0.1", behind), timeout=HANGS_AFTER_S) as there:
                    there.sendall("\r\n".join(head).encode("latin-1") + body)
                    while part := there.recv(65536):
                        self.wfile.write(part)
                self.close_connection = True

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Browser:
    """Chromium without a window, with a profile of its own; names of evil.example lead to `address`."""

    def __init__(self, url, *flags, address="127.0.0.1"):
        program = shutil.which("chromium")
        if not program:
            raise Skip("there is no Chromium here (package chromium)")
        self.profile = tempfile.mkdtemp(prefix="boxagnts-browser-")
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={self.profile}", f"--host-resolver-rules=MAP evil.example {address}, MAP * ~NOTFOUND, "
             "EXCLUDE 127.0.0.1, EXCLUDE localhost", *flags, url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": self.profile, "LANG": "C.UTF-8"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        shutil.rmtree(self.profile, ignore_errors=True)

    def page(self):
        """What `--dump-dom` printed."""
        return self.process.communicate(timeout=HANGS_AFTER_S)[0].decode("utf-8", "replace")


def operations_of(served):
    """Every route, with what a path needs filled in."""
    document = served.ask("GET", "/api/v1/openapi.json", token=False).json()
    fill = {"session": served.session, "tool": "read"}
    found = []
    for path, methods in document["paths"].items():
        for name in ("session", "tool", "run", "approval", "blob", "entry"):
            path = path.replace("{" + name + "}", fill.get(name, "x"))
        found += [[method.upper(), path] for method in methods]
    return found


def state_of(served):
    sessions = served.ask("GET", "/api/v1/sessions").json()["sessions"]
    return sessions, served.history(served.session), sorted(
        (str(path.relative_to(served.case.workspace)), path.read_bytes() if path.is_file() else b"")
        for path in served.case.workspace.rglob("*") if ".boxagnts" not in path.parts)


def is_harmless(name, result):
    """Whether a page that was told this learned nothing of the server's answer but that there is one."""
    if result in ("opaque", "error", "sent", "nothing came", "") or result.startswith("threw "):
        return True
    if result.startswith("403 "):
        return "private words" not in result
    # A frame or an object is drawn where the page cannot look into it, and a style sheet that is none is empty.
    return result == "loaded" and name.rsplit(" ", 1)[1] in ("object", "frame")


def hostile(way):
    """`way`: "another port", "another site", "a rebound name"."""
    def play(case):
        (case.workspace / "notes.txt").write_text("private words")
        with Served(case) as served:
            model = case.model_file({"turns": [{"say": "private words"}]})
            started = served.start_run("private words", model)
            served.session = started["session"]
            with served.events(after=0) as stream:
                stream.until_end(started["run"])
            before = state_of(served)
            rebound = way == "a rebound name"
            address = "127.0.0.2" if rebound else "127.0.0.1"
            host = "127.0.0.1" if way == "another port" else "evil.example"
            target = f"http://evil.example:{served.port}" if rebound else f"http://127.0.0.1:{served.port}"
            operations = operations_of(served)
            page = PAGE.replace("TARGET", json.dumps(target)).replace("OPERATIONS", json.dumps(operations))
            site = Site(address, served.port if rebound else 0, page, served.port if rebound else None)
            try:
                with Browser(f"http://{host}:{site.port}/page", "--remote-debugging-port=0", address=address):
                    want(site.reported.wait(HANGS_AFTER_S), "the page did not report")
            finally:
                site.close()
            want(len(site.results) >= 5 * len(operations), f"only {len(site.results)} attempts")
            learned = [(name, result) for name, result in site.results if not is_harmless(name, result)]
            want(not learned, f"a page on {way} learned of {len(learned)} answers: {learned[:5]}")
            if rebound:  # there the browser shows what was answered
                refused = sum(result.startswith("403 ") for _, result in site.results)
                want(refused >= 4 * len(operations), f"only {refused} of {len(site.results)} were refused aloud")
            want(state_of(served) == before, "something changed")
            served.stop()
            return f"{len(site.results)} attempts on {len(operations)} routes"
    return play


def content_is_text(case):
    """S7's beginning: a page that an agent wrote does not run on the server's origin."""
    script = "<title>written</title><script>document.title = 'ran'</script><h1 onclick=x>written</h1>"
    (case.workspace / "page.html").write_text(script)
    (case.workspace / "drawing.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "ran"</script></svg>')
    with Served(case) as served:
        for name in ("page.html", "drawing.svg"):
            ticket = served.ask("POST", "/api/v1/auth/tickets", {"path": f"/api/v1/files/content?path={name}"}).json()
            with Browser(f"http://127.0.0.1:{served.port}{ticket['url']}", "--dump-dom") as browser:
                shown = browser.page()
            want("&lt;script&gt;" in shown, f"{name} is not shown as text: {shown[:500]}")
            want("<title>ran" not in shown, f"{name} ran: {shown[:500]}")
        served.stop()


CASES = [(f"page/hostile, on {way}", hostile(way)) for way in ("another port", "another site", "a rebound name")]
CASES += [("page/what the workspace holds is text", content_is_text)]
