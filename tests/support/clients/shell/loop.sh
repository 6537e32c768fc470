keep_listening() { # URL TOKEN [SECONDS]
  last_id=''
  while true; do
    listen_once "$1" "$2" "$last_id"
    status=$?
    on_end "$status"
    ((status != 22)) || return # The token has expired: get another one.
    sleep "${3:-1}.$RANDOM"
  done
}
