# Before this pod ends. If it is master, the role moves without losing an acknowledged write: a failover
# alone leaves the old master writable for seconds, and what it takes then is discarded.
. /readonly-config/ask.sh
. /readonly-config/master.sh

me() {
  server_cli 127.0.0.1 "$@"
}

# The pause ends by itself if this script dies.
hold_writes() {
  me client pause 6000 write >/dev/null
}

# 0 while a replica is connected, or was until 5 s ago: a promotion cuts its link before a sentinel tells of
# it. In an uninstall all pods end at once, and nobody is left to take over.
someone_follows() {
  if [ "$(me info replication | field connected_slaves)" -gt 0 ] 2>/dev/null; then
    alone_since=''
    return 0
  fi
  alone_since=${alone_since:-$(date +%s)}
  [ "$(date +%s)" -lt "$((alone_since + 5))" ]
}

while_waiting() {
  hold_writes
  someone_follows
}

# 0 when some replica has acknowledged all that was written.
replicas_caught_up() {
  me info replication | tr -d '\r' | awk -F '[:,=]' -v wanted="$1" '
    /^slave[0-9]+:/ { for (i = 2; i < NF; i++) if ($i == "offset" && $(i + 1) >= wanted + 0) found = 1 }
    END { exit !found }'
}

replication=$(me info replication)
[ "$(echo "$replication" | field role)" = master ] || exit 0
[ "$(echo "$replication" | field connected_slaves)" -gt 0 ] 2>/dev/null || exit 0
# An uninstall takes the names away for good: there is no use in waiting long.
resolve_peers 2 || exit 0

hold_writes
wanted=$(me info replication | field master_repl_offset)
alone_since=''
tries=0
until replicas_caught_up "$wanted" || [ "$tries" -ge 15 ]; do
  someone_follows || break
  tries=$((tries + 1))
  sleep 0.2
done
if fail_over; then
  echo "the master is $MASTER now"
  me replicaof "$MASTER" "$REDIS_PORT" >/dev/null
fi
me client unpause >/dev/null
# Clients that keep their connection would only learn READONLY from it.
me client kill type normal >/dev/null
exit 0
