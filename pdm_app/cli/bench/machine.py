"""The size of the machine that figures were measured on, in one line."""

import platform
import sqlite3
import sys
from pathlib import Path

import psutil

CPU_NAMES = Path("/proc/cpuinfo")


def machine(folder: Path) -> str:
    """Describe processor, memory, system, Python, and the file system that holds ``folder``."""
    memory_gb = psutil.virtual_memory().total / 1e9
    python = ".".join(map(str, sys.version_info[:3]))
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return (
        f"{psutil.cpu_count()} cores ({_processor()}), {memory_gb:.0f} GB, {system}, Python {python}, "
        f"SQLite {sqlite3.sqlite_version}, data on {_file_system(folder)}"
    )


def busy_percent() -> float:
    """How busy all cores were over the last minute, in % of the whole machine: what else may have disturbed a run."""
    return float(100 * psutil.getloadavg()[0] / (psutil.cpu_count() or 1))


def _processor() -> str:
    if CPU_NAMES.exists():
        for line in CPU_NAMES.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system with the longest mount point above ``folder``."""
    above = {str(path) for path in (folder.resolve(), *folder.resolve().parents)}
    mounts = [part for part in psutil.disk_partitions(all=True) if part.mountpoint in above]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "an unknown file system"
