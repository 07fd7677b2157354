"""Freed memory goes back to the system, however many threads there were."""

import subprocess
import sys
from pathlib import Path

import pytest

ARENAS_OF_MANY_THREADS = """
import ctypes, sys, threading
from pdm_app.bootstrap.memory import give_back_memory
if sys.argv[1] == "told":
    print(give_back_memory())
gate = threading.Barrier(8)
def work():
    gate.wait(60)
    held = [bytearray(100_000) for _ in range(20)]
    gate.wait(60)
    return held
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def arenas(tmp_path: Path, word: str) -> tuple[int, str]:
    told = tmp_path / f"{word}.xml"
    words = [sys.executable, "-c", ARENAS_OF_MANY_THREADS, word, str(told)]
    said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout
    return told.read_text("utf-8").count("<heap nr="), said.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_threads_share_two_arenas(tmp_path: Path) -> None:
    told, said = arenas(tmp_path, "told")
    if said == "False":
        pytest.skip("another C library than glibc")
    assert told <= 2 < arenas(tmp_path, "left alone")[0]
