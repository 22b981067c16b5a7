"""One sync: render, plan and apply in one go, each host apart, with an account of what became of each."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from generator.cli.apply import apply_plan
from generator.cli.plan import show_plan
from generator.cli.render import Rendered, render_sources, report
from generator.cli.session import DesiredStates, Session, read_desired
from generator.desired.saving import save_tree
from generator.errors import BqnctlError, DocumentError, RefusedError
from generator.model import DesiredState
from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount, Status
from generator.operate.accounting import appliance_account
from generator.operate.control import Control, EndedError
from generator.operate.drift import drift_of
from generator.operate.events import tell_account
from generator.operate.memory import Memory
from generator.reconcile.guards import parse_allowances
from generator.reconcile.outcome import RunOutcome
from generator.reconcile.plan import Plan
from generator.reconcile.planner import make_plan
from generator.report.outcome import outcome_text
from generator.report.safe import one_line

_log = logging.getLogger(__name__)


class CycleOptions(Struct, frozen=True, kw_only=True):
    """How a sync is run: `printed` shows its result on stdout as the commands do, `events` logs it for machines."""

    allow: tuple[str, ...] = ()
    printed: bool = True
    events: bool = False


class Cycle:
    """One sync of the hosts of a session; `waiting` are those that this run leaves out."""

    def __init__(
        self, session: Session, options: CycleOptions, *, control: Control, memory: Memory, waiting: frozenset[str]
    ) -> None:
        self._session, self._options, self._control, self._memory = session, options, control, memory
        self._waiting = waiting
        self._sources: dict[str, SourceAccount] = {}
        self._appliances: dict[str, ApplianceAccount] = {}
        self._seconds: dict[str, float] = {}
        self._run: str | None = None
        self._interrupted = False

    def run(self) -> RunAccount:
        """Do it; every failure is in the account."""
        started_s = time.time()
        self._leave_out()
        error = None
        try:
            self._all()
        except BqnctlError as failure:
            error = str(failure)
        except EndedError:
            self._interrupted = True
        return RunAccount(
            started_s=started_s, ended_s=time.time(), sources=tuple(self._sources.values()),
            appliances=tuple(self._appliances.values()), seconds=self._seconds, run=self._run,
            interrupted=self._interrupted, error=error,
        )  # fmt: skip

    def _leave_out(self) -> None:
        """Account for the hosts whose turn comes later."""
        error = "it failed the last times, and is tried again later"
        for source in self._session.billing:
            if source.name in self._waiting:
                self._note(SourceAccount(name=source.name, status=Status.WAITING, error=error))
        for bqn in self._session.bqn:
            if bqn.name in self._waiting:
                self._note(ApplianceAccount(name=bqn.name, status=Status.WAITING, error=error))

    def _note(self, account: SourceAccount | ApplianceAccount) -> None:
        if isinstance(account, SourceAccount):
            self._sources[account.name] = account
        else:
            self._appliances[account.name] = account
        if self._options.events:
            tell_account(account)

    def _complain(self, text: str) -> None:
        """Tell a person what no report of a plan or an outcome says; events say it to machines."""
        if not self._options.events:
            _log.error("%s", one_line(text))

    def _all(self) -> None:
        with self._phase("render"):
            rendered = self._render()
        with self._phase("plan"):
            desired, plan = self._plan()
            drift = self._drift(plan, rendered, desired)
            if self._options.printed:
                show_plan(plan)
        with self._phase("apply"):
            self._apply(plan, desired, drift)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun_s = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = time.monotonic() - begun_s

    def _render(self) -> dict[str, Rendered]:
        """Read the sources, save what changed."""
        tried = replace(self._session, billing=tuple(h for h in self._session.billing if h.name not in self._waiting))
        results = render_sources(tried, allowed=parse_allowances(self._options.allow))
        with self._control.writing():
            saved = [_saved(result) for result in results]
        for result in saved:
            if self._options.printed and not (result.error and self._options.events):
                report(result, check=False, show_diff=False)
            self._note(_source_account(result))
        return {result.source: result for result in saved}

    def _plan(self) -> tuple[DesiredStates, Plan]:
        """Plan the appliances whose desired states are all there and valid; the others failed."""
        tried = [bqn for bqn in self._session.bqn if bqn.name not in self._waiting]
        desired, unusable = self._desired(sorted({source for bqn in tried for source in bqn.sources}))
        ready = []
        for bqn in tried:
            reasons = [unusable[source] for source in bqn.sources if source in unusable]
            if reasons:
                self._note(ApplianceAccount(name=bqn.name, status=Status.FAILED, error="\n".join(reasons)))
                self._complain(f"{bqn.name}: " + "\n".join(reasons))
            else:
                ready.append(bqn)
        plan = make_plan(
            ready, desired.states, inventory=self._session.inventory.folder.name, desired_digests=desired.digests,
            allowed=parse_allowances(self._options.allow),
        )  # fmt: skip
        return desired, plan

    def _desired(self, sources: list[str]) -> tuple[DesiredStates, dict[str, str]]:
        """The desired states on disk, and why those that are not among them cannot be used."""
        folder = self._session.desired_folder
        states: dict[str, DesiredState] = {}
        digests: dict[str, str] = {}
        unusable: dict[str, str] = {}
        for source in sources:
            if not (folder / source).is_dir():
                unusable[source] = f"no desired state of {source} yet: it was never read whole"
                continue
            found, problems = read_desired(folder, [source])
            if problems:
                unusable[source] = str(DocumentError(problems))
            states |= found.states
            digests |= found.digests
        return DesiredStates(states, digests), unusable

    def _drift(self, plan: Plan, rendered: Mapping[str, Rendered], desired: DesiredStates) -> dict[str, dict[str, int]]:
        """The drift of the appliances that the last sync left whole, by the desired files from before this run."""
        bqns = {bqn.name: bqn for bqn in self._session.bqn}
        before, digests = dict(desired.states), dict(desired.digests)
        for source, result in rendered.items():
            if result.previous is not None and result.previous_digest is not None:
                before[source], digests[source] = result.previous, result.previous_digest
        return {
            each.name: drift_of(each, bqns[each.name], before=before, after=desired.states)
            for each in plan.appliances
            if not each.error and self._left_with(each.name) == {name: digests[name] for name in each.sources}
        }

    def _left_with(self, appliance: str) -> Mapping[str, str] | None:
        known = self._memory.appliances.get(appliance)
        return known.digests if known else None

    def _apply(self, plan: Plan, desired: DesiredStates, drift: Mapping[str, dict[str, int]]) -> None:
        outcome, failure = None, None
        if any(appliance.changes and not appliance.refused for appliance in plan.appliances):
            with self._control.writing():
                try:
                    outcome = apply_plan(self._session, plan, allow=self._options.allow, stop=self._control.stop)
                except BqnctlError as error:
                    failure = str(error)
                self._settle(plan, outcome, failure, desired, drift)
        else:
            self._settle(plan, None, None, desired, drift)

    def _settle(
        self, plan: Plan, outcome: RunOutcome | None, failure: str | None, desired: DesiredStates,
        drift: Mapping[str, dict[str, int]],
    ) -> None:  # fmt: skip
        """Account for every appliance that was planned."""
        if outcome is not None:
            self._run, self._interrupted = outcome.run, outcome.interrupted
            if self._options.printed:
                sys.stdout.write(outcome_text(outcome))
        if failure is not None:
            self._complain(failure)
        outcomes = {} if outcome is None else {each.name: each for each in outcome.appliances}
        for each in plan.appliances:
            account = appliance_account(each, outcomes.get(each.name), failure)
            whole = {source: desired.digests[source] for source in each.sources} if account.status is Status.OK else {}
            self._note(replace(account, drift=drift.get(each.name), digests=whole))


def _saved(result: Rendered) -> Rendered:
    """`result`, once its files are on disk; with the error where they could not be written."""
    if not result.changed:
        return result
    try:
        save_tree(result.folder, dict(result.files))
    except DocumentError as error:
        return replace(result, error=error)
    return result


def _source_account(result: Rendered) -> SourceAccount:
    if result.error is not None or result.state is None:
        status = Status.REFUSED if isinstance(result.error, RefusedError) else Status.FAILED
        return SourceAccount(name=result.source, status=status, error=str(result.error))
    state = result.state
    objects = {
        "policy": len(state.policies), "subscriber": len(state.subscribers), "group": len(state.groups),
        "rejected": len(state.rejected),
    }  # fmt: skip
    return SourceAccount(name=result.source, status=Status.OK, changed=result.changed, objects=objects)
