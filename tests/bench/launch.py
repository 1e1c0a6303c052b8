"""Run one command on one core and tell what it used: status, seconds, CPU seconds, peak kilobytes.

``python -I -S launch.py CORE OUTPUT ERRORS COMMAND...``

Linux counts as a process's peak memory also what the process that started it held. So it is this one,
which imports nothing, that starts what is measured.
"""

import os
import sys
import time

core, output, errors = sys.argv[1:4]
command = sys.argv[4:]
os.sched_setaffinity(0, {int(core)})
writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
actions = [
    (os.POSIX_SPAWN_OPEN, 1, output, writing, 0o600),
    (os.POSIX_SPAWN_OPEN, 2, errors, writing, 0o600),
]
before = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
_, status, used = os.wait4(process, 0)
seconds = time.perf_counter() - before
print(os.waitstatus_to_exitcode(status), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss)
