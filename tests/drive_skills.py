"""`boxagnts skill`: list, show, new, check and run; and `skill check` beside the validator that the Agent Skills
specification publishes (skills-ref). `./dev skills-ref` installs it."""
import json
import os
import subprocess
from pathlib import Path

from drive_chat_server import Server, whole
from harness import Skip, check_history, events_of, results_of, want

OK = {"turns": [{"say": "Done."}]}


def skill(name, front="description: What it does.\n", body="Do it.\n"):
    return f"---\nname: {name}\n{front}---\n{body}"


# --- beside the validator ------------------------------------------------------------------------------

LONG = "x" * 1025
KEYS = "extra keys: when_to_use, tools and args are the Rust BoxAgnts'; we warn of others and go on"

# (folder, SKILL.md, whether we take it, why the validator says otherwise)
FIXTURES = [
    ("minimal", skill("minimal"), True, None),
    ("all-keys", skill("all-keys", "description: d\nlicense: MIT\ncompatibility: Needs git\n"
                       "allowed-tools: Bash(git:*) Read\nmetadata:\n  author: me\n  version: \"1.0\"\n"), True, None),
    ("folded", skill("folded", "description: >-\n  One\n  two.\n"), True, None),
    ("literal", skill("literal", "description: |\n  One\n  two.\n"), True, None),
    ("quoted", skill("quoted", "description: 'When: \"asked\" # no comment'\n"), True, None),
    ("comment", skill("comment", "# a comment\ndescription: d # another\n"), True, None),
    ("tool-list", skill("tool-list", "description: d\nallowed-tools:\n  - Read\n  - Write\n"), True, None),
    ("digits-2", skill("digits-2"), True, None),
    ("a" * 64, skill("a" * 64), True, None),
    ("full", skill("full", f"description: {'ä' * 1024}\n"), True, None),
    ("compatible", skill("compatible", f"description: d\ncompatibility: {'c' * 500}\n"), True, None),
    ("number", skill("number", "description: 42\n"), True, None),
    ("truth", skill("truth", "description: true\n"), True, None),
    ("no-body", skill("no-body", body=""), True, None),
    ("crlf", skill("crlf").replace("\n", "\r\n"), True, None),
    ("dashes-below", skill("dashes-below", body="a\n\n---\n\nb\n"), True, None),
    ("other-metadata", skill("other-metadata", "description: d\nmetadata:\n  a:\n    b: c\n"), True, None),

    ("no-front", "# Title\n", False, None),
    ("empty", "", False, None),
    ("blank-first", "\n" + skill("blank-first"), False, None),
    ("unclosed", "---\nname: unclosed\ndescription: d\n", False, None),
    ("nothing-in-it", "---\n---\nx\n", False, None),
    ("a-list", "---\n- name\n- description\n---\n", False, None),
    ("no-name", "---\ndescription: d\n---\n", False, None),
    ("empty-name", "---\nname: ''\ndescription: d\n---\n", False, None),
    ("name-list", "---\nname:\n  - name-list\ndescription: d\n---\n", False, None),
    ("no-description", "---\nname: no-description\n---\n", False, None),
    ("empty-description", skill("empty-description", "description: ''\n"), False, None),
    ("blank-description", skill("blank-description", "description: '  '\n"), False, None),
    ("null-description", skill("null-description", "description:\n"), False, None),
    ("description-map", skill("description-map", "description:\n  a: b\n"), False, None),
    ("long-description", skill("long-description", f"description: {LONG}\n"), False, None),
    ("long-umlauts", skill("long-umlauts", f"description: {'ä' * 1025}\n"), False, None),
    ("long-compatibility", skill("long-compatibility", f"description: d\ncompatibility: {LONG}\n"), False, None),
    ("compatibility-list", skill("compatibility-list", "description: d\ncompatibility:\n  - a\n"), False, None),
    ("another", skill("different"), False, None),
    ("Capital", skill("Capital"), False, None),
    ("under_score", skill("under_score"), False, None),
    ("a b", skill("a b"), False, None),
    ("-first", skill("-first"), False, None),
    ("last-", skill("last-"), False, None),
    ("two--hyphens", skill("two--hyphens"), False, None),
    ("dot.ted", skill("dot.ted"), False, None),
    ("a" * 65, skill("a" * 65), False, None),
    ("colon", skill("colon", "description: Use when: asked\n"), False, None),
    ("open-quote", skill("open-quote", "description: \"d\n"), False, None),
    ("tab", skill("tab", "\tdescription: d\n"), False, None),
    ("bad-indent", skill("bad-indent", "description: d\n  license: x\n"), False, None),
    ("no-colon", skill("no-colon", "description: d\njunk\n"), False, None),
    ("twice", skill("twice", "description: d\ndescription: e\n"), False, None),
    ("anchor", skill("anchor", "description: &a d\nlicense: *a\n"), False, None),
    ("bomb", skill("bomb", "description: d\nmetadata:\n  a: &a [x, x]\n  b: &b [*a, *a]\n  c: [*b, *b]\n"), False, None),
    ("tagged", skill("tagged", "description: !!str d\n"), False, None),
    ("latin", b"---\nname: latin\ndescription: caf\xe9\n---\n", False, None),
    ("no-file", None, False, None),

    ("our-keys", skill("our-keys", "description: d\nwhen_to_use: w\ntools: read\nargs:\n  - name: a\n"), True, KEYS),
    ("unknown-key", skill("unknown-key", "description: d\nversion: 1\n"), True, KEYS),
    ("flow", skill("flow", "description: d\nallowed-tools: [read, write]\n"), True,
     "YAML lists in brackets are YAML; its parser (strictyaml) takes none"),
    ("mark", "\ufeff" + skill("mark"), True, "a byte order mark: we warn and go on"),
    ("dashes-inside", skill("dashes-inside", "description: \"a --- b\"\n"), True,
     "it ends the front matter at the first three dashes, wherever they stand"),
    ("größe", skill("größe"), False, "names in other letters: the specification's text has a-z"),
    ("no-compatibility", skill("no-compatibility", "description: d\ncompatibility: ''\n"), False,
     "the specification: 1 to 500 characters"),
    ("no-license", skill("no-license", "description: d\nlicense:\n  - MIT\n"), False, "it does not look at license"),
    ("tool-map", skill("tool-map", "description: d\nallowed-tools:\n  a: b\n"), False,
     "it does not look at allowed-tools"),
    ("zero", b"---\nname: zero\ndescription: d\n---\n\0\n", False, "bytes that are no text: it reads past them"),
    ("huge", skill("huge", body="x" * (256 << 10)), False, "it has no limit of size"),
]

VALIDATE = """
import json, sys
from pathlib import Path
from skills_ref import validate
def said(folder):
    try:
        return [str(one) for one in validate(Path(folder))]
    except Exception as error:
        return [type(error).__name__]
print(json.dumps([said(folder) for folder in sys.argv[1:]]))
"""


def validator():
    cache = os.environ.get("BOXAGNTS_CACHE_DIR", os.path.expanduser("~/.cache/boxagnts"))
    python = Path(os.environ.get("BOXAGNTS_SKILLS_REF", f"{cache}/skills-ref")) / "bin/python"
    if not python.exists():
        raise Skip("skills-ref is not installed; ./dev skills-ref installs it")
    return python


def agrees_with_the_validator(case):
    python = validator()
    folders = []
    for name, text, _, _ in FIXTURES:
        folder = case.outside / name
        folder.mkdir()
        folders.append(str(folder))
        if text is not None:
            (folder / "SKILL.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run([python, "-c", VALIDATE, *folders], capture_output=True, text=True, timeout=100)
    want(done.returncode == 0, f"the validator ended with {done.returncode}: {done.stderr[-2000:]}")
    wrong = []
    for (name, _, good, difference), folder, theirs in zip(FIXTURES, folders, json.loads(done.stdout)):
        ours = case.call("skill", "check", folder)
        if ours.code != (0 if good else 2):
            wrong.append(f"{name}: we end with {ours.code}: {ours.stdout}{ours.stderr}")
        agree = good == (not theirs)
        if agree != (difference is None):
            wrong.append(f"{name}: the validator says {theirs}; the table wants " +
                         ("agreement" if difference is None else "a difference"))
        if not good:
            want(ours.stdout.startswith(f"{folder}/SKILL.md:"), f"{name}: no place: {ours.stdout}")
    want(not wrong, "\n".join(wrong))
    differ = sum(difference is not None for *_, difference in FIXTURES)
    return f"{len(FIXTURES) - differ} fixtures alike, {differ} known differences"


# --- the commands --------------------------------------------------------------------------------------


def listed(case):
    done = case.call("skill", "list", "--json")
    want(done.code == 0, f"skill list: {done.code}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def lists(case):
    case.put(case.workspace, {
        "extensions/skills/code-review/SKILL.md": skill("code-review", "description: theirs\n"),
        ".agents/skills/alone/SKILL.md": skill("alone", "description: \"\\e[31mred\"\nargs:\n- name: a\n  default: b\n"),
        ".agents/skills/bad/SKILL.md": "x"})
    case.put(case.root, {"home/config/boxagnts/skills/mine/SKILL.md": skill("mine"),
                         "home/config/boxagnts/skills/mine/more.md": "x"})
    found = {(one["name"], one["origin"]): one for one in listed(case)}
    want({name for name, origin in found if origin == "builtin"} ==
         {"code-review", "css-refactor-advisor", "current-weather", "front-component-generator", "weather-forecast"},
         f"built in: {sorted(found)}")
    want(found["code-review", "builtin"]["used"] and not found["code-review", "workspace"]["used"],
         "an untrusted workspace shadows a built-in skill")
    want("not trusted" in found["code-review", "workspace"]["shadowed_by"], str(found["code-review", "workspace"]))
    want(found["alone", "workspace"]["used"] and found["mine", "user"]["used"], "a skill of one place is not used")
    want(found["alone", "workspace"]["args"] == [{"name": "a", "description": "", "required": False, "default": "b"}],
         str(found["alone", "workspace"]))
    want(found["mine", "user"]["files"] == ["more.md"], str(found["mine", "user"]))
    want("SKILL.md:1:" in found["bad", "workspace"]["problem"], str(found["bad", "workspace"]))
    done = case.call("skill", "list")
    want(done.code == 0 and "\x1b" not in done.stdout, f"a description steers the terminal: {done.stdout!r}")
    want("not used: the built-in one" in done.stdout, done.stdout)


def shows(case):
    done = case.call("skill", "show", "current-weather")
    want(done.code == 0 and "Argument city (required)" in done.stdout and "wttr.in" in done.stdout, done.stdout)
    done = case.call("skill", "show", "curent-weather")
    want(done.code == 2 and "did you mean current-weather?" in done.stderr, done.stderr)


def makes_and_checks(case):
    made = case.call("skill", "new", "my-skill")
    path = case.workspace / ".agents/skills/my-skill/SKILL.md"
    want(made.code == 0 and str(path) in made.stdout, f"{made.code}: {made.stdout}{made.stderr}")
    checked = case.call("skill", "check", "my-skill")
    want(checked.code == 0 and checked.stdout.endswith("my-skill: good\n"), checked.stdout)
    before = path.read_bytes()
    again = case.call("skill", "new", "my-skill")
    want(again.code == 1 and "is there already" in again.stderr, f"{again.code}: {again.stderr}")
    want(path.read_bytes() == before, "it was overwritten")
    want(case.call("skill", "new", "../x").code == 2, "a name that leads out is taken")
    want(case.call("skill", "check").code == 0, "all are good")
    case.put(case.workspace, {".agents/skills/bad/SKILL.md": skill("bad", "description: d\nargs: x\nunknown: 1\n"),
                              ".agents/skills/away": {"link": "my-skill"}})
    done = case.call("skill", "check")
    want(done.code == 2, f"exit code {done.code}")
    for said in ("/bad/SKILL.md:4: args takes a list", "/bad/SKILL.md:5: warning: the key \"unknown\"",
                 "/my-skill: good", "/away/SKILL.md:1: the skill's folder is a link"):
        want(said in done.stdout, f"{said!r} is not in {done.stdout}")
    want(case.call("skill", "check", "code-review").code == 0, "a built-in one")
    want(case.call("skill", "check", "none").code == 2, "one that is not there")
    want(case.call("skill", "check", ".", cwd=path.parent).code == 0, "the folder one is in")


def runs(case):
    model = case.model_file(OK)

    def prompt(*arguments, code=0, **more):
        done = case.call("skill", "run", "--json", "--model", model, "--mode", "plan", *arguments, **more)
        want(done.code == code, f"{arguments}: exit code {done.code}: {done.stderr}")
        if code:
            return done.stderr
        return next(one["text"] for one in map(json.loads, done.stdout.splitlines()) if one["kind"] == "user_message")

    want("# The weather now in New York" in prompt("current-weather", "New", "York"), "a free text")
    text = prompt("front-component-generator", "framework=vue", "description=a {{framework}} picker")
    want("# A component for vue" in text and "> a {{framework}} picker" in text, text[:300])
    want("argument city is missing" in prompt("current-weather", code=2), "a missing argument")
    want("did you mean city?" in prompt("current-weather", "ctiy=x", code=2), "an unknown argument")
    want("no name=value" in prompt("front-component-generator", "description=x", "y", code=2), "both kinds")
    want("given twice" in prompt("current-weather", "city=x", "city=y", code=2), "one twice")
    want("Input:\ndiff --git" in prompt("code-review", stdin=b"diff --git a b"), "what is piped in")
    case.put(case.workspace, {".agents/skills/echo/SKILL.md": skill("echo", body="Say $ARGUMENTS!\n")})
    want("Say a=b --c!" in prompt("echo", "a=b", "--", "--c"), "a text with an equals sign and a dash")
    want("no skill" in prompt("none", code=2), "a skill that is not there")


# --- in a run ------------------------------------------------------------------------------------------


def calls(*calls):
    return [{"tool": tool, "id": name, "arguments": arguments} for name, tool, arguments in calls]


def narrows(case):
    """A skill's tools are all that answer, until another skill is used; its text and files come as they are."""
    case.put(case.workspace, {"a.txt": "alpha\n", ".agents/skills/free/SKILL.md": skill("free", body="Be free.\n"),
                              ".agents/skills/free/refs/more.md": "more words\n"})
    write = {"file_path": "b.txt", "content": "beta"}
    model = case.model_file({"turns": [
        {"calls": calls(("s", "skill", {"skill": "code-review", "args": {"target": "a.txt"}}))},
        {"calls": calls(("r", "read", {"file_path": "a.txt"}), ("w", "write", write))},
        {"calls": calls(("f", "skill-tool", {"skill": "free"}),
                        ("m", "skill", {"skill": "free", "file": "refs/more.md"}), ("w2", "write", write))},
        {"say": "Done."}]})
    done = case.run("Go.", model)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    results = done.results()
    want("# Review of a.txt" in results["s"]["text"], results["s"]["text"][:300])
    want(results["r"]["status"] == "ok", f"a tool of the skill: {results['r']}")
    want(results["w"]["status"] == "denied" and "not among the tools of the skill" in results["w"]["text"],
         f"a tool that is not the skill's: {results['w']}")
    want("Be free." in results["f"]["text"] and "refs/more.md" in results["f"]["text"], f"{results['f']}")
    want(results["m"]["text"] == "more words\n", f"a bundled file: {results['m']}")
    want(results["w2"]["status"] == "ok" and (case.workspace / "b.txt").read_text() == "beta", f"{results['w2']}")
    used = [(event["name"], event["origin"]) for event in done.events if event["kind"] == "skill_used"]
    want(used == [("code-review", "builtin"), ("free", "workspace")], f"the log says {used}")
    check_history(case.history(done.session()))


def runs_with_its_tools(case):
    """`skill run`: what the person chose keeps to its tools from the first call on."""
    model = case.model_file({"turns": [{"calls": calls(("w", "write", {"file_path": "b.txt", "content": "x"}))},
                                       {"say": "Done."}]})
    done = case.call("skill", "run", "code-review", "a.txt", "--json", "--mode", "edits", "--model", model)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    events = events_of(done.stdout)
    want([event["name"] for event in events if event["kind"] == "skill_used"] == ["code-review"], "not logged")
    want(results_of(events)["w"]["status"] == "denied", f"{results_of(events)}")
    want(not (case.workspace / "b.txt").exists(), "it was written")


def is_told_of(case):
    """What is sent to the model names every skill in a line, and none of their text."""
    case.put(case.workspace, {".agents/skills/mine/SKILL.md": skill("mine", "description: Mine alone.\n", "SECRET")})
    server = Server({"conversations": [{"turns": [{"say": "Done."}]}]}, whole)
    with server.serving() as environment:
        done = case.run("Go.", "openai/loopback", environment=environment)
    want(done.code == 0, f"exit code {done.code}: {done.stderr}")
    body = server.requests[0][2]
    system = body["messages"][0]["content"]
    want("- mine [of this workspace]: Mine alone.\n" in system, system)
    want("- code-review: Reviews" in system and "SECRET" not in json.dumps(body), system)
    want("skill" in [tool["function"]["name"] for tool in body["tools"]], "the tool is not among the tools")


CASES = [
    ("skills/agree with the validator", agrees_with_the_validator),
    ("skills/list", lists),
    ("skills/show", shows),
    ("skills/new and check", makes_and_checks),
    ("skills/run", runs),
    ("skills/narrow a run", narrows),
    ("skills/run with its tools", runs_with_its_tools),
    ("skills/a model is told of them", is_told_of),
]
