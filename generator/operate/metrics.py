"""What is remembered as Prometheus metrics: for a port, and for the textfile collector of node_exporter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from generator.bqn.kinds import Kind
from generator.documents.files import write_atomically
from generator.errors import BqnctlError
from generator.operate.account import Status
from generator.operate.memory import Memory
from generator.reconcile.plan import Action

_PREFIX = "bqnctl_sync_"
_RESULTS = (Status.OK, Status.REFUSED, Status.PARTIAL, Status.FAILED)
PHASES = ("render", "plan", "apply")
OBJECTS = ("policy", "subscriber", "group", "rejected")
_Samples = Iterator[tuple[Sequence[str], float]]


def metrics_text(memory: Memory) -> bytes:
    """The metrics of `memory`, in Prometheus' text format; what is not known yet is 0, not missing."""
    registry = CollectorRegistry()
    registry.register(_Metrics(memory))
    return generate_latest(registry)


def write_metrics(memory: Memory, file: Path) -> None:
    """Write the metrics to `file`, whole or not at all; readable by all, as a collector is another user."""
    try:
        write_atomically(file, metrics_text(memory))
    except OSError as error:
        raise BqnctlError(f"the metrics cannot be written: {error.strerror}", where=str(file)) from error


class _Metrics(Collector):
    """Makes the families when Prometheus' library asks for them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def collect(self) -> Iterator[Metric]:
        yield from self._run()
        yield from self._sources()
        yield from self._appliances()

    def _run(self) -> Iterator[Metric]:
        memory = self._memory
        runs = (((result,), memory.runs.get(result, 0)) for result in _RESULTS)
        yield self._counter("runs", "Runs by result", ("result",), runs)
        yield self._counter("missed_slots", "Slots of the schedule that passed while a run lasted", (), memory.missed)
        yield self._gauge("interval_seconds", "The interval of the service, 0 under a timer", (), memory.interval_s)
        yield self._gauge("last_run_timestamp_seconds", "When the last run ended", (), memory.last_end_s)
        yield self._gauge("last_exit_code", "The exit code of the last run", (), memory.last_exit)
        total = memory.last_seconds.get("total", 0.0)
        yield self._gauge("last_duration_seconds", "How long the last run took", (), total)
        phases = (((phase,), memory.last_seconds.get(phase, 0.0)) for phase in PHASES)
        yield self._gauge("last_phase_duration_seconds", "How long its parts took", ("phase",), phases)
        yield self._gauge("settings_good", "1, or 0 while a reload fails", (), float(memory.settings_good))
        failures = (((name,), count) for name, count in memory.webhook_failures.items())
        yield self._counter("webhook_failures", "Messages that a webhook did not take", ("webhook",), failures)

    def _sources(self) -> Iterator[Metric]:
        sources = self._memory.sources
        meaning = "When the source was last read whole, 0 for never"
        times = (((name,), each.last_success_s) for name, each in sources.items())
        yield self._gauge("source_last_success_timestamp_seconds", meaning, ("source",), times)
        states = (((name, state), each.status == state) for name, each in sources.items() for state in _RESULTS)
        yield self._gauge("source_state", "1 for what became of it last", ("source", "state"), states)
        counts = (((name, kind), each.objects.get(kind, 0)) for name, each in sources.items() for kind in OBJECTS)
        yield self._gauge("source_objects", "Objects in its desired state", ("source", "kind"), counts)

    def _appliances(self) -> Iterator[Metric]:
        appliances = self._memory.appliances
        meaning = "When a sync last left the appliance as desired, 0 for never"
        times = (((name,), each.last_success_s) for name, each in appliances.items())
        yield self._gauge("appliance_last_success_timestamp_seconds", meaning, ("appliance",), times)
        states = (((name, state), each.status == state) for name, each in appliances.items() for state in _RESULTS)
        yield self._gauge("appliance_state", "1 for what became of it last", ("appliance", "state"), states)
        changes = (
            ((name, kind, action), each.changes.get(kind, {}).get(action, 0))
            for name, each in appliances.items()
            for kind in Kind
            for action in Action
        )
        yield self._counter("changes", "Objects written", ("appliance", "kind", "action"), changes)
        drift = (((name, kind), each.drift.get(kind, 0)) for name, each in appliances.items() for kind in Kind)
        yield self._counter("drift", "Objects changed by others since a sync left them", ("appliance", "kind"), drift)
        pending = (((name, kind), each.pending.get(kind, 0)) for name, each in appliances.items() for kind in Kind)
        yield self._gauge("pending", "Objects that still differ after the last run", ("appliance", "kind"), pending)

    def _counter(self, name: str, meaning: str, labels: Sequence[str], samples: "_Samples | float") -> Metric:
        return self._filled(CounterMetricFamily(_PREFIX + name, meaning, labels=("inventory", *labels)), samples)

    def _gauge(self, name: str, meaning: str, labels: Sequence[str], samples: "_Samples | float") -> Metric:
        return self._filled(GaugeMetricFamily(_PREFIX + name, meaning, labels=("inventory", *labels)), samples)

    def _filled(self, family: CounterMetricFamily | GaugeMetricFamily, samples: "_Samples | float") -> Metric:
        for labels, value in [((), samples)] if isinstance(samples, int | float) else samples:
            family.add_metric((self._memory.inventory, *map(str, labels)), float(value))
        return family
