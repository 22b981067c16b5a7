#!/bin/sh
# One of the jobs that share the appliances of a fleet: plans those of $LIMIT into part-out/, for ci/plan.sh to join.
# Changes and a guard's refusal are for the whole plan to say; exit code 1 is an error.
set -eu

: "${BQNCTL_INVENTORY:?the folder of the inventory, set by the pipeline}"
mkdir -p part-out
ended=0
# Into a file, as what is printed could be a command to the runner.
bqnctl plan --limit "${LIMIT:?the appliances of this part}" --detailed-exitcode \
    --out "part-out/${PART:?the number of this part}.json" >"part-out/$PART.txt" || ended=$?
case $ended in
0 | 2 | 3) exit 0 ;;
*) exit 1 ;;
esac
