# A sentinel is ready and alive when it answers.
. /readonly-config/ask.sh
[ "$(sentinel_cli 127.0.0.1 ping)" = PONG ]
