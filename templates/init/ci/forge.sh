# shellcheck shell=sh source-path=SCRIPTDIR
# Sourced by the other scripts: what they share, and the forge that the job runs on.
set -eu

: "${BQNCTL_INVENTORY:?the folder of the inventory, set by the pipeline}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
marker="<!-- bqnctl plan of $BQNCTL_INVENTORY -->"

say() {
    printf '%s\n' "$*" >&2
}

# The name under which a plan is kept: the git tree of the inventory that it was made for. A merge that brings
# main to exactly this tree finds the plan again; any other does not.
plan_key() {
    git rev-parse --verify "HEAD:$BQNCTL_INVENTORY"
}

# pick EXPRESSION [ARGUMENT...]: what a Python expression makes of the JSON on stdin, called `found`; the
# arguments are in `given`. Fails for what is not JSON or not of that shape.
pick() {
    expression=$1
    shift
    python3 -c "import json, sys
found, given = json.load(sys.stdin), sys.argv[1:]
print($expression)" "$@"
}

# json_object KEY VALUE...: a JSON object of texts; for a key that ends with @ the value is a file to read.
json_object() {
    python3 -c 'import json, sys
pairs = zip(sys.argv[1::2], sys.argv[2::2])
print(json.dumps({k.rstrip("@"): open(v, encoding="utf-8").read() if k.endswith("@") else v for k, v in pairs}))' "$@"
}

# call METHOD URL [FILE]: one request to the forge, FILE being its JSON; the answer's body. The token stands in a
# file, as a command line can be read by others. Only what changes nothing is tried again.
call() {
    method=$1 url=$2 again=0
    if [ "$method" = GET ]; then again=3; fi
    if [ $# -gt 2 ]; then
        set -- --header 'Content-Type: application/json' --data-binary "@$3"
    else
        set --
    fi
    if ! curl --silent --show-error --fail-with-body --location --max-time 60 --retry "$again" \
        --header "@$work/auth" --request "$method" --output "$work/answer" "$@" "$url"; then
        say "$method $url failed:"
        head -c 2000 "$work/answer" >&2 || true
        return 1
    fi
    cat "$work/answer"
}

# authorize HEADER: what each request to the forge carries.
authorize() {
    (umask 077 && printf '%s\n' "$1" >"$work/auth")
}

[% if "github" in forges %]
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    # shellcheck source=github.sh
    . "$here/github.sh"
fi
[% endif %]
[% if "gitlab" in forges %]
if [ -n "${GITLAB_CI:-}" ]; then
    # shellcheck source=gitlab.sh
    . "$here/gitlab.sh"
fi
[% endif %]
if [ -z "${api:-}" ]; then
    say "this runs in a pipeline of [[ forges | join(' or ') ]]; by hand, use bqnctl itself"
    exit 1
fi
