"""What the scripts share: the tree's files, its guards, and running a GoogleTest program."""
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GUARD = re.compile(r'\bGUARD\(\s*"([^"]*)"')


def tracked_files(root=ROOT):
    """Paths below the root, tracked or new, without what .gitignore hides."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted({path for path in listed.split("\0") if path and (root / path).is_file()})


def read_tree(root=ROOT):
    """{path: text} of every text file."""
    tree = {}
    for path in tracked_files(root):
        data = (root / path).read_bytes()
        if b"\0" not in data:
            tree[path] = data.decode("utf-8", "replace")
    return tree


def guards_in(tree):
    """[(id, path, line)] of every guard outside the macro's own header and tests."""
    found = []
    for path, text in tree.items():
        if not path.endswith((".cc", ".h")) or path.endswith("_test.cc") or path == "src/base/guard.h":
            continue
        for match in GUARD.finditer(text):
            found.append((match[1], path, text.count("\n", 0, match.start()) + 1))
    return sorted(found)


def unit_test_programs(folder):
    """The GoogleTest programs of a build: a room's, and those of tests/."""
    return sorted([*folder.glob("src/*/*_test"), *folder.glob("tests/*/*_test")])


class TestRun:
    """One run of a GoogleTest program: counts, the names of failed tests, the output."""

    def __init__(self, passed, failures, output):
        self.passed, self.failures, self.output = passed, failures, output

    def output_of_failures(self):
        """What the failed tests printed, and the last one's output when the program died."""
        parts = re.split(r"^(?=\[ RUN      \] )", self.output, flags=re.M)
        failed = [part for part in parts[1:] if not re.search(r"^\[       OK \] ", part, re.M)
                  and not re.search(r"^\[  SKIPPED \] ", part, re.M)]
        return "".join(failed) or self.output


def run_gtest(program, environment=None, timeout_s=600, arguments=()):
    """A program that dies or hangs has failed in the test it was in."""
    with tempfile.TemporaryDirectory(prefix="boxagnts-units-") as folder:
        report = Path(folder) / "report.json"
        command = [str(program), f"--gtest_output=json:{report}", "--gtest_color=no", *arguments]
        env = {**os.environ, "TMPDIR": folder, **(environment or {})}
        try:
            done = subprocess.run(command, env=env, cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s)
            output, code = done.stdout.decode("utf-8", "replace"), done.returncode
        except subprocess.TimeoutExpired as hung:
            output, code = (hung.stdout or b"").decode("utf-8", "replace"), None
        try:
            return _from_report(json.loads(report.read_text()), output, code)
        except (OSError, ValueError):
            return _from_output(output, code)


def _from_report(report, output, code):
    passed, failures = 0, []
    for suite in report["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                failures.append(f'{suite["name"]}.{case["name"]}')
            elif case.get("status") == "RUN" and case.get("result") != "SKIPPED":
                passed += 1
    if code != 0 and not failures:
        failures.append(f"(after the last test: exit code {code})")
    return TestRun(passed, failures, output)


def _from_output(output, code):
    failures = re.findall(r"^\[  FAILED  \] ([^\s,]+)(?:, .*)? \(", output, re.M)
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
    how = "hung" if code is None else f"died, exit code {code}"
    failures.append(f"{begun[-1]} ({how})" if begun else f"(before the first test: {how})")
    return TestRun(passed, failures, output)
