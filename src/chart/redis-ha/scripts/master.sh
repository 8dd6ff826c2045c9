# Who is master, before this server starts. What starts has less than what kept running: it may come
# back empty within milliseconds, before any sentinel notices, and every replica would then copy the
# emptiness. So a server never resumes as master while a good replica exists.

# The address that most of the answering sentinels name.
master_by_sentinels() {
  for ip in $(peer_ips) "$MY_IP"; do
    master_by "$ip"
  done | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'
}

# A running master among the other servers, the one with most replicas.
master_by_servers() {
  for ip in $(peer_ips); do
    replication=$(server_cli "$ip" info replication)
    if [ "$(echo "$replication" | field role)" = master ]; then
      echo "$(echo "$replication" | field connected_slaves) $ip"
    fi
  done | sort -rn | awk 'NR == 1 { print $2 }'
}

# The master that this volume's sentinel knew last, if it is still one of the pods.
master_by_memory() {
  known=$(awk -v group="$GROUP" '$1 == "sentinel" && $2 == "monitor" && $3 == group { print $4 }' \
    "$CONF/sentinel.conf" 2>/dev/null | tail -n 1)
  for ip in $(peer_ips) "$MY_IP"; do
    [ "$ip" = "$known" ] && echo "$known"
  done
}

# A replica of this server that has been linked to it and may be promoted. One that never was linked
# since it started (down since -1) knows less than this volume may.
good_replica() {
  for ip in $(peer_ips); do
    replication=$(server_cli "$ip" info replication)
    [ "$(echo "$replication" | field role)" = slave ] || continue
    [ "$(echo "$replication" | field master_host)" = "$MY_IP" ] || continue
    [ "$(echo "$replication" | field slave_priority)" = 0 ] && continue
    [ "$(echo "$replication" | field master_sync_in_progress)" = 0 ] || continue
    if [ "$(echo "$replication" | field master_link_status)" != up ]; then
      down=$(echo "$replication" | field master_link_down_since_seconds)
      [ "${down:--1}" -ge 0 ] || continue
    fi
    echo "$ip"
    return 0
  done
  return 1
}

# Called while a failover is waited for, and ends the wait when it fails; the hook before a stop holds
# writes back in it.
while_waiting() { :; }

# Waits until the sentinel at $1 names another server. Sets MASTER.
wait_for_switch() {
  while [ "$(date +%s)" -lt "$fail_over_until" ]; do
    MASTER=$(master_by "$1")
    if [ -n "$MASTER" ] && [ "$MASTER" != "$MY_IP" ]; then
      return 0
    fi
    while_waiting || return 1
    sleep 0.2
  done
  return 1
}

# Makes another server master, within 30 s. Sets MASTER. Other pods' sentinels are asked first: ours may
# be about to end. Fails at once when no sentinel answers.
fail_over() {
  fail_over_until=$(($(date +%s) + 30))
  while [ "$(date +%s)" -lt "$fail_over_until" ]; do
    while_waiting || return 1
    answered=''
    for sentinel in $(peer_ips) "$MY_IP"; do
      reply=$(sentinel_cli "$sentinel" sentinel failover "$GROUP")
      case $reply in
        '') continue ;;
        OK | INPROG*)
          wait_for_switch "$sentinel" && return 0
          while_waiting || return 1
          ;;
        *) echo "the sentinel at $sentinel: $reply" ;;
      esac
      answered=1
    done
    [ -n "$answered" ] || return 1
    sleep 0.5
  done
  return 1
}

# Sets MASTER, or fails: then the container is started again, and the sentinels, who see no master
# meanwhile, elect one.
decide_master() {
  decide_until=$(($(date +%s) + 90))
  silent_rounds=0
  while [ "$(date +%s)" -lt "$decide_until" ]; do
    MASTER=$(master_by_sentinels)
    [ -n "$MASTER" ] || MASTER=$(master_by_servers)
    if [ -n "$MASTER" ] && [ "$MASTER" != "$MY_IP" ]; then
      return 0
    fi
    if good=$(good_replica); then
      silent_rounds=0
      echo "this server was master and $good follows it: failing over before it starts"
      fail_over && return 0
    elif [ "$MASTER" = "$MY_IP" ]; then
      echo 'the sentinels name this server and no good replica exists: it stays master'
      return 0
    else
      silent_rounds=$((silent_rounds + 1))
      [ "$silent_rounds" -ge 3 ] && first_master && return 0
    fi
    sleep 0.5
  done
  echo "no master within 90s; the sentinels named '$MASTER'" >&2
  return 1
}

# Nobody answers, several times over: the whole set starts. Whoever was master last has the latest data;
# in a new set it is the first pod.
first_master() {
  MASTER=$(master_by_memory)
  if [ -z "$MASTER" ] && [ "$INDEX" = 0 ]; then
    MASTER=$MY_IP
  fi
  [ -n "$MASTER" ]
}
