#!/bin/sh
# On a request: validates, plans, comments once, and keeps the plan for the merge. Writes plan-out/.
# Exit codes: 0 with or without changes, 1 for an error, 3 for a plan that a guard refuses.
# shellcheck source-path=SCRIPTDIR source=forge.sh
. "$(dirname "$0")/forge.sh"

request=$(forge_this_request)
key=$(plan_key)
out=plan-out
rm -rf "$out"
mkdir "$out"

ended=0
bqnctl validate --no-credentials >"$out/validate.txt" 2>&1 || ended=1
cat "$out/validate.txt"
if [ "$ended" = 0 ]; then
    bqnctl plan --detailed-exitcode --out "$out/plan.json" --format markdown >"$out/plan.md" || ended=$?
fi

case $ended in
0 | 2 | 3)
    # The page is made by a plan of its own: it is kept only where that came out as the first one did.
    bqnctl plan --out "$work/again.json" --format html >"$out/plan.html" || true
    if ! cmp -s "$out/plan.json" "$work/again.json"; then
        say "the appliances changed meanwhile: no plan.html"
        rm -f "$out/plan.html"
    fi
    keep_plan "$key" "$out/plan.json"
    {
        echo "$marker"
        cat "$out/plan.md"
        printf '\nMerging applies exactly this plan, or nothing. Inventory %s, [job](%s).\n' "$key" "$(forge_job_page)"
    } >"$out/comment.md"
    if [ "$(wc -c <"$out/comment.md")" -gt 65536 ]; then # more than GitHub takes
        printf '%s\nThe plan is too long for a comment: plan.html and plan.md are with the [job](%s).\n' \
            "$marker" "$(forge_job_page)" >"$out/comment.md"
    fi
    ;;
*)
    {
        echo "$marker"
        printf 'There is no plan: validating or planning failed, and merging would apply nothing ([job](%s)).\n' \
            "$(forge_job_page)"
    } >"$out/comment.md"
    ;;
esac
comment_once "$request" "$out/comment.md"

case $ended in
0 | 2) exit 0 ;;
3) say "a guard refuses this plan: merging it would apply nothing" && exit 3 ;;
*) exit 1 ;;
esac
