#!/usr/bin/env python3
"""Writes numbers to the master through a failover, and checks in the end that none was lost.

It asks the sentinels for the master, as an application should, and never uses a server's own address.
See README.md for its inputs. Progress goes to stderr, one line of JSON with the counts to stdout; the
exit status is 1 when an acknowledged number is missing or none was acknowledged.
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import sys
import time
import uuid

import redis
from redis.sentinel import Sentinel

# One try must not hang longer than a failover takes.
SOCKET_TIMEOUT_SECONDS = 1.0
RETRY_SECONDS = 0.05


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=pathlib.Path, help="what `terraform output -json` printed")
    parser.add_argument("--sentinels", default=os.environ.get("REDIS_SENTINELS"), help="host:port,host:port")
    parser.add_argument("--group", default=os.environ.get("REDIS_MASTER_GROUP"), help="the master group's name")
    parser.add_argument(
        "--password-file",
        type=pathlib.Path,
        default=os.environ.get("REDIS_PASSWORD_FILE"),
        help="otherwise the variable REDIS_PASSWORD",
    )
    parser.add_argument("--ca", help="speak TLS, to servers and sentinels whose certificates end at this CA")
    parser.add_argument("--certificate", help="shown to those that ask for one; with its key in the same file")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to write; a signal ends it too")
    parser.add_argument("--pause", type=float, default=0.002, help="seconds between two writes")
    return parser.parse_args()


def parse_endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def read_connection(arguments):
    """(sentinels, group, credentials), from the outputs where there are any, else from the environment."""
    outputs = {}
    if arguments.outputs:
        document = json.loads(arguments.outputs.read_text())
        outputs = {name: output["value"] for name, output in document.items()}
    endpoints = outputs.get("sentinel_endpoints") or (arguments.sentinels or "").split(",")
    group = outputs.get("master_group_name") or arguments.group or "mymaster"
    if arguments.password_file:
        credentials = PasswordFile(pathlib.Path(arguments.password_file))
    else:
        credentials = redis.UsernamePasswordCredentialProvider(password=os.environ.get("REDIS_PASSWORD") or None)
    if not any(endpoints):
        sys.exit("no sentinels: give --outputs, --sentinels or REDIS_SENTINELS")
    return [parse_endpoint(endpoint) for endpoint in endpoints if endpoint], group, credentials


def tls_options(arguments):
    """Of connections to servers and sentinels alike. A failover changes addresses: the CA counts, not a name."""
    if not arguments.ca:
        return {}
    return {
        "ssl": True,
        "ssl_ca_certs": arguments.ca,
        "ssl_certfile": arguments.certificate,
        "ssl_check_hostname": False,
    }


class PasswordFile(redis.CredentialProvider):
    """Reads the file for each connection: a mounted Secret that changes is followed without a restart."""

    def __init__(self, path):
        self.path = path

    def get_credentials(self):
        return (self.path.read_text().rstrip("\n"),)


class Writer:
    """Appends one number after the other, each until it is acknowledged."""

    def __init__(self, sentinel, group, credentials, tls):
        self.sentinel = sentinel
        self.group = group
        options = {"credential_provider": credentials, "socket_timeout": SOCKET_TIMEOUT_SECONDS, "retry": None, **tls}
        self.master = sentinel.master_for(group, **options)
        self.key = f"app:{uuid.uuid4()}"
        self.acknowledged = 0
        self.errors = collections.Counter()
        self.masters = []
        self.longest_gap = 0.0
        self.last_success = None
        self.stopped = False

    def stop(self, *_):
        self.stopped = True

    def note_master(self):
        try:
            host, port = self.sentinel.discover_master(self.group)
        except redis.RedisError:
            return
        endpoint = f"{host}:{port}"
        if not self.masters or self.masters[-1] != endpoint:
            self.masters.append(endpoint)
            print(f"the master is {endpoint}", file=sys.stderr, flush=True)

    def succeeded(self):
        now = time.monotonic()
        if self.last_success is not None:
            self.longest_gap = max(self.longest_gap, now - self.last_success)
        self.last_success = now

    def write_one(self):
        """A number whose acknowledgement got lost may be written twice: that is no loss."""
        try:
            self.master.rpush(self.key, self.acknowledged + 1)
        except (redis.RedisError, OSError) as error:
            self.errors[type(error).__name__] += 1
            time.sleep(RETRY_SECONDS)
            self.note_master()
            return False
        self.acknowledged += 1
        self.succeeded()
        return True

    def run(self, seconds, pause):
        deadline = time.monotonic() + seconds
        self.note_master()
        while not self.stopped and time.monotonic() < deadline:
            if self.write_one():
                time.sleep(pause)

    def read_back(self):
        """What the master holds now; a failover may still be running."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self.note_master()
                numbers = {int(number) for number in self.master.lrange(self.key, 0, -1)}
                self.master.delete(self.key)
                return numbers
            except (redis.RedisError, OSError) as error:
                if time.monotonic() > deadline:
                    sys.exit(f"the numbers cannot be read back within 60 s: {type(error).__name__}: {error}")
                time.sleep(RETRY_SECONDS)


def main():
    arguments = parse_arguments()
    sentinels, group, credentials = read_connection(arguments)
    tls = tls_options(arguments)
    sentinel = Sentinel(sentinels, sentinel_kwargs={"socket_timeout": SOCKET_TIMEOUT_SECONDS, **tls})
    writer = Writer(sentinel, group, credentials, tls)
    signal.signal(signal.SIGTERM, writer.stop)
    signal.signal(signal.SIGINT, writer.stop)
    writer.run(arguments.seconds, arguments.pause)
    held = writer.read_back()
    lost = [number for number in range(1, writer.acknowledged + 1) if number not in held]
    summary = {
        "acknowledged": writer.acknowledged,
        "lost": len(lost),
        "errors": dict(writer.errors),
        "longest_gap_seconds": round(writer.longest_gap, 3),
        "masters": writer.masters,
    }
    print(json.dumps(summary), flush=True)
    return 1 if lost or writer.acknowledged == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
