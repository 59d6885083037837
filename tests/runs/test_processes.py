"""Worker processes: nobody else reaches them, one that dies is replaced, and none outlives who asked for it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from napari_fastsam.runs.processes import Processes, ProcessLostError


@pytest.fixture
def processes():
    with Processes(1, {"HERE_FOR_A_TEST": "yes"}) as started:
        yield started


def test_a_task_is_done_elsewhere_with_its_variables(processes):
    assert processes.submit(os.getpid).result() != os.getpid()
    assert processes.submit(os.getenv, "HERE_FOR_A_TEST").result() == "yes"
    assert processes.submit(os.getpid).result() == processes.submit(os.getpid).result(), "one process for all"


def test_what_a_task_raises_is_raised(processes):
    with pytest.raises(ZeroDivisionError):
        processes.submit(divmod, 1, 0).result()
    with pytest.raises(FileNotFoundError):
        processes.submit(os.listdir, "/no/such/folder").result()
    with pytest.raises(RuntimeError, match="pickle"):
        processes.submit(eval, "lambda: 0").result()
    assert processes.submit(abs, -1).result() == 1


def test_a_task_that_takes_its_process_with_it_is_tried_three_times(processes, tmp_path):
    note = tmp_path / "tries"
    kill = f"open({str(note)!r}, 'a').write('x'); os.kill(os.getpid(), 9)"
    with pytest.raises(ProcessLostError, match="killed 3 times while it worked on this image"):
        processes.submit(exec, f"import os; {kill}").result()
    assert note.read_text() == "xxx"
    assert processes.submit(abs, -1).result() == 1, "the next one is done"


def test_processes_end_with_the_one_that_started_them(tmp_path):
    program = (
        "import os, time\n"
        "from napari_fastsam.runs.processes import Processes\n"
        "if __name__ == '__main__':\n"
        "    processes = Processes(1, {})\n"
        "    print(processes.submit(os.getpid).result(), flush=True)\n"
        "    processes.submit(time.sleep, 600)\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "program.py").write_text(program)
    with subprocess.Popen([sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, text=True) as started:
        worker = psutil.Process(int(started.stdout.readline()))
        os.kill(started.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
