"""Plugin of pytest: tells in a file what came of each test as soon as it is known.

So it is known even when the process dies. The next process leaves out what is in the file already.
"""

import faulthandler
import json
import os

FILE = os.environ["PYTEST_LOG"]
# To end by itself once all tests have run.
SECONDS = 60


def tell(event, test="", message=""):
    with open(FILE, "a") as file:
        file.write(json.dumps({"event": event, "test": test, "message": message}) + "\n")


def message_of(report):
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr or "")
    return text.strip()


def pytest_collection_modifyitems(config, items):
    with open(FILE) as file:
        known = {json.loads(line)["test"] for line in file}
    left_out = [item for item in items if item.nodeid in known]
    items[:] = [item for item in items if item.nodeid not in known]
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_logstart(nodeid):
    tell("started", nodeid)


def pytest_runtest_logreport(report):
    # A flaky test that is run again has failed only when the last try has.
    if report.outcome == "rerun":
        return
    if report.when == "call" or report.outcome in ("failed", "skipped"):
        tell(report.outcome, report.nodeid, message_of(report))


def pytest_collectreport(report):
    if report.failed:
        tell("failed", report.nodeid, message_of(report))


def pytest_unconfigure():
    tell("finished")
    faulthandler.dump_traceback_later(SECONDS, exit=True)
