# Writing redis.conf and sentinel.conf: what was declared, then what only this pod knows. They lie on the
# data volume, because servers and sentinels rewrite them.
umask 077

# quoted TEXT: as the configuration files want it. To be printed by printf: some echoes read backslashes.
quoted() {
  printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

# Declared settings are refreshed at each start, so what somebody set by hand ends here. Users made by
# ACL SETUSER stay, but the default one is the Secret's.
write_redis_conf() {
  mkdir -p "$CONF"
  users=$(grep '^user ' "$CONF/redis.conf" 2>/dev/null | grep -v '^user default ')
  {
    cat /readonly-config/redis.conf
    echo "replica-announce-ip $MY_IP"
    echo "replica-announce-port $REDIS_PORT"
    if [ "$MASTER" != "$MY_IP" ]; then
      echo "replicaof $MASTER $REDIS_PORT"
    fi
    if [ -n "${AUTH:-}" ]; then
      printf 'requirepass %s\n' "$(quoted "$AUTH")"
      printf 'masterauth %s\n' "$(quoted "$AUTH")"
    fi
    if [ -n "$users" ]; then
      printf '%s\n' "$users"
    fi
  } >"$CONF/redis.conf.new"
  mv "$CONF/redis.conf.new" "$CONF/redis.conf"
}

# The same id for the same pod, always: a sentinel that came back under a new one would count twice. A
# volume that remembers one, of a chart that made ids otherwise, keeps it.
sentinel_id() {
  if [ "$1" = "$INDEX" ]; then
    kept=$(awk '$1 == "sentinel" && $2 == "myid" { print $3 }' "$CONF/sentinel.conf" 2>/dev/null | tail -n 1)
  else
    kept=$(awk -v group="$GROUP" -v ip="$2" \
      '$1 == "sentinel" && $2 == "known-sentinel" && $3 == group && $4 == ip { print $6 }' \
      "$CONF/sentinel.conf" 2>/dev/null | tail -n 1)
  fi
  if [ -n "$kept" ]; then
    echo "$kept"
  else
    printf '%s\n%s\nindex: %s' "$NAME" "$RELEASE" "$1" | sha256sum | cut -c 1-40
  fi
}

# A sentinel that knows the others from the start counts them in every vote, and needs not wait for the
# master's next INFO to know its replicas. Votes and epochs are kept, so that none is cast twice.
write_sentinel_conf() {
  mkdir -p "$CONF"
  epochs=$(grep -E "^sentinel (current-epoch|leader-epoch $GROUP) " "$CONF/sentinel.conf" 2>/dev/null)
  {
    echo "sentinel myid $(sentinel_id "$INDEX" "$MY_IP")"
    echo "sentinel announce-ip $MY_IP"
    echo "sentinel announce-port $SENTINEL_PORT"
    echo "sentinel monitor $GROUP $MASTER $REDIS_PORT $QUORUM"
    cat /readonly-config/sentinel.conf
    if [ -n "${AUTH:-}" ]; then
      printf 'sentinel auth-pass %s %s\n' "$GROUP" "$(quoted "$AUTH")"
    fi
    if [ -n "${SENTINELAUTH:-}" ]; then
      printf 'requirepass %s\n' "$(quoted "$SENTINELAUTH")"
    fi
    for peer in $PEERS; do
      ip=${peer#*:}
      [ "$ip" = "$MASTER" ] || echo "sentinel known-replica $GROUP $ip $REDIS_PORT"
      [ "$ip" = "$MY_IP" ] || echo "sentinel known-sentinel $GROUP $ip $SENTINEL_PORT $(sentinel_id "${peer%%:*}" "$ip")"
    done
    if [ -n "$epochs" ]; then
      echo "$epochs"
    fi
  } >"$CONF/sentinel.conf.new"
  mv "$CONF/sentinel.conf.new" "$CONF/sentinel.conf"
}
