"""`ansible-inventory`, imported once: each line on stdin (a JSON list of arguments) is answered with a line on stdout.

Every command line runs in a fork of its own, so that nothing of one is left for the next; only the second that Ansible
takes to start is saved. The answer is a JSON object: `code`, `out`, `err`.
"""

import gc
import json
import os
import sys
import tempfile
import traceback
from typing import BinaryIO

from ansible.cli.inventory import InventoryCLI


def main() -> None:
    gc.freeze()  # forks share what is imported
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = _forked(json.loads(line), out, err)
            said = [_content(file) for file in (out, err)]
        sys.stdout.write(json.dumps({"code": code, "out": said[0], "err": said[1]}) + "\n")
        sys.stdout.flush()


def _forked(arguments: list[str], out: BinaryIO, err: BinaryIO) -> int:
    process = os.fork()
    if process == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        os._exit(_run(arguments))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _run(arguments: list[str]) -> int:
    code = 1
    try:
        InventoryCLI(["ansible-inventory", *arguments]).run()
        code = 0
    except SystemExit as ending:
        code = int(ending.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent process must be told and not be run twice
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


if __name__ == "__main__":
    main()
