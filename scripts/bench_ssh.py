#!/usr/bin/env python3
"""Bytes that the explorer sends over a real ssh, on the loopback: start, ten steps down the list, the same steps back up.

    scripts/bench_ssh.py [INDEX] [--size 120x40] [--truecolor]     needs sshd, ssh and ss (Debian: openssh-server iproute2)

An sshd of its own, with keys made for it, on a port that only this machine reaches. What is counted is what the
connection carried (ss: bytes_sent of the server's end), encryption and all; beside it what the terminal got. The
terminal here answers what terminals are asked, as one with the pictures named would. ssh hands COLORTERM on only where both
ends are told to; without it there are 256 colours, with --truecolor all.
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


def server(folder):
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
    return port, subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", settings], stderr=subprocess.DEVNULL)


class Line:
    def __init__(self, port, folder, command, size):
        ssh = ["ssh", "-tt", "-q", "-p", str(port), "-i", str(folder / "user")]
        for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"):
            ssh += ["-o", option]
        self.port, self.got = port, 0
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execvp("ssh", ssh + [f"{getpass.getuser()}@127.0.0.1", command])
        columns, rows = size
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * CELL[0], rows * CELL[1]))

    def sent(self):
        """By the server's end of the connection, so far."""
        said = subprocess.run(["ss", "-tinH", f"sport = :{self.port}"], capture_output=True, text=True).stdout
        return sum(int(n) for n in re.findall(r"bytes_sent:(\d+)", said))

    def answer(self, part):
        replies = {b"\x1b[16t": b"\x1b[6;%d;%dt" % (CELL[1], CELL[0]), b"\x1b[>q": b"\x1bP>|a test\x1b\\", b"\x1b[c": b"\x1b[?62;4;22c", b"\x1b[5n": b"\x1b[0n"}
        found = sorted((part.find(query), query) for query in replies if query in part)
        for _, query in found:
            os.write(self.terminal, replies[query])

    def quiet(self, seconds=0.7, at_most=30):
        end, last = time.time() + at_most, time.time()
        while time.time() < end and time.time() - last < seconds:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    part = os.read(self.terminal, 1 << 16)
                except OSError:
                    return  # the line is closed
                self.got += len(part)
                self.answer(part)
                last = time.time()

    def keys(self, text):
        os.write(self.terminal, text.encode())


def measure(port, folder, index, size, images, colours):
    home = folder / f"home-{images}"
    home.mkdir(exist_ok=True)
    where = " ".join(f"{name}={home}" for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"))
    line = Line(port, folder, f"{where} {colours} {ROOT}/target/release/multiexpan explore {index} --images {images}", size)
    rows = []

    def step(what, keys, times=1):
        before = (line.sent(), line.got)
        for _ in range(times):
            line.keys(keys)
            line.quiet(0.35)
        rows.append((what, times, line.sent() - before[0], line.got - before[1]))

    line.quiet(2.5)
    rows.append(("start", 1, line.sent(), line.got))
    step("a class, its list", "/carniv\r")
    line.quiet(1.5)
    step("steps down", "j", 10)
    step("steps back up", "k", 10)
    line.keys("q")
    line.quiet(0.5, 3)
    for what, times, sent, got in rows:
        each = f"{sent / times:.0f} a step" if times > 1 else ""
        print(f"| {images} | {what} | {sent:,} | {got:,} | {each} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", nargs="?", default=ROOT / "data/demo/index")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--truecolor", action="store_true")
    arguments = parser.parse_args()
    size = tuple(int(n) for n in arguments.size.split("x"))
    folder = pathlib.Path(tempfile.mkdtemp())
    port, sshd = server(folder)
    try:
        time.sleep(1)
        print("| pictures | what | bytes over ssh | bytes to the terminal | |\n|---|---|---:|---:|---|")
        for images in ("off", "halfblocks", "sixel", "kitty"):
            measure(port, folder, arguments.index, size, images, "COLORTERM=truecolor" if arguments.truecolor else "")
    finally:
        sshd.terminate()
        shutil.rmtree(folder, ignore_errors=True)


main()
