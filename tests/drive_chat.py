"""`boxagnts chat` on a terminal, driven through tmux as a person does: what is typed, what stands on the screen."""
import os
import re
import select
import shlex
import subprocess
import time
from pathlib import Path

from harness import HANGS_AFTER_S, Skip, check_history, want

HELLO = {"turns": [{"say": "Hello there."}]}


def talk(*answers):
    """A script that gives the n-th message of a session the n-th answer."""
    return {"conversations": [{"turns": [{"say": answer}]} for answer in answers]}


WRITE = {"tool": "write", "id": "w", "arguments": {"file_path": "out/a.txt", "content": "1"}}


class Screen:
    """A tmux server of its own with one window, in which a command runs."""

    def __init__(self, case, command, columns=80, rows=24, environment=None):
        self.case, self.socket = case, str(case.root / f"tmux{len(list(case.root.glob('tmux*')))}")
        # What is None is taken away; without a TERM tmux says what it is.
        values = {**case.environment(), "TERM": None, "BOXAGNTS_UNATTENDED": None, **(environment or {})}
        gone = [name for name, value in values.items() if value is None and name != "TERM"]
        words = ["env", *(word for name in gone for word in ("-u", name)),
                 *(f"{name}={value}" for name, value in values.items() if value is not None)]
        (case.root / "tmux.conf").write_text("set -g remain-on-exit on\nset -s escape-time 0\nset -g status off\n")
        self.code = Path(f"{self.socket}.code")
        line = (f"cd {shlex.quote(str(case.workspace))} && {shlex.join(words)} {shlex.join(map(str, command))}; "
                f"echo $? > {shlex.quote(str(self.code))}")
        try:
            self.tmux("-f", str(case.root / "tmux.conf"), "new-session", "-d", "-x", str(columns), "-y", str(rows), line)
        except FileNotFoundError:
            raise Skip("tmux is not installed (scripts/install)") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)

    def tmux(self, *words, stdin=None):
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.case.root)}
        done = subprocess.run(["tmux", "-u", "-S", self.socket, *words], input=stdin, capture_output=True,
                              env=environment, timeout=HANGS_AFTER_S)
        want(done.returncode == 0, f"tmux {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "replace")

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def say(self, text):
        self.type(text)
        self.wait(text[-15:])
        self.keys("Enter")

    def paste(self, text):
        self.tmux("load-buffer", "-", stdin=text.encode())
        self.tmux("paste-buffer", "-p", "-r")

    def text(self, history=False):
        return self.tmux("capture-pane", "-p", "-J", *(("-S", "-") if history else ()))

    def wait(self, wanted, history=False):
        """Until the screen holds a text, or a function of it says so."""
        holds = wanted if callable(wanted) else (lambda text: wanted in text)
        deadline = time.monotonic() + HANGS_AFTER_S
        while not holds(text := self.text(history)):
            want(not self.code.exists(), f"it ended before the screen held {wanted!r}:\n{text}")
            want(time.monotonic() < deadline, f"the screen lacks {wanted!r}:\n{text}")
            select.select([], [], [], 0.02)
        return text

    def prompt(self, times, mode="ask"):
        """Until an empty prompt stands at the end, the n-th that there was."""
        return self.wait(lambda text: text.rstrip().endswith(f"{mode}>") and
                         len(re.findall(rf"^{mode}>", text, re.M)) == times, history=True)

    def ended(self):
        """The exit code, once it has one."""
        deadline = time.monotonic() + HANGS_AFTER_S
        while not (self.code.exists() and self.code.read_text().endswith("\n")):
            want(time.monotonic() < deadline, f"it did not end:\n{self.text()}")
            select.select([], [], [], 0.02)
        return int(self.code.read_text())


def chat(case, script, *flags, **more):
    return Screen(case, [case.binary, "chat", "--model", case.model_file(script), *flags], **more)


def messages(case):
    """What the person said, session after session; every history must be whole."""
    said = []
    for session in reversed(case.sessions()):
        events = case.history(session["id"])
        check_history(events)
        said += [event["text"] for event in events if event["kind"] == "user_message"]
    return said


def bytes_of(case, function, **more):
    """What the program writes to the terminal while a function drives it, to the letter."""
    raw = case.root / "raw"
    with chat(case, **more) as screen:
        screen.tmux("pipe-pane", "-o", f"cat > {shlex.quote(str(raw))}")
        function(screen)
        screen.keys("C-d")
        want(screen.ended() == 0, "it did not end well")
    return raw.read_bytes()


# --- messages and answers ------------------------------------------------------------------------

def answers_stream(case):
    pieces = " ".join(f"word{number}" for number in range(40))
    with chat(case, {"turns": [{"say": pieces, "pace_ms": 20}]}) as screen:
        screen.prompt(1)
        screen.say("hello")
        partial = screen.wait("word3")
        screen.wait("word39")
        screen.wait("finished: 1 turn")
        screen.prompt(2)
        want("word39" not in partial, "the answer came in one piece")
        screen.keys("C-d")
        want(screen.ended() == 0, "Ctrl-D")
    want(messages(case) == ["hello"], f"{messages(case)}")


def several_lines(case):
    with chat(case, talk("One.", "Two.")) as screen:
        screen.prompt(1)
        screen.type("first")
        screen.keys("M-Enter")
        screen.wait("   | ")
        screen.type("second")
        screen.keys("Enter")
        screen.wait("One.")
        screen.prompt(2)
        screen.type("third\\")
        screen.keys("Enter")
        screen.type("fourth")
        screen.wait("| fourth")
        screen.keys("Enter")
        screen.wait("Two.")
    want(messages(case) == ["first\nsecond", "third\nfourth"], f"{messages(case)}")


def a_paste_does_not_send(case):
    with chat(case, HELLO) as screen:
        screen.prompt(1)
        screen.paste("int main() {\n\treturn 0;\n}\n")
        screen.wait("return 0;")
        screen.type("what is it?")
        screen.wait("what is it?")
        want(case.sessions() == [], "the paste was sent")
        screen.keys("Enter")
        screen.wait("Hello there.")
    want(messages(case) == ["int main() {\n\treturn 0;\n}\nwhat is it?"], f"{messages(case)}")


def keys_edit(case):
    with chat(case, HELLO) as screen:
        screen.prompt(1)
        screen.type("wörld 日本 end")
        screen.wait("日本 end")
        screen.keys("C-w", "BSpace", "BSpace")
        screen.wait(lambda text: text.rstrip().endswith("wörld 日"))
        screen.keys("C-a")
        screen.type("hello ")
        screen.keys("C-e", "C-u")
        screen.wait(lambda text: text.rstrip().endswith("ask>"))
        screen.keys("C-y")
        screen.wait("hello wörld 日")
        screen.keys("M-b", "M-b", "C-k")
        screen.wait(lambda text: text.rstrip().endswith("ask> hello"))
        screen.keys("Enter")
        screen.wait("Hello there.")
    want(messages(case) == ["hello "], f"{messages(case)}")


def the_history_is_kept(case):
    for part in range(2):
        with chat(case, talk("One.", "Two.", "Three.")) as screen:
            screen.prompt(1)
            if part == 0:
                screen.say("apples and pears")
                screen.prompt(2)
                screen.say("plums")
                screen.prompt(3)
            else:
                screen.type("a draft")
                screen.keys("Up", "Up", "Down", "Down")
                screen.wait("a draft")
                screen.keys("C-u", "C-r")
                screen.wait("(search)")
                screen.type("pear")
                screen.wait("ask> apples and pears")
                screen.keys("Enter")
                screen.wait("One.")
            screen.keys("C-d")
            screen.ended()
    want(messages(case) == ["apples and pears", "plums", "apples and pears"], f"{messages(case)}")
    kept = case.workspace / ".boxagnts/chat_history"
    want(kept.stat().st_mode & 0o777 == 0o600, "others may read what was written")


def tab_completes(case):
    case.put(case.workspace, {"src/main.c": "x", "src/names.txt": "x", "bad\x1b[31mname": "x"})
    with chat(case, HELLO) as screen:
        screen.prompt(1)
        screen.type("/he")
        screen.keys("Tab")
        screen.wait("ask> /help ")
        screen.keys("C-u")
        screen.type("look at @s")
        screen.keys("Tab")
        screen.wait("look at @src/")
        screen.keys("Tab")
        screen.wait(lambda text: "@src/main.c" in text and "@src/names.txt" in text)
        screen.type("m")
        screen.keys("Tab")
        screen.wait(lambda text: text.rstrip().endswith("look at @src/main.c"))
        screen.keys("Enter")
        screen.wait("Hello there.")
    want(messages(case) == ["look at @src/main.c "], f"{messages(case)}")


# --- questions -----------------------------------------------------------------------------------

def asks_about_a_write(case, function):
    """One message, whose answer writes out/a.txt; the function answers."""
    script = {"conversations": [{"turns": [{"calls": [WRITE]}, {"say": "Done so."}]}, {"turns": [{"say": "Next."}]}]}
    with chat(case, script) as screen:
        screen.prompt(1)
        screen.say("write it")
        screen.wait("answer [y/n")
        function(screen)
        screen.prompt(2)
        screen.say("and now")
        screen.wait("Next.")
    events = case.history(case.sessions()[0]["id"])
    check_history(events)
    return [event for event in events if event["kind"] == "approval_answered"], (case.workspace / "out/a.txt").exists()


def answer_with(*lines):
    def answer(screen):
        for line in lines:
            screen.type(line)
            screen.keys("Enter")
            screen.wait("please answer" if line == "what?" else "to the model:" if line == "r" else "Done so.")
    return answer


def questions_are_answered(case):
    answered, written = asks_about_a_write(case, answer_with("what?", "y"))
    want(answered[0]["answer"] == "yes" and written, f"{answered}")


def questions_are_denied(case):
    answered, written = asks_about_a_write(case, answer_with("n"))
    want(answered[0]["answer"] == "no" and not written, f"{answered}")


def questions_for_this_run(case):
    answered, written = asks_about_a_write(case, answer_with("a"))
    want(answered[0]["answer"] == "for-this-run" and written, f"{answered}")


def questions_with_a_word(case):
    answered, written = asks_about_a_write(case, answer_with("r", "into docs, please"))
    want(answered[0]["answer"] == "no" and answered[0].get("text") == "into docs, please", f"{answered}")
    want(not written, "it was written")


def a_question_is_cancelled(case):
    def cancel(screen):
        screen.keys("C-c")
        screen.wait("cancelled:")
    answered, written = asks_about_a_write(case, cancel)
    want(answered[0]["answer"] == "no" and not written, f"{answered}")


def a_diff_is_seen_whole(case):
    lines = "".join(f"line {number}\n" for number in range(200))
    call = {"tool": "write", "id": "w", "arguments": {"file_path": "a.txt", "content": lines}}
    with chat(case, {"turns": [{"calls": [call]}, {"say": "Done so."}]}) as screen:
        screen.prompt(1)
        screen.say("write it")
        shown = screen.wait("answer [y/n")
        want("+line 0" in shown and "more lines: v shows all" in shown and "+line 199" not in shown, shown)
        screen.say("v")
        screen.wait("+line 199", history=True)
        want("+line 100" in screen.text(history=True), "a part is missing")
        screen.wait(lambda text: re.search(r"answer \[[^\n]*: *$", text.rstrip() + " "))
        screen.type("y")
        screen.keys("Enter")
        screen.wait("Done so.")
    want((case.workspace / "a.txt").read_text() == lines, "it was not applied")


def a_plan_is_agreed_to(case):
    plan = {"tool": "exit_plan_mode", "id": "p", "arguments": {"plan": "1. write a file\n2. be done"}}
    script = {"conversations": [{"turns": [{"calls": [plan]}, {"calls": [{**plan, "id": "p2"}]}, {"say": "Agreed."}]},
                                {"turns": [{"say": "Next."}]}]}
    with chat(case, script, "--mode", "plan") as screen:
        screen.prompt(1, "plan")
        screen.say("plan it")
        screen.wait("│ 2. be done")
        screen.wait("answer [y/n")
        screen.say("r")
        screen.wait("to the model:")
        screen.say("add a test")
        screen.wait(lambda text: text.count("│ 2. be done") == 2 and text.rstrip().endswith("/v]:"))
        screen.type("y")
        screen.keys("Enter")
        screen.wait("Agreed.")
        screen.prompt(1)
        screen.say("and now")
        screen.wait("Next.")
    events = case.history(case.sessions()[0]["id"])
    check_history(events)
    results = [event["result"] for event in events if event["kind"] == "tool_finished"]
    want(results[0]["status"] == "denied" and "add a test" in results[0]["text"], f"{results}")
    want([event["mode"] for event in events if event["kind"] == "run_started"] == ["plan", "ask"], "the modes")


def the_model_asks(case):
    def ask(number, **more):
        return {"calls": [{"tool": "ask_user_question", "id": f"q{number}",
                           "arguments": {"question": f"Question {number}?", **more}}]}
    script = {"turns": [ask(1, options=["red", {"label": "blue", "description": "as the sky"}]),
                        ask(2, options=["a", "b", "c"], multiple=True), ask(3), ask(4), {"say": "Thanks."}]}
    with chat(case, script) as screen:
        screen.prompt(1)
        screen.say("ask me")
        for number, typed in ((1, "2"), (2, "3 1"), (3, "in my own words"), (4, "-")):
            screen.wait(f"│ Question {number}?")
            screen.wait(lambda text: text.rstrip().endswith("answer:"))
            screen.type(typed)
            screen.keys("Enter")
        screen.wait("Thanks.")
    results = [event["result"]["text"] for event in case.history(case.sessions()[0]["id"])
               if event["kind"] == "tool_finished"]
    for result, wanted in zip(results, ("blue", "c, a", "in my own words", "would not answer"), strict=True):
        want(wanted in result, f"{wanted!r} is not in {result!r}")


def a_connection_is_asked_about(case):
    fetch = {"tool": "web_fetch", "id": "f", "arguments": {"url": "http://nowhere.example:8080/x"}}
    with chat(case, {"turns": [{"calls": [fetch]}, {"say": "Then not."}]}) as screen:
        screen.prompt(1)
        screen.say("fetch it")
        screen.wait("nowhere.example, port 8080 (http)")
        screen.wait("answer [y/n")
        screen.type("n")
        screen.keys("Enter")
        screen.wait("Then not.")
    events = case.history(case.sessions()[0]["id"])
    check_history(events)
    want([event["answer"] for event in events if event["kind"] == "approval_answered"] == ["no"], "the answer")


# --- Ctrl-C, Ctrl-D, Ctrl-Z, the end of the terminal ---------------------------------------------

SLOW = {"conversations": [{"turns": [{"say": " ".join(["slowly"] * 5000), "pace_ms": 20}]},
                          {"turns": [{"say": "I am still here."}]}]}


def interrupt_in_an_answer(case):
    with chat(case, SLOW) as screen:
        screen.prompt(1)
        screen.say("go")
        screen.wait("slowly slowly")
        screen.keys("C-c")
        screen.wait("cancelled: ")
        screen.prompt(2)
        screen.say("are you there?")
        screen.wait("I am still here.")
    want(messages(case) == ["go", "are you there?"], f"{messages(case)}")


def interrupt_at_the_prompt(case):
    with chat(case, HELLO) as screen:
        screen.prompt(1)
        screen.type("half a message")
        screen.wait("half a message")
        screen.keys("C-c")
        screen.prompt(2)
        screen.keys("C-c")
        screen.wait("Ctrl-C again leaves")
        screen.type("x")
        screen.wait("ask> x")
        screen.keys("BSpace", "C-c")
        want(screen.ended() == 0, "Ctrl-C twice")
    want(case.sessions() == [], "something was sent")


def stopped_and_continued(case):
    with Screen(case, ["bash", "--norc", "-i"]) as screen:
        screen.type(f"PS1='shell$ '; {case.binary} chat --model {case.model_file(HELLO)}")
        screen.keys("Enter")
        screen.wait("Ctrl-D leaves")
        screen.type("before")
        screen.wait("ask> before")
        screen.keys("C-z")
        screen.wait("Stopped")
        screen.type("echo $((6*7)); fg")
        screen.keys("Enter")
        screen.wait("42")
        screen.wait(lambda text: text.rstrip().endswith("ask> before"))
        screen.type(" and after")
        screen.keys("Enter")
        screen.wait("Hello there.")
        screen.wait(lambda text: text.rstrip().endswith("ask>"))
        screen.keys("C-d")
        screen.wait(lambda text: text.rstrip().endswith("shell$"))
        screen.type("stty -a | tr ';' '\\n'")
        screen.keys("Enter")
        screen.wait(lambda text: " icanon" in text and " echo " in text)
    want(messages(case) == ["before and after"], f"{messages(case)}")


def the_terminal_goes_away(case):
    with chat(case, SLOW) as screen:
        screen.prompt(1)
        screen.say("go")
        screen.wait("slowly slowly")
        shell = screen.tmux("display-message", "-p", "#{pane_pid}").strip()
        pid = int(Path(f"/proc/{shell}/task/{shell}/children").read_text())
    deadline = time.monotonic() + HANGS_AFTER_S
    while os.path.exists(f"/proc/{pid}"):
        want(time.monotonic() < deadline, "it still runs")
        select.select([], [], [], 0.02)
    events = case.history(case.sessions()[0]["id"])
    check_history(events)
    want(events[-1]["kind"] == "run_ended" and events[-1]["outcome"] == "cancelled", f"{events[-1]}")


# --- terminals -----------------------------------------------------------------------------------

def in_twenty_columns(case):
    with chat(case, talk("日本語のとても長い答えです。", "Again.")) as screen:
        screen.prompt(1)
        text = "the quick brown fox jumps over the lazy dog"
        screen.type(text)
        screen.wait(text)
        screen.tmux("resize-window", "-x", "20", "-y", "12")
        rows = screen.wait(lambda shown: "ask> the quick brow\nn fox jumps over th\ne lazy dog" in shown)
        want(rows.count("ask>") == 1, f"the prompt stands there twice:\n{rows}")
        screen.type("日本")
        screen.wait("e lazy dog日本")
        screen.keys("Enter")
        screen.wait("日本語のとても長い答")
        screen.wait(lambda shown: shown.rstrip().endswith("ask>"))
        screen.tmux("resize-window", "-x", "80", "-y", "24")
        screen.type("wide again")
        screen.wait("ask> wide again")
        screen.keys("Enter")
        screen.wait("Again.")
    want(messages(case) == [text + "日本", "wide again"], f"{messages(case)}")


def a_dumb_terminal(case):
    def drive(screen):
        screen.wait(lambda text: text.rstrip().endswith("ask>"))
        screen.type("hello\\")
        screen.keys("Enter")
        screen.type("again")
        screen.keys("Enter")
        screen.wait("answer [y/n")
        screen.type("y")
        screen.keys("Enter")
        screen.wait("Done.")
        screen.wait(lambda text: text.rstrip().endswith("ask>"))
    script = {"turns": [{"think": "hm", "calls": [WRITE]}, {"say": "Done."}]}
    raw = bytes_of(case, drive, script=script, environment={"TERM": "dumb"})
    want(b"\x1b" not in raw, f"a dumb terminal was steered: {raw!r}")
    want(messages(case) == ["hello\nagain"], f"{messages(case)}")


def without_colours(case):
    def drive(screen):
        screen.prompt(1)
        screen.say("hello")
        screen.wait("Hello there.")
        screen.prompt(2)
    plain = bytes_of(case, drive, script=HELLO, environment={"NO_COLOR": "1"})
    want(not re.search(rb"\x1b\[[0-9;]*m", plain), f"it was painted: {plain!r}")
    coloured = bytes_of(case, drive, script=HELLO)
    want(re.search(rb"\x1b\[2m", coloured), "nothing was painted at all")


def nothing_steers_the_terminal(case):
    """Escapes in a thought, an answer, a call, a file's name and a result."""
    hostile = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x1b[?1049h‮"
    case.put(case.workspace, {"a.txt": hostile + "\n"})
    script = {"turns": [
        {"think": hostile + "T", "say": hostile + "S", "calls": [
            {"tool": "read", "id": "r", "arguments": {"file_path": "a.txt"}},
            {"tool": hostile + "N", "id": "n", "arguments": {"x": hostile}},
            {"tool": "write", "id": "w", "arguments": {"file_path": f"{hostile}F", "content": hostile}}]},
        {"say": "The end."}]}

    def drive(screen):
        screen.prompt(1)
        screen.say("go")
        screen.wait("answer [y/n")
        screen.type("y")
        screen.keys("Enter")
        screen.wait("The end.")
        screen.prompt(2)
    raw = bytes_of(case, drive, script=script)
    for part in (b"\x1b]", b"\x07", b"\x1b[2J", b"\xc2\x9b", b"\x1b[?1049", "‮".encode()):
        want(part not in raw, f"{part!r} reached the terminal: {raw!r}")
    want(raw.count(rb"\u202eS") == 1, f"the answer was shown twice: {raw!r}")


# --- commands ------------------------------------------------------------------------------------

def commands_work(case):
    other = case.model_file(talk("Other one.", "Other two."), "other")
    with chat(case, talk("One.", "Two.")) as screen:
        screen.prompt(1)
        for line, shown in (("/help", "/sessions"), ("/tool", "did you mean /tools?"), ("/tools", "read (read-only)"),
                            ("/tokens", "there is no session yet"), ("/mode nonsense", "it takes plan, ask"),
                            ("/model nonsense/x", "nonsense"), ("/fork x", "there is no session yet")):
            screen.say(line)
            screen.wait(shown, history=True)
        screen.say("first")
        screen.wait("One.")
        screen.say("/tokens")
        screen.wait("the session: 1 answer")
        screen.say("/fork")
        screen.wait("from here on in session")
        screen.say(f"/model {other}")
        screen.wait(f"model {other}")
        screen.say("/mode plan")
        screen.wait("mode plan")
        screen.say("second")
        screen.wait("Other two.")
        screen.say("/new")
        screen.wait("begins a new session")
        screen.say("third")
        screen.wait("Other one.")
        screen.say("/exit")
        want(screen.ended() == 0, "/exit")
    sessions = {session["id"]: session for session in case.sessions()}
    want(len(sessions) == 3, f"sessions: {sessions}")
    said = sorted([event["text"] for event in case.history(each) if event["kind"] == "user_message"] for each in sessions)
    want(said == [["first"], ["first", "second"], ["third"]], f"{said}")
    modes = [event["mode"] for each in sessions for event in case.history(each)
             if event["kind"] == "run_started" and event["model"] == other]
    want(modes == ["plan", "plan"], f"modes: {modes}")


def a_session_goes_on(case):
    with chat(case, talk("One.", "Two.")) as screen:
        screen.prompt(1)
        screen.say("first")
        screen.wait("One.")
        screen.prompt(2)
    session = case.sessions()[0]["id"]
    with chat(case, talk("One.", "Two."), "--session", session) as screen:
        screen.wait(session)
        screen.say("second")
        screen.wait("Two.")
        screen.prompt(2)
        screen.say("/new")
        screen.wait("begins a new session")
        screen.type("/session ")
        screen.keys("Tab")
        screen.wait(f"/session {session}")
        screen.keys("Enter")
        screen.wait(f"session {session}, ")
    want(messages(case) == ["first", "second"], f"{messages(case)}")


# --- without a terminal --------------------------------------------------------------------------

def a_script(case):
    lines = b"one\n\n/mode plan\ntwo\\\nlines\n/nothing\nlast without an end"
    done = case.call("chat", "--model", case.model_file(talk("First.", "Second.", "Third.")), stdin=lines)
    want("First." in done.stdout and "Second." in done.stdout and "Third." in done.stdout, f"{done.stdout!r}")
    want("there is no command /nothing" in done.stdout and "ask>" not in done.stdout, f"{done.stdout!r}")
    want("\x1b" not in done.stdout, f"{done.stdout!r}")
    want(done.code == 0, f"exit code {done.code}")  # of the last run
    want(messages(case) == ["one", "two\nlines", "last without an end"], f"{messages(case)}")


def changes_are_taken_back(case):
    case.put(case.workspace, {"out/a.txt": "old\n"})
    write = {"tool": "write", "id": "w", "arguments": {"file_path": "out/a.txt", "content": "new\n"}}
    script = {"turns": [{"calls": [write]}, {"say": "Done so."}]}
    for lines, content, shown in (("/diff\n", "new\n", "-old"), ("/undo\n", "old\n", "undone: "),
                                  ("/undo\n/redo\n", "new\n", "redone: "), ("/undo\n/undo\n", "old\n", "nothing")):
        case.put(case.workspace, {"out/a.txt": "old\n"})
        done = case.call("chat", "--mode", "edits", "--model", case.model_file(script), stdin=f"go\n{lines}".encode())
        want(shown in done.stdout, f"{lines!r}: {done.stdout!r} {done.stderr!r}")
        want((case.workspace / "out/a.txt").read_text() == content, f"after {lines!r}")


def a_script_that_fails(case):
    done = case.call("chat", "--model", case.model_file(HELLO), stdin=b"/nothing\n")
    want(done.code == 2, f"exit code {done.code}")
    done = case.call("chat", "--model", "scripted/none.yaml", stdin=b"hello\n")
    want(done.code == 2 and "none.yaml" in done.stdout, f"exit code {done.code}: {done.stdout}")
    done = case.call("chat", "--session", "none", "--model", case.model_file(HELLO), stdin=b"hello\n")
    want(done.code == 2 and re.fullmatch(r"boxagnts: [^\n]+\n", done.stderr), f"{done.code} {done.stderr!r}")


CASES = [(f"chat/{name}", function) for name, function in (
    ("answers stream", answers_stream), ("several lines", several_lines),
    ("a paste does not send", a_paste_does_not_send), ("keys edit", keys_edit),
    ("the history is kept", the_history_is_kept), ("Tab completes", tab_completes),
    ("a question: yes", questions_are_answered), ("a question: no", questions_are_denied),
    ("a question: for this run", questions_for_this_run), ("a question: no, with a word", questions_with_a_word),
    ("a question: Ctrl-C", a_question_is_cancelled), ("a question: a long diff", a_diff_is_seen_whole),
    ("a question: a plan", a_plan_is_agreed_to), ("a question: the model's own", the_model_asks),
    ("a question: a connection", a_connection_is_asked_about), ("Ctrl-C in an answer", interrupt_in_an_answer),
    ("Ctrl-C at the prompt", interrupt_at_the_prompt), ("Ctrl-Z", stopped_and_continued),
    ("the terminal goes away", the_terminal_goes_away), ("twenty columns", in_twenty_columns),
    ("a dumb terminal", a_dumb_terminal), ("without colours", without_colours),
    ("nothing steers the terminal", nothing_steers_the_terminal), ("commands", commands_work),
    ("a session goes on", a_session_goes_on), ("a script", a_script),
    ("undo, redo and diff", changes_are_taken_back), ("a script that fails", a_script_that_fails))]
