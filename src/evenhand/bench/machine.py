"""The machine a figure was measured on, and the processor time a process used."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """One line: processor, cores, memory, system, Python."""
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its ended children, user and system; 0.0 where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_in(directory: Path) -> float:
    """Processor time of every process that works in a directory, as those of a PostgreSQL do in its own."""
    total = 0.0
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == directory:
                total += cpu_seconds(int(link.parent.name))
        except OSError:
            pass
    return total
