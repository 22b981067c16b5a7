#!/bin/sh
# On the default branch: applies exactly the plan that was reviewed for this state of the inventory.
# Exit codes: those of `bqnctl apply`; 3 if there are changes that no reviewed plan has.
# shellcheck source-path=SCRIPTDIR source=forge.sh
. "$(dirname "$0")/forge.sh"

key=$(plan_key)
fetch_plan "$key" "$work/plan.json"
ended=0
if [ -f "$work/plan.json" ]; then
    say "the reviewed plan of $key"
    bqnctl apply "$work/plan.json" || ended=$?
    exit "$ended"
fi

bqnctl plan --detailed-exitcode || ended=$?
case $ended in
0) say "nothing to apply" ;;
2 | 3)
    say "refused: no plan was reviewed for $key; the next scheduled run opens a request for these changes"
    exit 3
    ;;
*) exit "$ended" ;;
esac
