"""`bqnctl simulate`: a BQN or the emulator of a billing system, on loopback, until it is told to stop."""

import contextlib
import ipaddress
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import msgspec

from generator.bqn.server.faults import parse_fault
from generator.bqn.server.simulator import Simulator, SimulatorOptions, running
from generator.bqn.server.store import Behaviour
from generator.cli.options import common_options
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating, emulator_of
from generator.errors import Exit, UsageError
from generator.net.certificate import Certificate, ensure_certificate
from generator.net.serve import Listening

_BQN_PORT = 3443


@click.command(name="simulate", short_help="a BQN or a billing system on loopback")
@click.argument("what", metavar="bqn|SYSTEM")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one (default: the system's own).")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--allow-remote", is_flag=True, help="Listen on an address that is not loopback.")
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM file with key; made if missing.")
@click.option("--username", default="demo", show_default=True, help="bqn: the REST user.")
@click.option("--password", default="demo", show_default=True, help="bqn: the REST user's password.")
@click.option("--state", type=click.Path(path_type=Path), help="bqn: loaded at start, written at the end.")
@click.option("--fault", multiple=True, metavar="KIND[:NAME=VALUE,…]", help="bqn: go wrong on demand.")
@click.option("--customers", type=click.IntRange(0), default=200, show_default=True, help="SYSTEM: how many.")
@click.option("--seed", type=int, default=1, show_default=True, help="SYSTEM: which sample data.")
@click.option("--switch", multiple=True, metavar="NAME=VALUE", help="Behave so; `--switch help` lists them.")
@common_options
def command(*, what: str, host: str, allow_remote: bool, **options: Any) -> Exit:
    """Serve a simulated BQN, or the emulator of a billing SYSTEM, over HTTPS on loopback.

    Prints one line of JSON (where it listens, and the pin of its certificate) and runs until SIGINT or SIGTERM.
    """
    if not allow_remote and not _is_loopback(host):
        raise UsageError(f"{host} is not a loopback address", fix="--allow-remote, if that is meant")
    switches = _switches(options.pop("switch"))
    if "help" in switches:
        sys.stdout.write("".join(f"{name}: {text}\n" for name, text in _known_switches(what).items()))
        return Exit.OK
    with contextlib.ExitStack() as stack:
        certificate = _certificate(options.pop("certificate"), stack)
        line = {**_start(what, host, switches, certificate, options, stack), "pid": os.getpid()}
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return Exit.OK


def _start(  # noqa: PLR0917 - private, called once above
    what: str,
    host: str,
    switches: dict[str, str],
    certificate: Certificate,
    options: dict[str, Any],
    stack: contextlib.ExitStack,
) -> dict[str, Any]:
    """Start it until `stack` is closed; what the printed line says of it."""
    # Block the signals in every thread to come, so that only `sigwait` takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    stack.callback(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    port = options["port"]
    if what == "bqn":
        chosen = SimulatorOptions(
            username=options["username"],
            password=options["password"],
            behaviour=_behaviour(switches),
            faults=tuple(map(parse_fault, options["fault"])),
            state_file=options["state"],
        )
        started: tuple[Simulator, Listening] = stack.enter_context(
            running(chosen, certificate=certificate, host=host, port=_BQN_PORT if port is None else port)
        )
        return {"listening": started[1].url, "fingerprint_sha256": started[1].fingerprint_sha256}
    emulator = emulator_of(what)
    unknown = sorted(switches.keys() - emulator.SWITCHES.keys())
    if unknown:
        raise UsageError(f"{what} has no switch {', '.join(unknown)}", fix=f"bqnctl simulate {what} --switch help")
    emulated = stack.enter_context(
        emulating(
            what,
            EmulatorOptions(customers=options["customers"], seed=options["seed"], switches=switches),
            certificate=certificate,
            host=host,
            port=emulator.DEFAULT_PORT if port is None else port,
        )
    )
    pin = certificate.fingerprint_sha256 if emulated.url.startswith("https:") else None
    return {"listening": emulated.url, "fingerprint_sha256": pin, "host_vars": emulated.host_vars}


def _behaviour(switches: dict[str, str]) -> Behaviour:
    fields: dict[str, Any] = dict(switches)
    if "static_policies" in fields:
        fields["static_policies"] = fields["static_policies"].split(",")
    unknown = sorted(fields.keys() - set(Behaviour.__struct_fields__))
    if unknown:
        raise UsageError(f"bqn has no switch {', '.join(unknown)}", fix="bqnctl simulate bqn --switch help")
    try:
        return msgspec.convert(fields, Behaviour, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"a switch has no such value: {error}", fix="bqnctl simulate bqn --switch help") from error


def _known_switches(what: str) -> dict[str, str]:
    if what != "bqn":
        return dict(emulator_of(what).SWITCHES)
    default = Behaviour()
    return {name: f"default {getattr(default, name)!r}" for name in Behaviour.__struct_fields__}


def _switches(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    return {name: value or "true" for name, _, value in pairs}


def _certificate(file: Path | None, stack: contextlib.ExitStack) -> Certificate:
    if file is None:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bqnctl-"))) / "tls.pem"
    return ensure_certificate(file)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
