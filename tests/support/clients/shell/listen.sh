# Listens until the stream ends: listen_once URL TOKEN [LAST_ID]. Answers as curl did: 22 for a refusal.
listen_once() {
  local id='' type=message data='' started='' line value
  while IFS= read -r line; do
    value=${line#*:} value=${value# }
    case $line in
      id:*) id=$value ;;
      event:*) type=$value ;;
      data:*) data+=${started:+$'\n'}$value started=yes ;;
      '')
        if [[ $started ]]; then on_event "$id" "$type" "$data"; fi
        type=message data='' started=''
        ;;
    esac
  done < <(curl -sN --fail --speed-limit 1 --speed-time 45 \
    -H "Authorization: Bearer $2" ${3:+-H "Last-Event-ID: $3"} "$1")
  wait $!
}
