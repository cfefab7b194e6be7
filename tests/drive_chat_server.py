"""A loopback Chat Completions server that plays the same scripts as `scripted/…` and cuts its stream as it
likes: the run must come out the same, whole or not at all."""
import asyncio
import contextlib
import json
import random
import re
import socket
import threading

from harness import check_history, mini_job, put_mini_project, want

# --- what it says ------------------------------------------------------------------------------------------


def fill(value, results):
    """The scripted model's {{result:CALL_ID:LINES}}."""
    def found(match):
        text = results.get(match[1], "(no result)")
        return "\n".join(text.split("\n")[:int(match[2])]) if match[2] else text
    if isinstance(value, str):
        return re.sub(r"\{\{result:([^:}]+)(?::(\d+))?\}\}", found, value)
    return {key: fill(item, results) for key, item in value.items()} if isinstance(value, dict) else value


def turn_of(script, messages):
    prompts = [number for number, message in enumerate(messages)
               if message["role"] == "user" and isinstance(message["content"], str)]
    turns = script["conversations"][len(prompts) - 1]["turns"]
    answered = sum(message["role"] == "assistant" for message in messages[prompts[-1]:])
    return turns[answered]


def pieces(text, source):
    """Cut between characters, as servers do between tokens."""
    while text:
        length = source.randint(1, 9)
        yield text[:length]
        text = text[length:]


def chunks_of(turn, messages, source):
    """The JSON chunks of one answer, in today's usual form."""
    results = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}

    def chunk(delta, reason=None):
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "loopback",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(fill(turn.get("think", ""), results), source):
        yield chunk({"reasoning_content": piece})
    for piece in pieces(fill(turn.get("say", ""), results), source):
        yield chunk({"content": piece})
    for index, call in enumerate(turn.get("calls", [])):
        yield chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function",
                                     "function": {"name": call["tool"], "arguments": ""}}]})
        text = json.dumps(fill(call["arguments"], results), ensure_ascii=index % 2 == 0)
        for piece in pieces(text, source):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls" if turn.get("calls") else "stop")
    usage = turn.get("usage", {})
    yield {"choices": [], "usage": {"prompt_tokens": usage.get("input_tokens", 0),
                                    "completion_tokens": usage.get("output_tokens", 0)}}


def sse_of(turn, messages, source, line_end):
    events = [f": ping{line_end}{line_end}"]
    for number, chunk in enumerate(chunks_of(turn, messages, source)):
        text = json.dumps(chunk, ensure_ascii=number % 2 == 0)
        events.append(f"data: {text}{line_end}{line_end}")
    return "".join([*events, f"data: [DONE]{line_end}{line_end}"]).encode()


# --- how it says it ----------------------------------------------------------------------------------------


class Server:
    """One loop in a thread of its own. `cut` yields the sizes of writes; framing is chunked or close."""

    def __init__(self, script, cut, framing="chunked", line_end="\n", refuse=None, end_early=None):
        self.script, self.cut, self.framing, self.line_end = script, cut, framing, line_end
        self.refuse = list(refuse or [])        # (status, body) before an answer, one a request
        self.end_early = list(end_early or [])  # share of the bytes after which the connection drops
        self.requests, self.errors = [], []

    @contextlib.contextmanager
    def serving(self):
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0), loop).result()
        port = server.sockets[0].getsockname()[1]
        try:
            yield {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "sk-loopback"}
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
        want(not self.errors, f"the server saw: {self.errors}")

    async def serve(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self.answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.errors.append(repr(error))
        finally:
            writer.close()

    async def answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(re.findall(r"^([^:\r\n]+): *([^\r\n]*)\r$", head, re.M))
        headers = {name.lower(): value for name, value in headers.items()}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append((head.split("\r\n")[0], headers, body))
        if self.refuse:
            status, text = self.refuse.pop(0)
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            await writer.drain()
            return True
        source = random.Random(len(self.requests))
        data = sse_of(turn_of(self.script, body["messages"]), body["messages"], source, self.line_end)
        chunked = self.framing == "chunked"
        framing = "Transfer-Encoding: chunked" if chunked else "Connection: close"
        await self.put(writer, f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n\r\n".encode())
        if self.end_early:
            data = data[:int(len(data) * self.end_early.pop(0))]
            chunked, self.framing_after_cut = False, True
            await self.put(writer, b"%x\r\n%s" % (len(data) + 1, data) if self.framing == "chunked" else data)
            return False
        if chunked:
            data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in self.parts(data)) + b"0\r\n\r\n"
        await self.put(writer, data)
        return chunked

    def parts(self, data):
        sizes, at = self.cut(), 0
        while at < len(data):
            size = next(sizes)
            yield data[at:at + size]
            at += size

    async def put(self, writer, data):
        for part in self.parts(data):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)


def every_byte():
    while True:
        yield 1


def whole():
    while True:
        yield 1 << 20


def random_cuts(seed):
    def sizes():
        source = random.Random(seed)
        while True:
            yield source.choice((1, 2, 3, 5, 17, 63, 64, 65, 500, 4096))
    return sizes


# --- cases -------------------------------------------------------------------------------------------------


def essence(case, done):
    """What must not depend on how the answer came: blocks, results, usage, files."""
    def neutral(value):
        return json.loads(json.dumps(value).replace(str(case.root), "ROOT"))
    blocks, results = [], []
    for event in done.events:
        if event["kind"] == "assistant_block":
            block = dict(event["block"])
            if block["type"] == "tool_call":
                block["arguments"] = json.loads(block["arguments"])
            blocks.append(block)
        if event["kind"] == "tool_finished":
            results.append({key: event["result"][key] for key in ("call_id", "status", "text")})
    files = {str(path.relative_to(case.workspace)): path.read_text()
             for path in sorted(case.workspace.rglob("*")) if path.is_file() and ".boxagnts" not in path.parts}
    return neutral([blocks, results, done.ended()["usage"], done.ended()["turns"], files])


def scripted_essence(case):
    from harness import Case
    one = Case(case.binary)
    try:
        put_mini_project(one)
        done = one.run("Do the small job.", one.model_file(mini_job()))
        want(done.code == 0, f"the scripted run ended with {done.code}: {done.stderr}")
        return essence(one, done)
    finally:
        one.close()


def same_run(cut, **how):
    def drive(case):
        put_mini_project(case)
        server = Server(mini_job(), cut, **how)
        with server.serving() as environment:
            done = case.run("Do the small job.", "openai/loopback", environment=environment)
        want(done.code == 0, f"exit code {done.code}: {done.ended()} {done.stderr}")
        check_history(case.history(done.session()))
        came, wanted = essence(case, done), scripted_essence(case)
        want(came == wanted, f"came {json.dumps(came)[:3000]}\nwanted {json.dumps(wanted)[:3000]}")
        line, headers, body = server.requests[0]
        want(line == "POST /v1/chat/completions HTTP/1.1", f"the request was {line}")
        want(headers.get("authorization") == "Bearer sk-loopback", f"the headers were {headers}")
        want(body["stream"] is True and body["model"] == "loopback", "the body is none of ours")
        return f"{len(server.requests)} requests"
    return drive


def retried(how_often, **how):
    """Something went wrong first; the run comes out the same and its log says what happened."""
    def drive(case):
        put_mini_project(case)
        with Server(mini_job(), whole, **how).serving() as environment:
            done = case.run("Do the small job.", "openai/loopback", environment=environment)
        want(done.code == 0, f"exit code {done.code}: {done.ended()}")
        retries = sum(event["kind"] == "turn_retried" for event in done.events)
        want(retries == how_often, f"{retries} retries, wanted {how_often}")
        want(essence(case, done) == scripted_essence(case), "the run came out differently")
        check_history(case.history(done.session()))
    return drive


def refused(status, body, code, words):
    def drive(case):
        with Server(mini_job(), whole, refuse=[(status, body)] * 20).serving() as environment:
            done = case.run("Go.", "openai/loopback", environment=environment)
        want(done.code == code, f"exit code {done.code}, wanted {code}: {done.ended()}")
        message = done.ended()["error"]["message"]
        for word in words:
            want(word in message, f"the sentence does not say {word!r}: {message}")
        check_history(case.history(done.session()))
    return drive


PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEUlEQVR4nGP4z8AARGACTgMAPtYF+1iCz0YAAAAASUVORK5C"
       "YII=")


def image(name, config, shown):
    """An image that read gives is sent behind all results, in a user message; a blind model gets words."""
    script = {"conversations": [{"turns": [
        {"calls": [{"id": "c1", "tool": "read", "arguments": {"file_path": "a.png"}},
                   {"id": "c2", "tool": "read", "arguments": {"file_path": "a.txt"}}]},
        {"say": "I looked."}]}]}

    def drive(case):
        case.put(case.workspace, {"a.png": {"base64": PNG}, "a.txt": "hello\n"})
        case.put(case.root / "home/config/boxagnts", {"config.toml": config})
        server = Server(script, whole)
        with server.serving() as environment:
            done = case.run("Look.", f"openai/{name}", environment=environment)
        want(done.code == 0, f"exit code {done.code}: {done.ended()} {done.stderr}")
        messages = server.requests[1][2]["messages"]
        first, second, *rest = messages[[message["role"] for message in messages].index("tool"):]
        want(second["role"] == "tool" and second["tool_call_id"] == "c2", f"the results are parted: {messages}")
        if shown:
            url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
            want(len(rest) == 1 and rest[0]["role"] == "user" and url in rest[0]["content"], f"sent was {rest}")
            want(isinstance(first["content"], str), f"the tool message is no text: {first}")
        else:
            want(not rest, f"sent was {rest}")
            want("image 2x3 image/png" in first["content"] and "cannot see" in first["content"], f"{first}")
        check_history(case.history(done.session()))
    return drive


def unreachable(case):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = case.run("Go.", "openai/x", environment={"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"})
    want(done.code == 3, f"exit code {done.code}, wanted 3: {done.ended()}")
    want(str(port) in done.ended()["error"]["message"], f"the address is not named: {done.ended()}")
    check_history(case.history(done.session()))


CASES = [
    ("chat server/every byte, chunked", same_run(every_byte)),
    ("chat server/every byte, until closed", same_run(every_byte, framing="close")),
    ("chat server/whole, CRLF", same_run(whole, line_end="\r\n")),
    ("chat server/every byte, CRLF", same_run(every_byte, line_end="\r\n")),
    *((f"chat server/random cuts {seed}", same_run(random_cuts(seed), framing=("chunked", "close")[seed % 2]))
      for seed in range(6)),
    ("chat server/drops in the middle, chunked", retried(2, end_early=[0.3, 0.8])),
    ("chat server/drops in the middle, until closed", retried(2, end_early=[0.3, 0.8], framing="close")),
    ("chat server/busy first", retried(2, refuse=[(429, "{}"), (503, "<html>")])),
    ("chat server/unauthorized", refused(401, '{"error": {"message": "bad key"}}', 5, ["401", "bad key"])),
    ("chat server/no such model", refused(404, '{"error": {"message": "no model x"}}', 2, ["404", "no model x"])),
    ("chat server/broken", refused(500, "<html>oops", 3, ["500"])),
    ("chat server/an image to a model that sees", image("gpt-4o", "", True)),
    ("chat server/an image to a model that is blind", image("loopback", "", False)),
    ("chat server/an image, sight by configuration", image("loopback", "[model]\nimages = true\n", True)),
    ("chat server/an image, blind by configuration", image("gpt-4o", "[model]\nimages = false\n", False)),
    ("chat server/unreachable", unreachable),
]
