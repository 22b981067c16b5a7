"""Runs command lines one after the other in a process that may have only so much memory.

`python -m tests.hostile.bounded BYTES` reads a JSON list of argument lists from stdin, and writes what came of each
to stdout: `[code, stdout, stderr]`.
"""

import io
import json
import resource
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout

from generator.cli.main import main


def run(arguments: list[str]) -> tuple[int, str, str]:
    """One command line as the installed command runs it; what it did not catch is in its stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = 1
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(arguments)
        except BaseException:  # noqa: BLE001 - whatever it is, the test is to see it
            traceback.print_exc()
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    json.dump([run(each) for each in json.load(sys.stdin)], sys.stdout)
