"""`bqnctl notify`: sends a test message to the webhooks of notify.yml."""

import os
import sys
import threading
from pathlib import Path

import click

from generator.cli.logs import start_log
from generator.cli.options import common_options, current_options, environment
from generator.documents.nearest import suggestion
from generator.errors import Exit, UsageError
from generator.inventory.find import find_inventory
from generator.operate.payloads import trial_payload
from generator.operate.settings import FILE_NAME, Webhook, load_webhooks
from generator.operate.webhooks import post


@click.command(name="notify", short_help="try the webhooks of notify.yml")
@click.argument("names", metavar="[WEBHOOK]...", nargs=-1)
@common_options
def command(*, names: tuple[str, ...]) -> Exit:
    """Send a test message to each WEBHOOK (default: all), and say which took it."""
    options = current_options()
    start_log(verbose=options.verbose, log_format=options.log_format)
    folder = find_inventory(options.inventory, os.environ, Path.cwd())
    failed = False
    for hook in _chosen(load_webhooks(folder, environ=environment()), names, folder):
        body = trial_payload(hook, inventory=folder.resolve().name)
        reason = post(hook, body, stop=threading.Event())
        failed = failed or reason is not None
        sys.stdout.write(f"{hook.name}: {'taken' if reason is None else f'not taken: {reason}'}\n")
        sys.stdout.flush()
    return Exit.ERROR if failed else Exit.OK


def _chosen(hooks: tuple[Webhook, ...], names: tuple[str, ...], folder: Path) -> tuple[Webhook, ...]:
    known = [hook.name for hook in hooks]
    if not hooks:
        raise UsageError("there are no webhooks", where=str(folder / FILE_NAME), fix="see docs/service.md")
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no webhook {name!r}", where=str(folder / FILE_NAME), fix=suggestion(name, known)
            )
    return tuple(hook for hook in hooks if not names or hook.name in names)
