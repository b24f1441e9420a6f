#!/bin/sh
# A worker for the shell, with curl and sed: for each task it runs a command, with the task as JSON on standard input.
#
#   OMOI_URL=http://127.0.0.1:4600 OMOI_AGENT_TOKEN=... OMOI_AGENT_ID=shell-1 OMOI_TASK_TYPE=count sh worker.sh wc -c
#
# Status 0 completes the task with what the command has printed, any other fails it.
set -u
url=${OMOI_URL:-http://127.0.0.1:4600}/api/v1/fleet
agent=${OMOI_AGENT_ID:-shell-$$}
type=${OMOI_TASK_TYPE:-shell}
state=$(mktemp -d)
leaving=$state/leaving
# How long a claim holds without being renewed; the server's default where nothing is said.
lease=${LEASE_MS:+,\"lease_ms\":$LEASE_MS}

# What a program of its own sees, a list of processes would show: the token goes by a file that only this user reads.
(umask 077 && printf 'header = "authorization: Bearer %s"\n' "${OMOI_AGENT_TOKEN:-}" >"$state/curl")

# post PATH BODY: prints the answer. Status 1: refused, for good; 2: no answer, or it may be asked again (503, 429).
post() {
  answer=$(curl --silent --show-error --max-time 60 --config "$state/curl" --header 'content-type: application/json' \
    --write-out '\n%{http_code}' --data "$2" "$url$1") || return 2
  code=${answer##*[!0-9]}
  body=${answer%?"$code"}
  case $code in
    2*) printf '%s\n' "$body" ;;
    *)
      printf '%s\n' "$body" >&2
      case $code in 429 | 503) return 2 ;; *) return 1 ;; esac
      ;;
  esac
}

# insist PATH BODY: until the server has answered. A claim is given up where the worker is to leave.
insist() {
  while :; do
    post "$1" "$2"
    outcome=$?
    [ "$outcome" = 2 ] || return "$outcome"
    [ "$1" = /tasks/claim ] && [ -e "$leaving" ] && return 1
    sleep 1
  done
}

# first KEY and last KEY: a text, the first of this name in the JSON on standard input, and a number, the last one. That is enough here:
# what the server says stands before, or behind, what others have put into a task.
first() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
last() { grep -o "\"$1\":[0-9][0-9]*" | tail -n 1 | cut -d : -f 2; }

# json: what is on standard input as a text of JSON.
json() {
  printf '"'
  tr -d '\000-\010\013-\037' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
  printf '"'
}

# The nonce is this process's own: a repeated registration is the same process, another nonce another one. Who is started by Omoi, as
# a process of a pool, is told both.
nonce=${OMOI_AGENT_NONCE:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
given=${OMOI_AGENT_GENERATION:+,\"generation\":$OMOI_AGENT_GENERATION}
given=$given${OMOI_POOL_ID:+,\"pool_id\":\"$OMOI_POOL_ID\"}
registered=$(insist /agents "{\"agent_id\":\"$agent\",\"agent_type\":\"worker\",\"nonce\":\"$nonce\"$given}") || exit 1
generation=$(printf '%s' "$registered" | last generation)
interval=$(($(printf '%s' "$registered" | last heartbeat_interval_ms) / 1000))
[ "$interval" -gt 0 ] || interval=1
me="\"agent_id\":\"$agent\",\"generation\":$generation"
echo "registered $agent generation $generation"

# Says that it is alive, also while it works; the answer may ask it to leave.
beat() {
  sequence=0
  while [ -d "$state" ]; do
    sequence=$((sequence + 1))
    desired=$(post "/agents/$agent/heartbeat" "{\"generation\":$generation,\"sequence\":$sequence}" | first desired)
    [ "$desired" = drain ] && : >"$leaving"
    sleep "$interval"
  done 2>/dev/null
}
beat &
heart=$!

# keep TASK HELD LEASE_MS: renews the lease three times as often as it would run out.
keep() {
  while sleep $(($3 / 3000 + 1)); do
    post "/tasks/$1/renew" "{$2}" >/dev/null 2>&1
  done
}

trap ': >"$leaving"' TERM INT

while [ ! -e "$leaving" ]; do
  # Waits in the server until there is work. One task at a time, so that one line of JSON is one task.
  claim=$(insist /tasks/claim "{$me,\"task_types\":[\"$type\"],\"wait_ms\":1000$lease}")
  [ "$(printf '%s' "$claim" | first desired)" = drain ] && : >"$leaving"
  task=$(printf '%s' "$claim" | first task_id)
  [ -n "$task" ] || continue
  held="$me,\"attempt\":$(printf '%s' "$claim" | last attempt)"
  keep "$task" "$held" "$(printf '%s' "$claim" | last lease_ms)" &
  keeper=$!
  printf '%s\n' "$claim" | "$@" >"$state/output" 2>"$state/errors"
  status=$?
  kill "$keeper" 2>/dev/null
  wait "$keeper" 2>/dev/null
  if [ "$status" = 0 ]; then
    verb=complete
    said="\"result\":{\"output\":$(json <"$state/output")}"
  else
    verb=fail
    said="\"error\":$( (echo "exit $status" && cat "$state/errors") | json),\"retry\":false"
  fi
  # A refusal (409) is final: the lease was lost, somebody else has the task.
  if insist "/tasks/$task/$verb" "{$held,$said}" >/dev/null; then echo "$verb $task"; fi
done

kill "$heart" 2>/dev/null
# Once: where the server is away, it hears of the end by the silence.
post "/agents/$agent/deregister" "{\"generation\":$generation,\"reason\":\"done\"}" >/dev/null && echo deregistered
rm -r "$state"
