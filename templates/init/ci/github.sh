# shellcheck shell=sh
# GitHub, for the scripts beside it; sourced by forge.sh. Every function fails when GitHub does.
# shellcheck disable=SC2154 # forge.sh sets work and marker

api="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
authorize "Authorization: Bearer ${GITHUB_TOKEN:?the token of the job, set by the workflow}"

# What is printed from here on is no command to the runner (`::error::...`), whatever somebody is called in the
# billing; at the end it listens again, for the steps that follow.
resume=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
echo "::stop-commands::$resume"
trap 'rm -rf "$work"; echo "::$resume::"' EXIT

# The git remote to push to; the workflow's checkout left the credentials.
forge_remote() {
    echo origin
}

# The page of the running job, for people.
forge_job_page() {
    echo "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
}

# The number of the request that this job is about.
forge_this_request() {
    echo "${REQUEST:?the number of the pull request, set by the workflow}"
}

# find_request BRANCH: the number of its open request, or nothing.
find_request() {
    call GET "$api/pulls?state=open&head=${GITHUB_REPOSITORY%%/*}:$1" | pick 'found[0]["number"] if found else ""'
}

# open_request BRANCH TITLE-FILE BODY-FILE: the number of a new request to merge BRANCH into the default one.
open_request() {
    json_object head "$1" base "$GITHUB_REF_NAME" title@ "$2" body@ "$3" >"$work/request"
    call POST "$api/pulls" "$work/request" | pick 'found["number"]'
}

# update_request NUMBER TITLE-FILE BODY-FILE
update_request() {
    json_object title@ "$2" body@ "$3" >"$work/request"
    call PATCH "$api/pulls/$1" "$work/request" >/dev/null
}

# close_request NUMBER
close_request() {
    json_object state closed >"$work/request"
    call PATCH "$api/pulls/$1" "$work/request" >/dev/null
}

# request_changed BRANCH NUMBER: has its plan made. What a job's own token pushes starts no workflow, except by
# asking for one.
request_changed() {
    printf '{"ref": "%s", "inputs": {"request": "%s"}}\n' "$1" "$2" >"$work/request"
    call POST "$api/actions/workflows/bqnctl-plan.yml/dispatches" "$work/request" >/dev/null
}

# comment_once NUMBER FILE: makes FILE, which begins with the marker, the one comment of ours on the request.
# Only comments of the workflow's own user count: anybody can write the marker.
comment_once() {
    page=1 comment=
    while [ -z "$comment" ]; do
        call GET "$api/issues/$1/comments?per_page=100&page=$page" >"$work/comments"
        comment=$(pick 'next((c["id"] for c in found if c["body"].startswith(given[0])
            and c["user"]["login"] == "github-actions[bot]"), "")' "$marker" <"$work/comments")
        if [ "$(pick 'len(found)' <"$work/comments")" -lt 100 ]; then break; fi
        page=$((page + 1))
    done
    json_object body@ "$2" >"$work/request"
    if [ -n "$comment" ]; then
        call PATCH "$api/issues/comments/$comment" "$work/request" >/dev/null
    else
        call POST "$api/issues/$1/comments" "$work/request" >/dev/null
    fi
}

# keep_plan KEY FILE: the workflow's next step uploads it as the artifact plan-KEY.
keep_plan() {
    echo "key=$1" >>"$GITHUB_OUTPUT"
}

# fetch_plan KEY FILE: the newest plan kept under KEY; no FILE if there is none. Artifacts of forks do not count:
# a fork runs the workflows that it likes.
fetch_plan() {
    call GET "$api/actions/artifacts?name=plan-$1&per_page=100" >"$work/artifacts"
    artifact=$(pick 'max(((a["created_at"], a["id"]) for a in found["artifacts"] if not a["expired"]
        and a["workflow_run"]["head_repository_id"] == a["workflow_run"]["repository_id"]), default=("", ""))[1]' \
        <"$work/artifacts")
    if [ -n "$artifact" ]; then
        call GET "$api/actions/artifacts/$artifact/zip" >"$work/plan.zip"
        mkdir "$work/plan"
        python3 -m zipfile -e "$work/plan.zip" "$work/plan"
        mv "$work/plan/plan.json" "$2"
    fi
}
