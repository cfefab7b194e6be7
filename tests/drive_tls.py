"""Models over TLS: the plain Chat Completions server of drive_chat_server behind Node's TLS, in HTTP/1.1 and HTTP/2, with
compressed answers; certificates that do not hold; a program that connects to nothing on its own."""
import contextlib
import re
import shutil
import subprocess
from pathlib import Path

from drive_chat_server import Server, essence, random_cuts, scripted_essence, whole
from harness import Skip, check_history, mini_job, put_mini_project, want

FRONT = Path(__file__).with_name("tls_front.mjs")


def program(name):
    found = shutil.which(name)
    if not found:
        raise Skip(f"{name} is not here")
    return found


def certificate(folder, name="localhost", days=1):
    """(authority, certificate, key): files of a certificate by an authority of its own."""
    openssl = program("openssl")
    folder.mkdir(exist_ok=True)
    files = {part: str(folder / f"{name}.{part}") for part in ("ca", "cakey", "crt", "key", "csr", "ext")}

    def call(*arguments):
        subprocess.run([openssl, *arguments], check=True, capture_output=True)
    fresh = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    call("req", "-x509", *fresh, "-keyout", files["cakey"], "-out", files["ca"], "-days", "2", "-subj", "/CN=authority of a test")
    call("req", *fresh, "-keyout", files["key"], "-out", files["csr"], "-subj", "/CN=server of a test")
    Path(files["ext"]).write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
    call("x509", "-req", "-in", files["csr"], "-CA", files["ca"], "-CAkey", files["cakey"], "-CAcreateserial", "-out",
         files["crt"], "-days", str(days), "-extfile", files["ext"])
    return files["ca"], files["crt"], files["key"]


@contextlib.contextmanager
def behind_tls(case, server, protocol="h2", coding="identity", name="localhost"):
    """(environment, the protocols of its requests, which are there afterwards)"""
    node = program("node")
    authority, crt, key = certificate(case.root / "certificates", name)
    seen = []
    with server.serving() as environment:
        port = re.search(r":(\d+)/", environment["OPENAI_BASE_URL"])[1]
        front = subprocess.Popen([node, str(FRONT), protocol, coding, crt, key, port], stdout=subprocess.PIPE, text=True)
        try:
            port = int(front.stdout.readline())
            yield {**environment, "OPENAI_BASE_URL": f"https://localhost:{port}/v1", "SSL_CERT_FILE": authority}, seen
        finally:
            front.terminate()
            seen += front.communicate()[0].split()


def same_run(protocol, coding, cut=whole, retries=0, **how):
    def drive(case):
        put_mini_project(case)
        server = Server(mini_job(), cut, **how)
        with behind_tls(case, server, protocol, coding) as (environment, seen):
            done = case.run("Do the small job.", "openai/loopback", environment=environment)
        want(done.code == 0, f"exit code {done.code}: {done.ended()} {done.stderr}")
        check_history(case.history(done.session()))
        want(essence(case, done) == scripted_essence(case), "the run came out differently")
        came = sum(event["kind"] == "turn_retried" for event in done.events)
        want(came == retries, f"{came} retries, wanted {retries}")
        wanted = "HTTP/2.0" if protocol == "h2" else "HTTP/1.1"
        want(set(seen) == {wanted}, f"spoken was {set(seen)}")
        return f"{len(seen)} requests"
    return drive


def refused(protocol, status, body, code, words):
    def drive(case):
        server = Server(mini_job(), whole, refuse=[(status, body)] * 20)
        with behind_tls(case, server, protocol) as (environment, _):
            done = case.run("Go.", "openai/loopback", environment=environment)
        want(done.code == code, f"exit code {done.code}, wanted {code}: {done.ended()}")
        message = done.ended()["error"]["message"]
        for word in words:
            want(word in message, f"the sentence does not say {word!r}: {message}")
    return drive


def untrusted(words, name="localhost", knows_authority=True):
    """Refused at once, without a second try, and nothing of the request is sent."""
    def drive(case):
        server = Server(mini_job(), whole)
        with behind_tls(case, server, name=name) as (environment, seen):
            if not knows_authority:
                del environment["SSL_CERT_FILE"]
            done = case.run("Go.", "openai/loopback", environment=environment)
        want(done.code == 5, f"exit code {done.code}, wanted 5: {done.ended()}")
        message = done.ended()["error"]["message"]
        for word in words:
            want(word in message, f"the sentence does not say {word!r}: {message}")
        want(not any(event["kind"] == "turn_retried" for event in done.events), "it was tried again")
        want(not seen and not server.requests, "a request was sent")
    return drive


def offline(case):
    server = Server(mini_job(), whole)
    with server.serving() as environment:
        done = case.run("Go.", "openai/loopback", "--offline", environment=environment)
    want(done.code == 5 and "offline" in done.ended()["error"]["message"], f"{done.code}: {done.ended()}")
    want(not server.requests, "a request was sent")


def no_telemetry(case):
    """A run with a scripted model, and looking around: not one socket of the network is made."""
    strace = program("strace")
    put_mini_project(case)
    calls = (["run", "Do the small job.", "--json", "--model", case.model_file(mini_job()), "--mode", "edits"],
             ["session", "list"], ["tool", "list"], ["--version"])
    for number, arguments in enumerate(calls):
        log = case.root / f"strace.{number}"
        done = case.call(*arguments, prefix=(strace, "-f", "-qq", "-e", "trace=network", "-o", str(log)))
        if not log.exists() or "PTRACE" in done.stderr:
            raise Skip("strace may not trace here")
        want(done.code == 0, f"{arguments[0]}: exit code {done.code}: {done.stderr}")
        made = [line for line in log.read_text().splitlines() if "AF_INET" in line]
        want(not made, f"{arguments[0]} made {made[:3]}")


CASES = [
    *((f"tls/{protocol}, {coding}", same_run(protocol, coding))
      for protocol in ("h2", "http/1.1") for coding in ("identity", "gzip", "br")),
    ("tls/h2, random cuts", same_run("h2", "identity", random_cuts(1))),
    ("tls/http/1.1, random cuts", same_run("http/1.1", "identity", random_cuts(2))),
    ("tls/h2, drops in the middle", same_run("h2", "identity", retries=2, end_early=[0.3, 0.8])),
    ("tls/http/1.1, drops in the middle", same_run("http/1.1", "identity", retries=2, end_early=[0.3, 0.8])),
    ("tls/h2, gzip, drops in the middle", same_run("h2", "gzip", retries=2, end_early=[0.3, 0.8])),
    ("tls/h2, overload first", same_run("h2", "identity", retries=2, refuse=[(429, "{}"), (529, "<html>")])),
    ("tls/h2, unauthorized", refused("h2", 401, '{"error": {"message": "bad key"}}', 5, ["401", "bad key"])),
    ("tls/h2, forbidden", refused("h2", 403, '{"error": {"message": "not you"}}', 5, ["403", "not you"])),
    ("tls/h2, no such model", refused("h2", 404, '{"error": {"message": "no model x"}}', 2, ["404", "no model x"])),
    ("tls/http/1.1, broken", refused("http/1.1", 500, "<html>oops", 3, ["500"])),
    ("tls/h2, a page", refused("h2", 200, "<html>sign in</html>", 2, ["HTML"])),
    ("tls/an unknown authority", untrusted(["authority", "ca_file"], knows_authority=False)),
    ("tls/another host", untrusted(["another host", "elsewhere.test"], name="elsewhere.test")),
    ("tls/offline", offline),
    ("tls/no telemetry", no_telemetry),
]
