"""What processes cost. `handshake PROVIDER` prints the cpu in ms and the peak memory in MiB until a plugin
has said where it listens; `best N COMMAND…` prints the least wall time in ms of N runs; `peak COMMAND…`
prints the peak memory in MiB of one run, which must print more than a page; `plan FLAGS…` runs `terraform plan`
here, which must find no change, and prints its least wall time in s of a few runs and the provider's peak memory
in MiB."""

import fcntl
import os
import select
import subprocess
import sys
import termios
import time

COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
HANDSHAKE_SECONDS_MAX = 10
HANDSHAKE_RUNS = 10
PAGE_BYTES = 4096
PEAK_SECONDS_MAX = 30
PLAN_RUNS = 3


def handshake(provider):
    """One start. The process is read from /proc while it lives, then ended by its id."""
    environment = dict(os.environ, TF_PLUGIN_MAGIC_COOKIE=COOKIE, PLUGIN_PROTOCOL_VERSIONS="6")
    process = subprocess.Popen([provider], env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        ready, _, _ = select.select([process.stdout], [], [], HANDSHAKE_SECONDS_MAX)
        line = process.stdout.readline() if ready else b""
        if line.count(b"|") < 4:
            sys.exit(f"{provider}: wanted a handshake within {HANDSHAKE_SECONDS_MAX} s, got {line!r}")
        with open(f"/proc/{process.pid}/status") as status:
            peak = next(int(row.split()[1]) for row in status if row.startswith("VmHWM:"))
    finally:
        process.kill()
        # The kernel's account of this child alone, to the microsecond.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    return (usage.ru_utime + usage.ru_stime) * 1000, peak / 1024


def best(runs, command):
    """The least wall time: the rest is what else the machine did."""
    least = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        least = min(least, time.perf_counter() - start)
    return least * 1000


def peak(command):
    """The kernel's peak for a child counts this interpreter too, which it was before it was the command.
    So the command is stopped while it lives: on a pipe of one page, whose rest it cannot write."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PAGE_BYTES)
    deadline = time.monotonic() + PEAK_SECONDS_MAX
    while waiting(process.stdout) < PAGE_BYTES:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{command[0]}: wanted more than {PAGE_BYTES} bytes, got {waiting(process.stdout)}")
        time.sleep(0.001)
    with open(f"/proc/{process.pid}/status") as status:
        peak_kib = next(int(row.split()[1]) for row in status if row.startswith("VmHWM:"))
    process.communicate()
    return peak_kib / 1024


def plan(flags):
    """The provider's own account is read from /proc while it lives: its parent's would count Terraform too."""
    least, peak_kib = float("inf"), 0
    for _ in range(PLAN_RUNS):
        start = time.perf_counter()
        command = ["terraform", "plan", "-input=false", "-detailed-exitcode", *flags]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak_kib = max([peak_kib, *(peak_of_child(process.pid, name) for name in os.listdir("/proc") if name.isdigit())])
            time.sleep(0.01)
        least = min(least, time.perf_counter() - start)
        if process.returncode != 0:
            sys.exit(f"terraform plan: wanted no change, got the exit status {process.returncode}")
    return least, peak_kib / 1024


def peak_of_child(parent, name):
    """Peak memory in KiB of a provider that this process started; 0 for all others."""
    try:
        with open(f"/proc/{name}/status") as status:
            fields = dict(row.split(":", 1) for row in status)
    except OSError:
        return 0
    is_ours = fields["PPid"].strip() == str(parent) and fields["Name"].strip().startswith("terraform-provi")
    return int(fields["VmHWM"].split()[0]) if is_ours and "VmHWM" in fields else 0


def waiting(pipe):
    """Bytes in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def main():
    if sys.argv[1] == "handshake":
        runs = [handshake(sys.argv[2]) for _ in range(HANDSHAKE_RUNS)]
        print(f"{min(cpu for cpu, _ in runs):.1f} {max(peak for _, peak in runs):.1f}")
    elif sys.argv[1] == "plan":
        print("{:.1f} {:.1f}".format(*plan(sys.argv[2:])))
    elif sys.argv[1] == "peak":
        print(f"{peak(sys.argv[2:]):.1f}")
    else:
        print(f"{best(int(sys.argv[2]), sys.argv[3:]):.1f}")


if __name__ == "__main__":
    main()
