#!/usr/bin/env python3
"""Counts the bytes that the explorer sends over ssh on the loopback interface: for the start, ten steps
down the list, and the same steps back up.

    scripts/bench_ssh.py [INDEX] [--size 120x40] [--truecolor]

Needs sshd, ssh and ss (Debian: openssh-server iproute2). Starts its own sshd with its own keys on a port
that only this machine can reach. The bytes are those that the connection carried (bytes_sent of the
server according to ss), including encryption, and those that the terminal received. The terminal here
answers the queries of the explorer like one that draws the given kind of images. ssh passes COLORTERM on
only if both ends are configured to; without it there are 256 colours, and with --truecolor all.
"""

import argparse
import fcntl
import getpass
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CELL = (10, 20)
ANSWERS = {
    b"\x1b[16t": b"\x1b[6;%d;%dt" % (CELL[1], CELL[0]),
    b"\x1b[>q": b"\x1bP>|a test\x1b\\",
    b"\x1b[c": b"\x1b[?62;4;22c",
    b"\x1b[5n": b"\x1b[0n",
}


def start_server(folder):
    """Starts sshd; returns its port and process."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.makedirs("/run/sshd", exist_ok=True)
    settings = folder / "sshd_config"
    settings.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    command = [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", settings]
    return port, subprocess.Popen(command, stderr=subprocess.DEVNULL)


class Connection:
    """A command that runs in a pseudo-terminal over ssh."""

    def __init__(self, port, folder, command, size):
        ssh = ["ssh", "-tt", "-q", "-p", str(port), "-i", str(folder / "user")]
        for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"):
            ssh += ["-o", option]
        self.port = port
        self.received = 0
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execvp("ssh", ssh + [f"{getpass.getuser()}@127.0.0.1", command])
        columns, rows = size
        window = struct.pack("HHHH", rows, columns, columns * CELL[0], rows * CELL[1])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, window)

    def sent(self):
        """Returns the number of bytes that the server has sent so far."""
        command = ["ss", "-tinH", f"sport = :{self.port}"]
        output = subprocess.run(command, capture_output=True, text=True).stdout
        return sum(int(number) for number in re.findall(r"bytes_sent:(\d+)", output))

    def answer(self, output):
        """Answers the queries in a part of the output."""
        found = sorted((output.find(query), query) for query in ANSWERS if query in output)
        for _, query in found:
            os.write(self.terminal, ANSWERS[query])

    def wait_for_silence(self, seconds=0.7, timeout=30):
        """Reads until nothing was received for this time."""
        end = time.time() + timeout
        last = time.time()
        while time.time() < end and time.time() - last < seconds:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    output = os.read(self.terminal, 1 << 16)
                except OSError:
                    return  # the connection is closed
                self.received += len(output)
                self.answer(output)
                last = time.time()

    def keys(self, text):
        os.write(self.terminal, text.encode())


def run_explorer(port, folder, index, size, images, environment):
    """Runs the explorer once, and prints a table row for each action."""
    home = folder / f"home-{images}"
    home.mkdir(exist_ok=True)
    homes = " ".join(f"{name}={home}" for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"))
    command = f"{homes} {environment} {ROOT}/target/release/multiexpan explore {index} --images {images}"
    connection = Connection(port, folder, command, size)
    rows = []

    def press(action, keys, times=1):
        sent, received = connection.sent(), connection.received
        for _ in range(times):
            connection.keys(keys)
            connection.wait_for_silence(0.35)
        rows.append((action, times, connection.sent() - sent, connection.received - received))

    connection.wait_for_silence(2.5)
    rows.append(("start", 1, connection.sent(), connection.received))
    press("expanding a class", "/carniv\r")
    connection.wait_for_silence(1.5)
    press("steps down", "j", 10)
    press("steps back up", "k", 10)
    connection.keys("q")
    connection.wait_for_silence(0.5, 3)
    for action, times, sent, received in rows:
        per_step = f"{sent / times:.0f} per step" if times > 1 else ""
        print(f"| {images} | {action} | {sent:,} | {received:,} | {per_step} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", nargs="?", default=ROOT / "data/demo/index")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--truecolor", action="store_true")
    arguments = parser.parse_args()
    size = tuple(int(n) for n in arguments.size.split("x"))
    environment = "COLORTERM=truecolor" if arguments.truecolor else ""
    folder = pathlib.Path(tempfile.mkdtemp())
    port, sshd = start_server(folder)
    try:
        time.sleep(1)
        print("| images | action | bytes over ssh | bytes to the terminal | |\n|---|---|---:|---:|---|")
        for images in ("off", "halfblocks", "sixel", "kitty"):
            run_explorer(port, folder, arguments.index, size, images, environment)
    finally:
        sshd.terminate()
        shutil.rmtree(folder, ignore_errors=True)


main()
