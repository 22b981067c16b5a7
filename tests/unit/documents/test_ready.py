"""Threads that decode a type for the first time at once: without `ready`, msgspec 0.22 crashes every other time."""

import subprocess
import sys

PLANNING = """
from generator.bqn import live
from generator.bqn.kinds import Kind
BODIES = {
    Kind.POLICY: b'{"items":[{"policyName":"a","rateLimitDownlink":{"rate":1}}]}',
    Kind.SUBSCRIBER: b'{"items":[{"subscriberIp":"10.0.0.1"}]}',
    Kind.GROUP: b'{"items":[{"subscriberGroupName":"g","subscriberMembers":["10.0.0.1"]}]}',
}
def work():
    assert live.decode_state(BODIES.__getitem__, ipv6_prefix=64).subscribers
"""
READING = """
from generator.billing.body import decode_rows
from generator.billing.splynx.customers import CustomerRow
def work():
    assert decode_rows(b'[{"id": 1, "login": "ana"}]', CustomerRow).rows
"""
AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
go = threading.Barrier(8)
def one():
    go.wait()
    work()
threads = [threading.Thread(target=one) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_types_are_ready_before_threads_share_them() -> None:
    for script in (PLANNING, READING) * 3:
        ended = subprocess.run([sys.executable, "-c", script + AT_ONCE], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
