#!/usr/bin/env bash
# Runs curl on one stream: `run.sh STREAM URL TOKEN`. Prints a line of JSON for each event, and for each time that
# curl ended.
source ./listen.sh
source ./loop.sh
stream=$1

on_event() {
  last_id=$1
  local data=${3//\\/\\\\}
  data=${data//\"/\\\"}
  printf '{"stream":%s,"id":"%s","type":"%s","data":"%s"}\n' "$stream" "$1" "$2" "${data//$'\n'/\\n}"
}

on_end() {
  printf '{"stream":%s,"state":"ended","why":"curl %s"}\n' "$stream" "$1"
}

keep_listening "$2" "$3" 0
