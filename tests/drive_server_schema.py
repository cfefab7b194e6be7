"""schemathesis, other people's reading of the OpenAPI document, against the server: no 5xx, every answer as declared,
what is declared wrong is refused and what is declared right is taken. `./dev schemathesis` installs it."""
import os
import subprocess
from pathlib import Path

from harness import Skip, want
from server_client import Served

LASTS_AT_MOST_S = 500
OK = {"turns": [{"say": "Done."}]}
# Whether bytes are text or an image no schema can say.
CONFIGURATION = """
[[operations]]
include-operation-id = "startRun"

[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "429"]
"""


def program():
    cache = os.environ.get("BOXAGNTS_CACHE_DIR", os.path.expanduser("~/.cache/boxagnts"))
    for path in (os.environ.get("BOXAGNTS_SCHEMATHESIS"), f"{cache}/schemathesis/bin/schemathesis"):
        if path and Path(path).exists():
            return path
    raise Skip("schemathesis is not installed; ./dev schemathesis installs it")


# What these take has a meaning that no schema tells (a rule, a host, a SKILL.md): of them alone, what fits the schema
# may be refused. And a skill may be called "check", so that its path answers to more methods.
WITH_MEANING = ["changeSettings", "addRule", "explainPolicy", "changeProvider", "writeSkill", "checkSkill"]


def with_seed(seed, meaning):
    def play(case):
        """All its checks, its own generators; the stream is left out, because it has no end to wait for."""
        checker = program()
        chosen = ["--exclude-operation-id", "streamEvents"]
        for operation in WITH_MEANING:
            chosen += ["--exclude-operation-id", operation]
        if meaning:
            chosen = ["--exclude-checks", "positive_data_acceptance,allow_header_conformance"]
            for operation in WITH_MEANING:
                chosen += ["--include-operation-id", operation]
        # Models that it makes up are not there: nothing listens on the discard port.
        nowhere = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OLLAMA_HOST": "127.0.0.1:9",
                   "LLAMA_CPP_HOST": "127.0.0.1:9"}
        with Served(case, "--model", case.model_file(OK), environment=nowhere) as served:
            (case.root / "schemathesis.toml").write_text(CONFIGURATION)
            run = served.start_run("Something to look at.", case.model_file(OK))
            done = subprocess.run(
                [checker, "run", f"http://127.0.0.1:{served.port}/api/v1/openapi.json", "--no-color",
                 "--header", f"Authorization: Bearer {served.token}", "--checks", "all", "--workers", "1",
                 "--max-examples", os.environ.get("BOXAGNTS_SCHEMATHESIS_EXAMPLES", "20"),
                 "--seed", str(seed), *chosen],
                cwd=case.root, capture_output=True, text=True, timeout=LASTS_AT_MOST_S)
            want(done.returncode == 0, f"schemathesis ended with {done.returncode}:\n{done.stdout[-6000:]}")
            want(run["run"], "no run")
            metrics = served.ask("GET", "/metrics").body.decode()
            want("boxagnts_requests_failed_total 0\n" in metrics, f"a request failed:\n{metrics}")
            served.stop()
    return play


CASES = [(f"server schema/schemathesis, seed {seed}{', what has a meaning' if meaning else ''}", with_seed(seed, meaning))
         for seed in (1, 2) for meaning in (False, True)]
