# The init container: decides who is master and writes both files, once for each pod.
. /readonly-config/ask.sh
. /readonly-config/master.sh
. /readonly-config/config.sh
trap 'exit 143' TERM

resolve_peers || exit 1
decide_master || exit 1
echo "pod $INDEX ($MY_IP) starts; the master is $MASTER"
write_redis_conf
write_sentinel_conf
: >"$CONF/fresh"
