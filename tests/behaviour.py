#!/usr/bin/python3
"""tests/behaviour.py BINARY [--only PART_OF_NAME] [--kills N] [--jobs N]: the real binary, as people use it.

Cases are documents of tests/scripts/*.yaml (cases_from_scripts.py says how) and the functions of drive_*.py.
Ends with "behaviour: N passed, N failed"; a case that the machine cannot show is printed as skipped.
"""
import argparse
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cases_from_scripts
import drive_approvals
import drive_cancel
import drive_chat
import drive_chat_server
import drive_dashboard
import drive_hostile_model
import drive_hostile_page
import drive_hostile_ways
import drive_jobs
import drive_kill
import drive_modules
import drive_questions
import drive_server
import drive_server_attacks
import drive_server_schema
import drive_server_sessions
import drive_settings
import drive_skills
import drive_state
import drive_streams
import drive_tls
import drive_tools_folder
import drive_undo
import drive_urls
import drive_web
from harness import Case, Failure, Skip


def play(binary, name, function):
    """(name, "ok" | "FAILED" | "skipped", why, seconds)"""
    case = Case(binary)
    begun = time.monotonic()
    try:
        note = function(case)
        outcome = ("ok", note or "")
    except Skip as why:
        outcome = ("skipped", str(why))
    except Failure as why:
        outcome = ("FAILED", str(why))
    except Exception:  # a case that breaks has failed, with its traceback
        outcome = ("FAILED", traceback.format_exc())
    finally:
        case.close()
    return name, *outcome, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--only", default="", metavar="PART_OF_NAME")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("BOXAGNTS_KILLS", "200")))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    binary = options.binary.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"behaviour: {binary} is no program: build it first (./dev release)")

    cases = (drive_kill.cases(options.kills) + drive_chat_server.CASES + drive_cancel.CASES + drive_chat.CASES +
             drive_server.CASES + drive_server_attacks.CASES + drive_server_schema.CASES +
             drive_approvals.CASES + drive_dashboard.CASES + drive_hostile_model.CASES + drive_hostile_ways.CASES + drive_hostile_page.CASES +
             drive_jobs.CASES + drive_modules.CASES + drive_questions.CASES + drive_settings.CASES + drive_skills.CASES + drive_state.CASES +
             drive_streams.CASES + drive_tls.CASES + drive_tools_folder.CASES + drive_undo.CASES + drive_urls.CASES + drive_web.CASES +
             cases_from_scripts.load())
    names = [name for name, _ in cases]
    assert len(names) == len(set(names)), "two cases have the same name"
    cases = [(name, function) for name, function in cases if options.only in name]
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    with ThreadPoolExecutor(options.jobs) as pool:
        played = pool.map(lambda case: play(binary, *case), cases)
        for name, outcome, why, seconds in played:
            counts[outcome] += 1
            print(f"{outcome:8} {name} ({seconds:.1f} s){': ' + why if why else ''}", flush=True)
    if counts["skipped"]:
        print(f"SKIPPED: {counts['skipped']}, for the reasons above")
    print(f"behaviour: {counts['ok']} passed, {counts['FAILED']} failed")
    return 1 if counts["FAILED"] or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
