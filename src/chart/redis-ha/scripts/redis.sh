# The redis container. Its first start follows the init container; any other is a restart of the
# container alone, for which no init container runs: so the same question is asked again.
. /readonly-config/ask.sh
. /readonly-config/master.sh
. /readonly-config/config.sh
trap 'exit 143' TERM

if [ -e "$CONF/fresh" ]; then
  rm -f "$CONF/fresh"
else
  resolve_peers || exit 1
  decide_master || exit 1
  echo "the server of pod $INDEX ($MY_IP) starts again; the master is $MASTER"
  write_redis_conf
fi
exec redis-server "$CONF/redis.conf"
