"""What a running sandbox takes. `pod DIR` prints the least seconds from a pod's creation until it runs,
`list DIR COUNT` the least ms of a list of COUNT objects, `memory DIR RELEASES` the MiB that its servers hold
with as many stored releases, `changes DIR COUNT` what they hold when a pod changed COUNT times."""

import base64
import http.client
import json
import os
import ssl
import sys
import time

POD_RUNS = 5
LIST_RUNS = 5
POD_SECONDS_MAX = 20
# What a release of the bundled chart takes, compressed and encoded.
RELEASE_BYTES = 30 * 1024
NAMESPACE = "/api/v1/namespaces/default"


class Client:
    """One connection to the Kubernetes API of the sandbox in a directory."""

    def __init__(self, directory):
        with open(os.path.join(directory, "state.json")) as file:
            self.state = json.load(file)
        with open(os.path.join(directory, "access-token")) as file:
            self.headers = {"Authorization": "Bearer " + file.read().strip(), "Content-Type": "application/json"}
        context = ssl.create_default_context()
        # The peer is the process that wrote the state, on the loopback of this machine.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.state["kubernetes_port"], context=context)

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {data[:300]!r}")
        return data

    def create(self, plural, name, more):
        self.call("POST", f"{NAMESPACE}/{plural}", {"metadata": {"name": name}, **more})


def pod(client):
    least = float("inf")
    for run in range(POD_RUNS):
        path = f"{NAMESPACE}/pods/pause-{run}"
        container = {"name": "pause", "image": "busybox", "command": ["sleep", "600"]}
        start = time.perf_counter()
        client.create("pods", f"pause-{run}", {"spec": {"containers": [container]}})
        while json.loads(client.call("GET", path))["status"].get("phase") != "Running":
            if time.perf_counter() - start > POD_SECONDS_MAX:
                sys.exit(f"{path} does not run after {POD_SECONDS_MAX} s")
        least = min(least, time.perf_counter() - start)
        client.call("DELETE", path + "?gracePeriodSeconds=0")
    return f"{least:.2f}"


def list_of(client, count):
    for number in range(count):
        client.create("configmaps", f"map-{number}", {"data": {"key": "value"}})
    least = float("inf")
    for _ in range(LIST_RUNS):
        start = time.perf_counter()
        data = client.call("GET", f"{NAMESPACE}/configmaps")
        least = min(least, time.perf_counter() - start)
    if len(json.loads(data)["items"]) < count:
        sys.exit("the list is not whole")
    return f"{least * 1000:.0f}"


def memory(client, releases):
    for number in range(releases):
        release = base64.b64encode(os.urandom(RELEASE_BYTES)).decode()
        client.create("secrets", f"sh.helm.release.v1.cache.v{number}",
                      {"type": "helm.sh/release.v1", "data": {"release": base64.b64encode(release.encode()).decode()}})
    return resident(client)


def changes(client, count):
    environment = [{"name": f"NAME_{number}", "value": "value"} for number in range(40)]
    container = {"name": "pause", "image": "busybox", "command": ["sleep", "600"], "env": environment}
    client.create("pods", "busy", {"spec": {"containers": [container]}})
    client.headers["Content-Type"] = "application/merge-patch+json"
    for number in range(count):
        client.call("PATCH", f"{NAMESPACE}/pods/busy", {"metadata": {"annotations": {"change": str(number)}}})
    client.headers["Content-Type"] = "application/json"
    client.call("DELETE", f"{NAMESPACE}/pods/busy?gracePeriodSeconds=0")
    return resident(client)


def resident(client):
    init = client.state["init"]["pid"]
    with open(f"/proc/{init}/task/{init}/children") as file:
        inside = file.read().split()[0]
    with open(f"/proc/{inside}/status") as status:
        return f"{next(int(row.split()[1]) for row in status if row.startswith('VmRSS:')) / 1024:.0f}"


def main():
    what, directory, *more = sys.argv[1:]
    client = Client(directory)
    if what == "pod":
        print(pod(client))
    elif what == "list":
        print(list_of(client, int(more[0])))
    elif what == "changes":
        print(changes(client, int(more[0])))
    else:
        print(memory(client, int(more[0])))


if __name__ == "__main__":
    main()
