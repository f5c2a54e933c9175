"""Put on the import path, this takes from Python what only POSIX has, as on Windows.

Libraries that ask for the system and then rightly use it keep their own view of the signals.
"""

import os
import signal
import subprocess
import sys
import types

import psutil

signals = types.ModuleType("signal")
signals.__dict__.update(signal.__dict__)
psutil.signal = subprocess.signal = signals
for name in ("fcntl", "pwd", "grp", "resource"):
    sys.modules[name] = None
for name in ("killpg", "getpgrp", "getpgid", "setsid", "setpgid", "getuid", "geteuid", "fork"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGALRM"):
    delattr(signal, name)
