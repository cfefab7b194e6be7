"""The dashboard in a real browser: dashboard/browser/*.mjs against the binary, one case each. Screenshots are kept in
BOXAGNTS_SHOTS, if that is set. And its unit tests and types."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness import Failure, Skip, want

DASHBOARD = Path(__file__).parent.parent / "dashboard"
RUNNER = DASHBOARD / "browser/run.mjs"
CASE_S = 300  # a case that hangs


def node():
    """scripts/install fetched one where there was none."""
    own = Path(os.environ.get("BOXAGNTS_CACHE_DIR", Path.home() / ".cache/boxagnts")) / "node/bin"
    found = shutil.which("node", path=str(own) + os.pathsep + os.environ["PATH"])
    if not found:
        raise Skip("there is no node on PATH; ./dev install fetches one")
    return found


def in_browser(name):
    def run(case):
        command = [node(), str(RUNNER), str(case.binary), "--only", name]
        if shots := os.environ.get("BOXAGNTS_SHOTS"):
            command += ["--shots", shots]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CASE_S, cwd=DASHBOARD)
        if done.returncode or f"ok {name} (" not in done.stdout:
            raise Failure((done.stdout + done.stderr)[-3000:])
    return run


def units(_):
    done = subprocess.run([str(DASHBOARD.parent / "scripts/dashboard"), "test"], capture_output=True, text=True, timeout=CASE_S)
    want(done.returncode == 0, (done.stdout + done.stderr)[-3000:])
    want(re.search(r"Tests .*\d+ passed", done.stdout), f"no tests ran: {done.stdout[-500:]}")


def names():
    """By the files' own text, so that listing the cases needs no browser."""
    for file in sorted(RUNNER.parent.glob("*.mjs")):
        if file != RUNNER:
            for name in re.findall(r"^    name: '([^'\n]+)',$", file.read_text(), re.M):
                yield f"{file.stem}: {name}"


CASES = [("dashboard units", units)] + [(f"dashboard/{name}", in_browser(name)) for name in names()]
