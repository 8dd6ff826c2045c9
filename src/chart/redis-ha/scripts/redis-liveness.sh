# Alive is who answers at all: loading, a full memory or a changed password are no reason to be killed.
. /readonly-config/ask.sh
[ -n "$(server_cli 127.0.0.1 ping)" ]
