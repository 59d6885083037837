"""An image, and a scheduler for all tests of a module."""

import imageio.v3 as iio
import pytest
from distributed import LocalCluster


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler whose one worker is a thread of this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1", memory_limit=0,
        dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0", silence_logs=50,
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.fixture
def image(tmp_path, fluorescence):
    """A piece of the sample, (96, 96)."""
    path = tmp_path / "good.png"
    iio.imwrite(path, fluorescence[:96, :96])
    return path
