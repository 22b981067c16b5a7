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

# look OPTION...: the plan, or the whole of the parts that other jobs made of it, shown as the options say.
look() {
    if [ -n "${PARTS:-}" ]; then
        set -- report merge part-out/*.json "$@"
        if [ "$(find part-out -name '*.json' | wc -l)" -ne "$PARTS" ]; then
            say "not every part was planned: see the jobs of the parts"
            return 1
        fi
    else
        set -- plan "$@"
    fi
    bqnctl "$@"
}

ended=0
bqnctl validate --no-credentials >"$out/validate.txt" 2>&1 || ended=1
cat "$out/validate.txt"
if [ "$ended" = 0 ]; then
    # The comment, the page and the plan are one look at the appliances; the comment leaves room for what stands below.
    look --detailed-exitcode --out "$out/plan.json" --html "$out/plan.html" \
        --format markdown --max-bytes 65000 --link "$(forge_job_page)" >"$out/plan.md" || ended=$?
fi

case $ended in
0 | 2 | 3)
    keep_plan "$key" "$out/plan.json"
    {
        echo "$marker"
        cat "$out/plan.md"
        printf '\nMerging applies exactly this plan, or nothing (inventory %s).\n' "$key"
    } >"$out/comment.md"
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
