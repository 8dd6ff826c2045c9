# Ready is a master, or a replica with a link to it. A replica whose master does not answer is ready too:
# otherwise the set would wait for it, and never start the pods that could elect a new one.
. /readonly-config/ask.sh
[ "$(server_cli 127.0.0.1 ping)" = PONG ] || exit 1
replication=$(server_cli 127.0.0.1 info replication)
[ "$(echo "$replication" | field role)" = master ] && exit 0
[ "$(echo "$replication" | field master_link_status)" = up ] && exit 0
[ "$(echo "$replication" | field master_sync_in_progress)" = 1 ] && exit 1
[ -z "$(server_cli "$(echo "$replication" | field master_host)" ping)" ]
