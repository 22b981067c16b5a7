#!/usr/bin/python
"""Renders billing systems to desired-state files; documented in render.yml beside it."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bqnctl.bqn.plugins.module_utils import command

_ENDINGS = {command.REFUSED: "refused by a guard; the files of that source stay as they were"}


def main() -> None:
    """Render; in check mode say whether files would change."""
    module = AnsibleModule(argument_spec=command.COMMON_ARGUMENTS, supports_check_mode=True)
    before = _digest(module)
    ended = command.run(
        module, "render", *(["--check"] if module.check_mode else []),
        *(["--diff"] if module._diff else []),  # noqa: SLF001 - how a module of Ansible learns of --diff
        *command.options("--allow", module.params["allow"] or []),
    )  # fmt: skip
    command.warn(module, ended)
    result: dict[str, Any] = {"changed": ended.code == command.PENDING or _digest(module) != before}
    said = command.printable_lines(ended.out)
    if module._diff:  # noqa: SLF001 - the same
        result["diff"] = {"prepared": said}
    else:
        result["outcome"] = said.splitlines()
    if ended.code not in (command.OK, command.PENDING):
        reason = _ENDINGS.get(ended.code, "a source failed; its files stay as they were")
        module.fail_json(msg=f"{reason}\n{command.complaint(ended)}", rc=ended.code, **result)
    module.exit_json(**result)


def _digest(module: AnsibleModule) -> str:
    """A digest of every desired-state file, by which a change is seen."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(os.path.join(module.params["inventory"], "desired")):  # noqa: PTH118 - text
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)  # noqa: PTH118 - paths are plain text to Ansible
            with open(path, "rb") as file:  # noqa: PTH123 - the same
                content = hashlib.sha256(file.read()).hexdigest()
            digest.update(f"{path}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


if __name__ == "__main__":
    main()
