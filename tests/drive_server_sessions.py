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


CASES = [
    ("server/files are attached", files_are_attached),
]
