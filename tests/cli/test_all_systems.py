"""One network with every billing system: examined, rendered, planned, applied, and then nothing left to do."""

from collections.abc import Callable
from typing import Any

from generator.bqn.kinds import Kind
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating, systems

Ran = Any
Net = Any
CUSTOMERS = 12


def test_every_system_goes_the_whole_way(net: Net, bqnctl: Callable[..., Ran]) -> None:
    for system in systems():
        switches = {"no-limit": "on"} if system == "powercode_api" else {}
        options = EmulatorOptions(customers=CUSTOMERS, switches=switches)
        emulated = net.stack.enter_context(emulating(system, options, certificate=net.certificate))
        variables = {"timeout": 20, "requests_per_second": None, **emulated.host_vars}
        net.hosts["billing"]["hosts"][f"{system}-main"] = variables
    for at in range(0, len(systems()), 3):
        net.add_bqn(f"bqn-{at}", sources=[f"{system}-main" for system in systems()[at : at + 3]])
    examined = bqnctl("doctor")
    assert examined.code == 0, examined
    rendered = bqnctl("render")
    assert rendered.code == 0, rendered
    assert len(rendered.out.splitlines()) == len(systems())
    assert bqnctl("validate").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 2
    applied = bqnctl("apply", "--yes")
    assert applied.code == 0, applied
    for bqn in net.bqn.values():
        assert len(bqn.store.items(Kind.SUBSCRIBER)) >= CUSTOMERS - 2  # samples share addresses; some are offline
    assert bqnctl("plan", "--detailed-exitcode").code == 0
    assert bqnctl("render", "--check").code == 0
