# shellcheck shell=sh
# GitLab, for the scripts beside it; sourced by forge.sh. Every function fails when GitLab does.
# shellcheck disable=SC2154 # forge.sh sets work and marker

api="$CI_API_V4_URL/projects/$CI_PROJECT_ID"

# with_token METHOD URL [FILE]: a call with the project's token, for what the job's own token may not do.
with_token() {
    authorize "PRIVATE-TOKEN: ${BQNCTL_TOKEN:?a token of the project, see README.md}"
    call "$@"
}

# The git remote to push to, with the token read from the environment when git asks for it.
forge_remote() {
    # shellcheck disable=SC2016 # git's shell is to read the variable, not this one
    git config credential.helper '!f() { echo username=bqnctl; echo "password=$BQNCTL_TOKEN"; }; f'
    echo "$CI_SERVER_URL/$CI_PROJECT_PATH.git"
}

# The page of the running job, for people.
forge_job_page() {
    echo "$CI_JOB_URL"
}

# The number of the request that this job is about.
forge_this_request() {
    echo "$CI_MERGE_REQUEST_IID"
}

# find_request BRANCH: the number of its open request, or nothing.
find_request() {
    with_token GET "$api/merge_requests?state=opened&source_branch=$1" | pick 'found[0]["iid"] if found else ""'
}

# open_request BRANCH TITLE-FILE BODY-FILE: the number of a new request to merge BRANCH into the default one.
open_request() {
    json_object source_branch "$1" target_branch "$CI_DEFAULT_BRANCH" title@ "$2" description@ "$3" >"$work/request"
    with_token POST "$api/merge_requests" "$work/request" | pick 'found["iid"]'
}

# update_request NUMBER TITLE-FILE BODY-FILE
update_request() {
    json_object title@ "$2" description@ "$3" >"$work/request"
    with_token PUT "$api/merge_requests/$1" "$work/request" >/dev/null
}

# close_request NUMBER
close_request() {
    json_object state_event close >"$work/request"
    with_token PUT "$api/merge_requests/$1" "$work/request" >/dev/null
}

# request_changed BRANCH NUMBER: has its plan made; here the push did that.
request_changed() {
    :
}

# comment_once NUMBER FILE: makes FILE, which begins with the marker, the one comment of ours on the request.
# Only comments of the token's own user count: anybody can write the marker.
comment_once() {
    me=$(with_token GET "$CI_API_V4_URL/user" | pick 'found["id"]')
    page=1 comment=
    while [ -z "$comment" ]; do
        with_token GET "$api/merge_requests/$1/notes?per_page=100&page=$page" >"$work/comments"
        comment=$(pick 'next((c["id"] for c in found if c["body"].startswith(given[0])
            and str(c["author"]["id"]) == given[1]), "")' "$marker" "$me" <"$work/comments")
        if [ "$(pick 'len(found)' <"$work/comments")" -lt 100 ]; then break; fi
        page=$((page + 1))
    done
    json_object body@ "$2" >"$work/request"
    if [ -n "$comment" ]; then
        with_token PUT "$api/merge_requests/$1/notes/$comment" "$work/request" >/dev/null
    else
        with_token POST "$api/merge_requests/$1/notes" "$work/request" >/dev/null
    fi
}

# keep_plan KEY FILE: keeps it in the project's package registry, under KEY.
keep_plan() {
    authorize "JOB-TOKEN: $CI_JOB_TOKEN"
    call PUT "$api/packages/generic/bqnctl-plan/$1/plan.json" "$2" >/dev/null
}

# fetch_plan KEY FILE: the newest plan kept under KEY; no FILE if there is none.
fetch_plan() {
    authorize "JOB-TOKEN: $CI_JOB_TOKEN"
    status=$(curl --silent --show-error --location --max-time 60 --retry 3 --header "@$work/auth" \
        --output "$work/fetched" --write-out '%{http_code}' \
        "$api/packages/generic/bqnctl-plan/$1/plan.json")
    case $status in
    200) mv "$work/fetched" "$2" ;;
    404) ;;
    *)
        say "GitLab answered $status to a request for the plan $1"
        return 1
        ;;
    esac
}
