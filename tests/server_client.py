"""`boxagnts serve` as a process of a case, and a client of it that a test steers to the byte."""
import http.client
import json
import re
import signal
import socket
import subprocess
import threading

from harness import HANGS_AFTER_S, Failure, want


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """Its error, in the one shape."""
        shown = self.json()
        want(set(shown) == {"error"} and {"code", "message"} <= set(shown["error"]), f"no error: {shown}")
        return shown["error"]


class Served:
    """A server on a port of the system's choice; ended by stop() or kill()."""

    def __init__(self, case, *flags, environment=None, port=0):
        self.case = case
        self.process = case.start(["serve", "--port", str(port), *flags], environment)
        line = self.process.stdout.readline().decode()
        found = re.search(r"at (https?)://(\S+?):(\d+)/(?:#token=(\S+))?", line)
        if not found:
            self.process.kill()
            raise Failure(f"no address: {line!r}, {self.process.communicate()[1].decode()[-500:]}")
        self.host, self.port, self.token = found[2], int(found[3]), found[4]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS_AFTER_S)

    def ask(self, method, path, body=None, headers=None, token=True, host=None):
        """One request on a connection of its own. `body` that is no bytes goes as JSON."""
        connection = self.connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            sent = dict(headers or {})
            if token is True:
                token = self.token
            if token:
                sent.setdefault("Authorization", f"Bearer {token}")
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                sent.setdefault("Content-Type", "application/json")
            if body is not None:
                sent["Content-Length"] = str(len(body))
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def start_run(self, prompt, model, **more):
        answer = self.ask("POST", "/api/v1/runs", {"prompt": prompt, "model": model, "mode": "edits", **more})
        want(answer.status == 201, f"starting a run: {answer.status} {answer.body[:500]}")
        return answer.json()

    def events(self, after=None, session=None, last_id=None):
        return Stream(self, after, session, last_id)

    def history(self, session):
        """By pages of three."""
        events, after = [], 0
        while True:
            page = self.ask("GET", f"/api/v1/sessions/{session}/events?after={after}&limit=3").json()
            events += page["events"]
            if not page["events"]:
                want(page["last"] == len(events), f"last is {page['last']} after {len(events)} events")
                return events
            after = events[-1]["number"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            _, err = self.process.communicate(timeout=HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure("the server did not end") from None
        want(self.process.returncode == 0, f"the server ended with {self.process.returncode}: {err[-500:]}")
        return err.decode()

    def kill(self):
        self.process.kill()
        self.process.communicate()


class Stream:
    """The event stream, message by message; `last_id` is the last position it told."""

    def __init__(self, served, after=None, session=None, last_id=None):
        query = [f"after={after}"] if after is not None else []
        query += [f"session={session}"] if session else []
        headers = {"Authorization": f"Bearer {served.token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = str(last_id)
        self.connection = served.connect()
        self.connection.request("GET", "/api/v1/events" + ("?" + "&".join(query) if query else ""), headers=headers)
        self.response = self.connection.getresponse()
        want(self.response.status == 200, f"the stream: {self.response.status}")
        self.last_id = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        # The response holds a copy of the socket: shutting down ends both.
        if self.connection.sock:
            try:
                self.connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.response.close()
        self.connection.close()

    def messages(self):
        """(name, data) of each; ends with the stream, however it ends."""
        name, data = "message", None
        while True:
            try:
                line = self.response.readline()
            except (OSError, http.client.HTTPException, ValueError):
                return
            if not line.endswith(b"\n"):
                return
            line = line.rstrip(b"\r\n").decode()
            if line.startswith("id: "):
                self.last_id = int(line[4:])
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and data is not None:
                yield name, data
                name, data = "message", None

    def events(self):
        return (data for name, data in self.messages() if name == "message")

    def until_end(self, run):
        """Events up to the end of a run."""
        events = []
        for event in self.events():
            events.append(event)
            if event["kind"] == "run_ended" and event["run"] == run and "of" not in event:
                return events
        raise Failure(f"the stream ended before the run did, after {len(events)} events")


class Reader(threading.Thread):
    """Follows a workspace in a thread of its own over reconnects and restarts, as a page does, and keeps the
    position of every event it saw."""

    def __init__(self, address_of, source, session=None):
        super().__init__(daemon=True)
        self.address_of, self.source, self.session = address_of, source, session
        self.positions, self.last, self.failure = [], 0, None
        self.until = threading.Event()  # nobody needs more
        self.changed = threading.Condition()
        self.start()

    def run(self):
        try:
            while not self.until.is_set():
                self.follow_once()
        except Exception as why:  # shown by the case
            self.failure = why
            with self.changed:
                self.changed.notify_all()

    def follow_once(self):
        served = self.address_of()
        if served is None:
            self.until.wait(0.01)
            return
        try:
            stream = Stream(served, after=self.last, session=self.session)
        except (OSError, http.client.HTTPException):
            self.until.wait(0.01)
            return
        with stream:
            left = self.source.randint(1, 30)
            for event in stream.events():
                with self.changed:
                    self.positions.append(event["position"])
                    self.last = event["position"]
                    self.changed.notify_all()
                left -= 1
                if left == 0 or self.until.is_set():
                    return

    def wait_for(self, position):
        with self.changed:
            seen = self.changed.wait_for(lambda: self.failure or self.last >= position, HANGS_AFTER_S)
        want(seen and not self.failure, f"a reader is at {self.last}, wanted {position}: {self.failure}")
        self.until.set()
        return self.positions
