#!/usr/bin/env python3
"""Plans, and writes what drifted as Markdown to stdout: for a comment or a job summary.

Exit code 0: nothing drifted. 2: something did. 1: there is no plan to tell by.
Only what somebody changed in the cluster counts as drift; a change of the configuration does not.
"""

import json
import subprocess
import sys

PLAN = "drift.tfplan"
TYPE = "redis_ha_cluster"
# Attributes that move by themselves: a failover is no drift.
LIVE = {"master", "master_endpoint", "replica_endpoints", "topology", "health", "objects", "release", "drift"}


def terraform(*arguments):
    return subprocess.run(["terraform", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def rows(change):
    """The rows of the attribute drift, with the place of each."""
    for row in (change["change"].get("before") or {}).get("drift") or []:
        yield row["object"], row["setting"], row["declared"], row["live"]


def attributes(change):
    """What the refresh found otherwise than the state had it: settings with one live source."""
    before, after = change["change"].get("before") or {}, change["change"].get("after") or {}
    for name in sorted(set(before) | set(after)):
        if name not in LIVE and before.get(name) != after.get(name):
            yield name, "", json.dumps(before.get(name)), json.dumps(after.get(name))


def report(plan):
    """The lines of a table for each cluster that drifted."""
    lines = []
    found = [(change, rows(change)) for change in plan.get("resource_changes", [])]
    found += [(change, attributes(change)) for change in plan.get("resource_drift", [])]
    for change, drifted in found:
        if change["type"] != TYPE or change.get("mode") != "managed":
            continue
        for where, setting, declared, live in drifted:
            cells = [change["address"], where, setting, declared, live]
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return lines


def main():
    try:
        terraform("plan", "-input=false", "-no-color", f"-out={PLAN}")
        plan = json.loads(terraform("show", "-json", PLAN))
    except subprocess.CalledProcessError as error:
        return f"terraform ended with exit code {error.returncode}"
    lines = report(plan)
    if not lines:
        print("No drift.")
        return 0
    print("| Resource | Where | Setting | Declared | Live |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(lines))
    return 2


if __name__ == "__main__":
    sys.exit(main())
