#!/usr/bin/python
"""Plans and applies the subscriber policy of BQN appliances; documented in policy.yml beside it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bqnctl.bqn.plugins.module_utils import command

_KINDS = (("policy", "policies"), ("subscriber", "subscribers"), ("group", "groups"))
_ACTIONS = ("create", "update", "delete")
_ENDINGS = {command.REFUSED: "refused: a guard fired, or the plan is stale", command.PARTIAL: "applied in part"}


def main() -> None:
    """Plan, and outside of check mode apply exactly that plan."""
    module = AnsibleModule(
        argument_spec={
            **command.COMMON_ARGUMENTS,
            "only": {"type": "list", "elements": "str"},
            "plan": {"type": "path"},
            "save": {"type": "path"},
            "diff_limit": {"type": "int", "default": 1000},
        },
        # A saved plan is applied as it is.
        mutually_exclusive=[("plan", each) for each in ("only", "allow", "save", "limit")],
        supports_check_mode=True,
    )
    given = module.params
    file = given["plan"] or given["save"] or os.path.join(module.tmpdir, "plan.json")  # noqa: PTH118 - Ansible's text
    plan = _read(module, file) if given["plan"] else _make(module, file)
    result: dict[str, Any] = {"changed": False, "counts": _counts(plan)}
    if module._diff:  # noqa: SLF001 - how a module of Ansible learns of --diff
        result["diff"] = [each for kind in _KINDS for each in _diff(plan, *kind, limit=given["diff_limit"])]
    _stop_at_refusals(module, plan, result)
    pending = any(result["counts"].values())
    if module.check_mode:
        if given["plan"]:
            _settle(module, command.run(module, "apply", "--check", file), result)
        result["changed"] = pending
    elif pending:
        _apply(module, file, result)
    module.exit_json(**result)


def _make(module: AnsibleModule, file: str) -> Any:
    """A new plan, kept in `file`; fails the module where an appliance or a file cannot be read."""
    given = module.params
    ended = command.run(
        module, "plan", f"--out={file}", "--format=json", "--detailed-exitcode",
        *command.options("--only", given["only"] or []), *command.options("--allow", given["allow"] or []),
    )  # fmt: skip
    return _shown(module, ended)


def _read(module: AnsibleModule, file: str) -> Any:
    """A saved plan; that it is one is for bqnctl to say, and in the end that it is not stale."""
    return _shown(module, command.run(module, "report", "show", "--format=json", file))


def _shown(module: AnsibleModule, ended: command.Ended) -> Any:
    """The plan that the command printed as JSON; fails the module if it is none, or has an appliance in error."""
    command.warn(module, ended)
    try:
        plan = json.loads(ended.out)
    except ValueError:
        module.fail_json(msg=command.complaint(ended), rc=ended.code)
    _stop_at_errors(module, plan)
    if ended.code not in (command.OK, command.PENDING, command.REFUSED):
        module.fail_json(msg=command.complaint(ended), rc=ended.code)
    return plan


def _counts(plan: dict[str, Any]) -> dict[str, int]:
    """How many objects of all appliances come, change and go."""
    actions = [change["action"] for appliance in plan["appliances"] for change in appliance.get("changes", [])]
    return {action: actions.count(action) for action in _ACTIONS}


def _diff(plan: dict[str, Any], kind: str, plural: str, *, limit: int) -> Iterator[dict[str, str]]:
    """One part of the diff per appliance that has changes of this kind: a line per object, before and after."""
    for appliance in plan["appliances"]:
        changes = [each for each in appliance.get("changes", []) if each["kind"] == kind]
        if changes:
            header = command.printable(f"{appliance['name']}: {plural}")
            more = f"… and {len(changes) - limit} more\n" if len(changes) > limit else ""
            sides = {
                side: "".join(_line(each["key"], each.get(side)) for each in changes[:limit])
                for side in ("before", "after")
            }
            yield {
                "before_header": header, "after_header": header,
                "before": sides["before"], "after": sides["after"] + more,
            }  # fmt: skip


def _line(key: str, view: dict[str, Any] | None) -> str:
    return "" if view is None else f"{command.printable(key)}: {command.as_json(view)}\n"


def _stop_at_errors(module: AnsibleModule, plan: dict[str, Any]) -> None:
    """Fail the module, before anything is written, where an appliance could not be planned."""
    errors = [f"{each['name']}: {each['error']}" for each in plan["appliances"] if each.get("error")]
    if errors:
        text = command.printable_lines("\n".join(errors))
        module.fail_json(msg=f"{text}\nnothing was written", rc=command.ERROR)


def _stop_at_refusals(module: AnsibleModule, plan: dict[str, Any], result: dict[str, Any]) -> None:
    """Fail the module, before anything is written, with what each guard says."""
    refusals = [
        f"{appliance['name']}: {each['rule']} {each['count']} of {each['existing']} objects of kind {each['kind']}"
        f" ({each['limit']}); {each['fix']}"
        for appliance in plan["appliances"]
        for each in appliance.get("verdicts", [])
        if each["refused"]
    ]
    if refusals:
        text = command.printable_lines("\n".join(refusals))
        module.fail_json(msg=f"refused by a guard, nothing was written\n{text}", rc=command.REFUSED, **result)


def _apply(module: AnsibleModule, file: str, result: dict[str, Any]) -> None:
    """Carry the plan in `file` out; fails the module if any of it does not stand now."""
    ended = command.run(module, "apply", file)
    command.warn(module, ended)
    result["outcome"] = command.printable_lines(ended.out).splitlines()
    result["changed"] = ended.code == command.OK or bool(re.search(r"^.+: \d+ done", ended.out, re.MULTILINE))
    _settle(module, ended, result)


def _settle(module: AnsibleModule, ended: command.Ended, result: dict[str, Any]) -> None:
    """Fail the module if the command did not end well."""
    if ended.code != command.OK:
        said = "\n".join(result.get("outcome", [])) or command.complaint(ended)
        module.fail_json(msg=f"{_ENDINGS.get(ended.code, 'failed')}\n{said}", rc=ended.code, **result)


if __name__ == "__main__":
    main()
