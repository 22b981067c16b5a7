#!/bin/sh
# On a schedule: renders, and opens or updates one request with what changed. Where nothing did, but an appliance
# is not as the files say (changed by hand, or a plan that was refused), a request without a change of a file has
# that planned and reviewed like anything else.
# Exit codes: 0, or that of `bqnctl render` for a source that failed (1) or was refused by a guard (3).
# shellcheck source-path=SCRIPTDIR source=forge.sh
. "$(dirname "$0")/forge.sh"

branch=bqnctl/render
base=$(git rev-parse HEAD)
remote=$(forge_remote)

ended=0
bqnctl render --summary "$work/summary" || ended=$?

git add --all -- "$BQNCTL_INVENTORY"
if git diff --cached --quiet; then
    differs=0
    bqnctl plan --detailed-exitcode || differs=$?
    case $differs in
    0) rm "$work/summary" ;;
    2 | 3) echo "Bring the appliances back to what the files say" >"$work/summary" ;;
    *) exit "$differs" ;;
    esac
fi

request=$(find_request "$branch")
if [ "$ended" != 0 ] && [ -n "$request" ]; then
    say "not every source could be read: request $request stays as it is"
    exit "$ended"
fi
if [ ! -f "$work/summary" ]; then
    say "nothing changed"
    if [ -n "$request" ]; then
        close_request "$request"
    fi
    exit "$ended"
fi

git -c user.name=bqnctl -c user.email=bqnctl@bqnctl.invalid commit --quiet --allow-empty --file "$work/summary"

# What the branch has now: nothing is pushed where that is what it should have, so that approvals stand.
lease=$(git ls-remote "$remote" "refs/heads/$branch" | cut -f 1)
pushed=yes
if [ -n "$lease" ]; then
    git fetch --quiet --depth 1 "$remote" "refs/heads/$branch"
    parent=$(git cat-file commit FETCH_HEAD | sed -n 's/^parent //p')
    if [ "$parent" = "$base" ] && [ "$(git rev-parse "FETCH_HEAD^{tree}")" = "$(git rev-parse "HEAD^{tree}")" ]; then
        pushed=no
    fi
fi
if [ "$pushed" = yes ]; then
    git push --quiet --force-with-lease="refs/heads/$branch:$lease" "$remote" "HEAD:refs/heads/$branch"
fi

git log -1 --format=%s >"$work/title"
{
    git log -1 --format=%b
    echo "The plan comes as a comment; merging applies exactly that."
} >"$work/body"
if [ -z "$request" ]; then
    request=$(open_request "$branch" "$work/title" "$work/body")
    request_changed "$branch" "$request"
elif [ "$pushed" = yes ]; then
    update_request "$request" "$work/title" "$work/body"
    request_changed "$branch" "$request"
fi
say "request $request: $(cat "$work/title")"
exit "$ended"
