"""The `bqnctl` command: finds the subcommand, and turns every ending into its exit code."""

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from generator import __version__
from generator.cli.options import CommonOptions, common_options
from generator.errors import BqnctlError, Exit, UsageError

_GC_OBJECTS = 100_000

_COMMANDS = {
    "apply": "make it so",
    "completion": "the completion script of bash, zsh or fish",
    "doctor": "reach, TLS, credentials and permissions of every host, with the fix for each failure",
    "demo": "the whole story on loopback emulators, with sample data",
    "explain": "why one subscriber is as it is, from billing record to BQN",
    "gateway": "intake for billing systems that push: BQN REST and RADIUS accounting",
    "import": "the live BQN → desired state, to adopt an appliance in use",
    "init": "a new repository: inventory, pipelines, timer",
    "notify": "try the webhooks of notify.yml",
    "override": "human decisions on top of the billing",
    "plan": "what apply would change; changes nothing",
    "render": "billing → desired state",
    "report": "a saved plan in any format; the parts of a fleet's plan joined",
    "rollback": "a journaled run → the plan that undoes it",
    "runs": "the runs in the journal",
    "schema": "print a JSON Schema",
    "simulate": "a BQN or a billing system on loopback",
    "support-bundle": "what support needs, in one file, secrets out",
    "sync": "render, plan and apply, once or on a schedule",
    "validate": "check inventory and desired state, offline",
}


_MODULES = {"import": "adopt", "support-bundle": "support_bundle"}
"""Commands whose module cannot have their name, because Python keeps it for itself."""


class _LazyGroup(click.Group):
    """Imports a subcommand's module when it is asked for, so that `--help` starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"generator.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from generator.documents.nearest import suggestion  # noqa: PLC0415 - only where a word was mistyped

            raise UsageError(f"there is no command {args[0]!r}", fix=suggestion(args[0], sorted(_COMMANDS)))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [(name, text) for name, text in sorted(_COMMANDS.items()) if name.startswith(incomplete)]
        # Not click's own list of commands, which imports every one of them.
        return [CompletionItem(name, help=text) for name, text in commands] + click.Command.shell_complete(
            self, ctx, incomplete
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bqnctl", message="%(prog)s %(version)s")
@common_options
def cli() -> None:
    """Subscriber policy as code: billing system → YAML in git → reviewed plan → BQN.

    Exit codes: 0 done or nothing to do, 1 error, 2 changes pending, 3 refused by a guard or stale, 4 applied
    in part.
    """


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and exit with its code; the entry point of the installed `bqnctl`."""
    code = main(arguments)
    gc.freeze()  # the interpreter's last collection would walk everything, to free what ends with the process
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; usage errors are 1, because 2 means changes pending."""
    # A run makes millions of small objects and hardly a cycle: the default thresholds cost a third of it.
    gc.set_threshold(_GC_OBJECTS, 50, 100)
    options = CommonOptions()
    try:
        given = None if arguments is None else list(arguments)
        code = cli.main(args=given, prog_name="bqnctl", standalone_mode=False, obj=options)
        sys.stdout.flush()
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): say nothing more, not even at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.OK)
    except (Exception, KeyboardInterrupt) as error:
        if options.debug:
            raise
        return int(_failed(error))
    return int(code) if isinstance(code, int) else int(Exit.OK)


def _failed(error: Exception | KeyboardInterrupt) -> Exit:
    """Tell what ended the run; the answer is its exit code."""
    if isinstance(error, BqnctlError):
        _show(error)
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show(file=sys.stderr)
    elif isinstance(error, (click.Abort, KeyboardInterrupt)):
        click.echo("interrupted", err=True)
    else:
        _show_crash(error)
    return Exit.ERROR


def _show(error: BqnctlError) -> None:
    from generator.report.safe import printable  # noqa: PLC0415 - only where something went wrong

    text = "\n".join(printable(line) for line in str(error).split("\n"))
    click.echo(f"error: {text}\n  see docs/errors.md#{error.anchor()}", err=True)


def _show_crash(error: Exception) -> None:
    """Say what kind of error it was and where; its text may hold what nobody shall see."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
    click.echo(
        f"error: bqnctl {__version__} failed in a way that it should not: {type(error).__name__}{at}\n"
        "  → --debug shows the traceback, which may quote data; `bqnctl support-bundle` gathers what a report needs",
        err=True,
    )
