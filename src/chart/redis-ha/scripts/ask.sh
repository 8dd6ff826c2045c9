# Asking servers and sentinels. POSIX sh: it runs under busybox as well as bash.
. /readonly-config/settings.sh

CONF=/data/conf
INDEX=$(cat /proc/sys/kernel/hostname)
INDEX=${INDEX##*-}

# Passwords go by environment: arguments can be read by every process on the node.
server_cli() {
  cli_host=$1
  shift
  if [ -n "${AUTH:-}" ]; then
    REDISCLI_AUTH=$AUTH timeout 3 redis-cli -h "$cli_host" -p "$REDIS_PORT" "$@" 2>/dev/null
  else
    timeout 3 redis-cli -h "$cli_host" -p "$REDIS_PORT" "$@" 2>/dev/null
  fi
}

sentinel_cli() {
  cli_host=$1
  shift
  if [ -n "${SENTINELAUTH:-}" ]; then
    REDISCLI_AUTH=$SENTINELAUTH timeout 3 redis-cli -h "$cli_host" -p "$SENTINEL_PORT" "$@" 2>/dev/null
  else
    timeout 3 redis-cli -h "$cli_host" -p "$SENTINEL_PORT" "$@" 2>/dev/null
  fi
}

# field NAME: its value in the answer to INFO on stdin.
field() {
  sed -n "s/^$1:\([^[:cntrl:]]*\).*/\1/p" | head -n 1
}

# The stable address of a pod: the ClusterIP of its announce Service.
announce_ip() {
  getent hosts "$FULLNAME-announce-$1" | awk '{ print $1; exit }'
}

# Fills PEERS with "index:address" of every pod, and MY_IP. All the names exist before the first pod
# does; so one that does not resolve is a fault of DNS, and nothing may be concluded from silence then.
# It waits for the seconds in $1, or 120.
resolve_peers() {
  resolve_seconds=${1:-120}
  resolve_until=$(($(date +%s) + resolve_seconds))
  while :; do
    PEERS=''
    MY_IP=''
    missing=''
    i=0
    while [ "$i" -lt "$REPLICAS" ]; do
      ip=$(announce_ip "$i")
      if [ -z "$ip" ]; then
        missing="$missing $FULLNAME-announce-$i"
      else
        PEERS="$PEERS $i:$ip"
        [ "$i" = "$INDEX" ] && MY_IP=$ip
      fi
      i=$((i + 1))
    done
    if [ -z "$missing" ] && [ -n "$MY_IP" ]; then
      return 0
    fi
    if [ "$(date +%s)" -ge "$resolve_until" ]; then
      echo "no address after ${resolve_seconds}s for:${missing:- $FULLNAME-announce-$INDEX}" >&2
      return 1
    fi
    sleep 0.5
  done
}

# The addresses of all pods, others first.
peer_ips() {
  for peer in $PEERS; do
    [ "${peer%%:*}" = "$INDEX" ] || echo "${peer#*:}"
  done
}

# One sentinel's word for the master's address, or nothing.
master_by() {
  named=$(sentinel_cli "$1" sentinel get-master-addr-by-name "$GROUP" | head -n 1)
  case $named in
    '' | *[!0-9a-fA-F.:]*) ;;
    *) echo "$named" ;;
  esac
}
