"""The story of `bqnctl demo --push`: a billing that pushes, routers that send RADIUS, one review."""

from pathlib import Path
from typing import Any

from generator.bqn.kinds import Kind
from generator.cli.story import Teller
from generator.demo.nas import INTERIM, START, STOP
from generator.demo.push import push_all, send
from generator.demo.push_world import PUSHED, ROUTED, PushWorld, push_world
from generator.errors import BqnctlError, Exit

_SESSIONS = 20
_BLOCKED = "Suspendidos"


def tell_push(folder: Path) -> None:
    """Play it in a new `folder`."""
    with push_world(folder) as world:
        _PushStory(world).tell()


class _PushStory(Teller):
    def __init__(self, world: PushWorld) -> None:
        super().__init__(world.folder)
        self.world = world

    def tell(self) -> None:
        self.title("Two gateways run: one is pushed to, one hears the routers")
        for name, at in self.world.gateways.items():
            radius = f", RADIUS accounting on UDP {at.radius_port}" if at.radius_port else ""
            self.say(f"  bqnctl gateway -l {name}   {at.url}{radius}")
        self.title("The billing pushes everything, as to a BQN; a router starts its sessions")
        self.say(f"  {PUSHED}: {push_all(self.world.client, self.world.billing)} requests, each on disk when answered")
        self.say(f"  {ROUTED}: {self._start_sessions()} sessions, each on disk when answered")
        self.title("Render what was pushed to files for git, like any billing")
        self.run("render", expect=Exit.OK)
        self.run("plan", "--out", str(self.folder / "first.plan.json"), expect=Exit.OK)
        self.run("apply", str(self.folder / "first.plan.json"), expect=Exit.OK)
        self.title("Meanwhile")
        self._changes()
        self.title("What that means, before it reaches the network")
        self.run("render", "--diff", expect=Exit.OK)
        saved = str(self.folder / "change.plan.json")
        self.run("plan", "--out", saved, "--detailed-exitcode", expect=Exit.PENDING)
        self.run("apply", saved, expect=Exit.OK)
        self.title("And again: nothing to do")
        self.run("plan", "--detailed-exitcode", expect=Exit.OK)
        self.say(
            f"\nThe inventory is yours: {self.folder}. The gateways kept what they were told in {self.folder}/gateway."
        )

    def _start_sessions(self) -> int:
        for number in range(_SESSIONS):
            self._send(
                START, Acct_Session_Id=f"{number:08x}", User_Name=f"cliente{number}",
                Framed_IP_Address=f"10.64.0.{number + 1}", Mikrotik_Rate_Limit=f"{5 + number % 2 * 5}M/50M 8M/80M",
            )  # fmt: skip
        return _SESSIONS

    def _changes(self) -> None:
        first, second = self.world.billing.subscribers[0], self.world.billing.subscribers[1]
        send(self.world.client, "PUT", Kind.SUBSCRIBER, first["subscriberIp"], {"policyRate": _BLOCKED})
        self.say(
            f"  * {first['subscriberId']} does not pay: the billing gives {first['subscriberIp']} a policy of rate 0"
        )
        send(self.world.client, "DELETE", Kind.SUBSCRIBER, second["subscriberIp"])
        self.say(f"  * {second['subscriberId']} leaves: the billing deletes {second['subscriberIp']}")
        self._send(INTERIM, Acct_Session_Id=f"{1:08x}", Mikrotik_Rate_Limit="20M/100M", Acct_Session_Time=300)
        self.say("  * cliente1 gets a faster plan: the next interim update says so")
        self._send(INTERIM, Acct_Session_Id=f"{2:08x}", Mikrotik_Address_List="morosos", Acct_Session_Time=300)
        self.say("  * cliente2 is moved to the list morosos")
        self._send(STOP, Acct_Session_Id=f"{3:08x}", User_Name="cliente3")
        self.say("  * cliente3 goes offline: kept for 48 hours, for offline is not gone")

    def _send(self, status: int, **attributes: Any) -> None:
        if not self.world.router.send(status, **attributes):
            raise BqnctlError("the gateway did not answer the router")
