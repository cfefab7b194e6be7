"""What the server offers a page around sessions: attachments, what a running tool writes, tags and search, copies."""
import base64
import struct
import zlib

from harness import want
from server_client import Served


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\x7f" * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def encoded(data):
    return base64.b64encode(data).decode()


def files_are_attached(case):
    case.put(case.workspace, {"docs/a.md": "What it says.\n", ".env": "KEY=1\n"})
    shot = png(5, 4)
    model = case.model_file({"turns": [{"say": "{{images}}"}]})
    with Served(case) as served:
        with served.events() as stream:
            started = served.start_run("Look.", model, attachments=[
                {"path": "docs/a.md"}, {"name": "shot.png", "data": encoded(shot)}, {"path": ".env"}])
            events = stream.until_end(started["run"])
        message = next(event for event in events if event["kind"] == "user_message")
        shown = [{key: value for key, value in file.items() if key != "blob"} for file in message["attachments"]]
        want(shown == [{"name": "a.md", "path": "docs/a.md", "media_type": "text/plain", "bytes": 14},
                       {"name": "shot.png", "media_type": "image/png", "bytes": len(shot), "width": 5, "height": 4},
                       {"name": ".env", "path": ".env", "media_type": "text/plain", "bytes": 6}], f"attached: {shown}")
        for file, data in zip(message["attachments"], (b"What it says.\n", shot, b"KEY=1\n")):
            blob = served.ask("GET", f"/api/v1/blobs/{file['blob']}")
            want(blob.status == 200 and blob.body == data, f"{file}: {blob.status} {blob.body[:80]}")
        said = next(event for event in events if event["kind"] == "assistant_block")["block"]["text"]
        want(said == f"attached: image 5x4 image/png {len(shot)} bytes, {len(shot)} bytes came", f"it came as {said}")

        for attachments, status, says in (
                ([{"path": "none.md"}], 404, "none.md"), ([{"path": "docs"}], 409, "folder"),
                ([{"path": "../x"}], 400, ""), ([{"path": ".boxagnts/state.db"}], 404, ""),
                ([{"name": "x", "data": "no base64"}], 400, "base64"),
                ([{"name": "x.pdf", "data": encoded(b"%PDF-1.7\xff")}], 400, '"x.pdf" cannot be attached: it is neither'),
                ([{"name": "x.png", "data": encoded(shot[:-9])}], 400, "cut off"),
                ([{"name": "x", "data": "", "path": "docs/a.md"}], 400, ""), ([{"name": "x"}], 400, ""),
                ([{"path": "docs/a.md"}] * 21, 400, ""),
                ([{"name": "x", "data": encoded(b"x" * 19_000_000)}, {"name": "y", "data": encoded(b"y" * 1_000_001)}],
                 400, "20.0 MB in all")):
            refused = served.ask("POST", "/api/v1/runs", {"prompt": "x", "model": model, "attachments": attachments})
            want(refused.status == status and says in refused.error()["message"],
                 f"{str(attachments)[:100]}: {refused.status} {refused.body[:300]}")
        want(len(served.ask("GET", "/api/v1/sessions").json()["sessions"]) == 1, "what was refused left a session")
        served.stop()
    (case.workspace / "shot.png").write_bytes(shot)
    done = case.run("Look.", model, "--attach", "shot.png", "--attach", "docs/a.md")
    want(done.code == 0 and "attached: image 5x4" in done.stdout, f"{done.code} {done.stdout} {done.stderr}")
    none = case.run("Look.", model, "--attach", "none.png")
    want(none.code != 0 and "none.png" in none.stderr, f"{none.code} {none.stderr}")


def next_named(messages, wanted):
    return next(data for name, data in messages if name == wanted)


def sessions_are_tagged_and_found(case):
    says = lambda text: case.model_file({"turns": [{"say": text}]}, text.split()[0])
    with Served(case) as served, served.events() as stream:
        ids = []
        for prompt, answer in (("Fix the parser.", "Tokenizer fixed, Grüße."), ("Look around.", "Nothing here."),
                               ("Write docs.", "Done with the docs.")):
            started = served.start_run(prompt, says(answer))
            stream.until_end(started["run"])
            ids.append(started["session"])
        first, second, third = ids
        shown = served.ask("PATCH", f"/api/v1/sessions/{second}", {"tags": ["work", "a b", "work"], "title": "Zwei"})
        want(shown.status == 200 and shown.json()["tags"] == ["a b", "work"] and shown.json()["title"] == "Zwei",
             f"changed: {shown.body}")
        served.ask("PATCH", f"/api/v1/sessions/{third}", {"tags": ["work"]})
        messages = stream.messages()
        told = [next_named(messages, "session") for _ in range(2)]
        want([one["id"] for one in told] == [second, third] and told[0] == shown.json(), f"told: {told}")
        tags = served.ask("GET", "/api/v1/tags").json()
        want(tags == {"tags": [{"tag": "a b", "sessions": 1}, {"tag": "work", "sessions": 2}]}, f"tags: {tags}")

        def found(query):
            page = served.ask("GET", f"/api/v1/sessions?{query}").json()
            want(page["complete"] is True, f"{query} was cut")
            return [(one["id"], one.get("found", {}).get("text")) for one in page["sessions"]]
        for query, wanted in (("tag=work", [(third, None), (second, None)]), ("query=zwei", [(second, None)]),
                              ("query=TOKENIZER+parser", [(first, "Tokenizer fixed, Grüße.")]),
                              ("query=GR%C3%9CSSE", [(first, "Tokenizer fixed, Grüße.")]),
                              ("query=docs&tag=work", [(third, None)]),
                              ("query=docs+nowhere", []), ("tag=none", [])):
            want(found(query) == wanted, f"{query}: {found(query)}")
        page = served.ask("GET", "/api/v1/sessions?limit=2").json()
        rest = served.ask("GET", f"/api/v1/sessions?limit=2&cursor={page['next']}").json()
        want([one["id"] for one in page["sessions"] + rest["sessions"]] == ids[::-1] and "next" not in rest, "pages")

        for body in ({}, {"tags": [" a"]}, {"tags": ["a\n"]}, {"tags": ["x" * 41]}, {"tags": [""]}, {"tags": "a"},
                     {"tags": [f"t{i}" for i in range(21)]}, {"title": ""}, {"tags": ["\u0007"]}):
            refused = served.ask("PATCH", f"/api/v1/sessions/{first}", body)
            want(refused.status == 400, f"{body}: {refused.status}")
        want(served.ask("DELETE", f"/api/v1/sessions/{second}").status == 200, "deleting")
        want(next_named(messages, "session") == {"id": second, "deleted": True}, "the deletion is not told")

        asks = case.model_file({"turns": [{"calls": [{"tool": "write", "id": "w", "arguments": {
            "file_path": "a.txt", "content": "1"}}]}, {"say": "ok"}]})
        started = served.start_run("Ask.", asks, mode="ask")
        asked = next(data for name, data in messages if name == "message" and data["kind"] == "approval_asked")
        session = served.ask("GET", f"/api/v1/sessions/{started['session']}").json()
        want((session["waiting"], session["run"], session["running"]) == (1, started["run"], True), f"{session}")
        served.ask("POST", f"/api/v1/questions/{asked['approval']}/answer", {"answer": "no"})
        stream.until_end(started["run"])
        served.stop()
    session = case.call("session", "list", "--json")
    want('"waiting":0' in session.stdout and '"run"' not in session.stdout, session.stdout)
    tagged = case.call("session", "tag", first, "x", "by hand")
    want(tagged.code == 0 and tagged.stdout == "#by hand #x\n", f"{tagged.stdout}{tagged.stderr}")
    listed = case.call("session", "list", "--query", "tokenizer", "--tag", "x")
    want(listed.code == 0 and first in listed.stdout and "Tokenizer fixed" in listed.stdout, f"{listed.stdout}")
    want(case.call("session", "tag", first, "").code == 2, "an empty tag")


def files_are_copied(case):
    case.put(case.workspace, {"docs/deep/a.md": "one", "tool.sh": {"content": "x", "mode": 0o750}})
    with Served(case) as served:
        def copy(start, to, status, says=""):
            answer = served.ask("POST", "/api/v1/files/copy", {"from": start, "to": to})
            want(answer.status == status and says in answer.body.decode(), f"{start}: {answer.status} {answer.body}")
            return answer.json()
        shown = copy("docs", "more", 201)
        want(shown["kind"] == "folder" and shown["name"] == "more", f"the copy: {shown}")
        want((case.workspace / "more/deep/a.md").read_text() == "one", "what was copied")
        copy("tool.sh", "more/tool.sh", 201)
        want((case.workspace / "more/tool.sh").stat().st_mode & 0o777 == 0o750, "the copy's permissions")
        copy("docs", "more", 409, "stands there already")
        copy("none", "x", 404)
        copy("../x", "y", 400)
        copy(".boxagnts", "state", 404)
        served.stop()


CASES = [
    ("server/files are copied", files_are_copied),
    ("server/sessions are tagged and found", sessions_are_tagged_and_found),
    ("server/files are attached", files_are_attached),
]
