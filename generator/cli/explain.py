"""`bqnctl explain`: one subscriber, from the billing record to the live BQNs; reads, writes nothing."""

import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import click

from generator.billing.read import read_source
from generator.cli.options import common_options, environment
from generator.cli.session import Session, open_session
from generator.desired.check import reference_problems
from generator.desired.explaining.model import SourceStory, WhereOf
from generator.desired.explaining.source import offline_story, range_stories, rejected_stories, source_story
from generator.desired.overrides.model import Overrides
from generator.desired.overrides.reading import load_overrides
from generator.desired.query import Query, parse_query
from generator.desired.tree import LoadedTree, load_tree
from generator.errors import BqnctlError, DocumentError, Exit, Problem
from generator.inventory.places import setting_places
from generator.inventory.settings import BillingHost, BqnHost
from generator.reconcile.whereabouts import OnAppliance, whereabouts
from generator.report.explain import Explanation, explanation_json, explanation_text

_Host = TypeVar("_Host", BillingHost, BqnHost)
_Found = TypeVar("_Found")


@click.command(name="explain", short_help="why one subscriber is as it is")
@click.argument("who", metavar="IP|ID")
@click.option("--offline", is_flag=True, help="Do not ask the billing systems; use desired/ only.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@common_options
def command(*, who: str, offline: bool, format_: str) -> Exit:
    """Explain one subscriber: billing record, rules and overrides, desired state, each BQN, the next apply.

    Exits 1 when no billing system, no desired file and no BQN knows it.
    """
    session = open_session(credentials=frozenset({"bqn"} if offline else {"billing", "bqn"}))
    explanation = _explain(session, parse_query(who), offline=offline)
    sys.stdout.write(explanation_json(explanation) if format_ == "json" else explanation_text(explanation))
    return Exit.OK if explanation.found else Exit.ERROR


def _explain(session: Session, query: Query, *, offline: bool) -> Explanation:
    hosts = session.inventory.billing
    overrides = load_overrides(session.inventory.folder, sources=hosts)
    trees = _trees(session)
    sources = _sources(session, trees, query, overrides, offline=offline)
    known = [(tree, hosts[name]) for name, tree in trees.items()]
    states = {name: tree.state for name, tree in trees.items()}

    def on(bqn: BqnHost) -> OnAppliance:
        ips = [each.ip for story in sources if story.source in bqn.sources for each in story.addresses]
        return whereabouts(bqn, states, ips, query)

    return Explanation(
        query=query.text,
        offline=offline,
        sources=tuple(sources),
        ranges=tuple(each for tree, host in known for each in range_stories(tree, host, query)),
        rejected=tuple(each for tree, host in known for each in rejected_stories(tree, host, query)),
        appliances=tuple(_at_once(on, session.bqn)),
    )


def _trees(session: Session) -> dict[str, LoadedTree]:
    """The desired state of every source that was ever rendered; raises `DocumentError` for faults in them."""
    trees: dict[str, LoadedTree] = {}
    problems: list[Problem] = []
    for name in session.inventory.billing:
        if (session.desired_folder / name).is_dir():
            try:
                trees[name] = load_tree(session.desired_folder / name)
                problems += reference_problems(trees[name])
            except DocumentError as error:
                problems += error.problems
    if problems:
        raise DocumentError(problems)
    return trees


def _sources(
    session: Session, trees: Mapping[str, LoadedTree], query: Query, overrides: Overrides, *, offline: bool
) -> list[SourceStory]:
    now = dt.datetime.now(dt.UTC)
    if offline:
        stories = [(host, trees[host.name]) for host in session.inventory.billing.values() if host.name in trees]
        return [offline_story(tree, host, query, overrides=overrides, now=now) for host, tree in stories]
    places = setting_places(session.inventory.folder, environment())

    def of(host: BillingHost) -> SourceStory:
        tree = trees.get(host.name)
        where: WhereOf = partial(places, host.name)
        try:
            answer = read_source(host)
        except BqnctlError as error:
            known = None if tree is None else offline_story(tree, host, query, overrides=overrides, now=now)
            return SourceStory(source=host.name, addresses=known.addresses if known else (), error=str(error))
        return source_story(answer, host, tree, query, overrides=overrides, now=now, where=where)

    return _at_once(of, session.billing)


def _at_once(ask: Callable[[_Host], _Found], hosts: Sequence[_Host]) -> list[_Found]:
    """What each host answers, all asked at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, min(_MOST_AT_ONCE, len(hosts)))) as pool:
        return list(pool.map(ask, hosts))


_MOST_AT_ONCE = 16
