"""Where the variants of a study run: in this process, in several of one machine, on a Dask cluster.

The environment of a geometry is made once, by the process that plans the study, and travels as
bytes; workers run operations and tables only, so that the same study gives the same bytes
wherever it runs. Processes are spawned, never forked.
"""

import contextlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cloudpickle

from sim.environment import Environment
from sim.errors import MissingExtraError, StudyError
from sim.scenario.schema import Scenario

LOCAL = "local"
"""The Dask cluster that is started for the study, on this machine."""
_AHEAD = 2  # tasks in hand per worker: enough to keep it busy, few enough to stay small
_STARTED_S = 60


@dataclass(frozen=True, slots=True)
class Task:
    """One variant to run."""

    number: int
    scenario: Scenario
    geometry: str
    """Digest of what its environment was made from."""
    file: Path
    """Where that environment is kept while the study runs."""
    relaxations: bool


Work = Callable[[Task, Environment], dict[str, Any]]
"""What is done with a task; a function of a module."""


def packed(environment: Environment) -> bytes:
    """The environment as bytes; its functions of time travel with what they hold."""
    content: bytes = cloudpickle.dumps(environment)
    return content


def execute(
    tasks: Iterable[Task], work: Work, *, processes: int = 1, cluster: str | None = None
) -> Iterator[dict[str, Any]]:
    """The outcome of each task as it is ready, in any order.

    `cluster` is the address of a Dask scheduler, or `local` for one of `processes` workers on this
    machine. Raises `MissingExtraError` where Dask is not installed.
    """
    if processes < 1:
        raise StudyError(f"{processes} processes were asked for; give 1 or more")
    if cluster is not None:
        yield from _on_cluster(tasks, work, processes, cluster)
    elif processes == 1:
        for task in tasks:
            yield work(task, _kept(task.geometry, task.file))
    else:
        yield from _in_processes(tasks, work, processes)


def _in_processes(tasks: Iterable[Task], work: Work, processes: int) -> Iterator[dict[str, Any]]:
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        waiting = iter(tasks)
        running: set[Future[dict[str, Any]]] = set()
        while True:
            room = _AHEAD * processes - len(running)
            running |= {pool.submit(_run, task, work) for task in islice(waiting, room)}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _run(task: Task, work: Work) -> dict[str, Any]:
    return work(task, _kept(task.geometry, task.file))


_last: dict[str, Environment] = {}
"""The environment that this process used last, by the digest of its geometry."""


def _kept(geometry: str, file: Path) -> Environment:
    if geometry not in _last:
        _remember(geometry, file.read_bytes())
    return _last[geometry]


def _remember(geometry: str, content: bytes) -> None:
    _last.clear()
    _last[geometry] = pickle.loads(content)


def _on_cluster(
    tasks: Iterable[Task], work: Work, processes: int, cluster: str
) -> Iterator[dict[str, Any]]:
    try:
        from dask import config  # noqa: PLC0415 - an extra, and slow to import
        from distributed import Client, LocalCluster, as_completed  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(
            "a study on a cluster needs Dask: pip install 'farside[cluster]'"
        ) from None
    with contextlib.ExitStack() as stack:
        stack.enter_context(config.set({"distributed.worker.daemon": True}))
        if cluster == LOCAL:
            address = stack.enter_context(
                LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None)
            )
        else:
            address = cluster
        try:
            client = stack.enter_context(Client(address, timeout=_STARTED_S))
        except (OSError, TimeoutError) as error:
            raise StudyError(f"no Dask scheduler answers at {cluster}: {error}") from None
        waiting = iter(tasks)
        room = _AHEAD * max(processes, len(client.scheduler_info()["workers"]))
        send = _Sender(client, work)
        ready = as_completed([send(task) for task in islice(waiting, room)])
        for future in ready:
            yield future.result()
            for task in islice(waiting, 1):
                ready.add(send(task))


class _Sender:
    """Sends tasks to a cluster, and each environment once."""

    def __init__(self, client: Any, work: Work) -> None:
        self._client = client
        self._work = work
        self._geometry = ""
        self._content: Any = None

    def __call__(self, task: Task) -> Any:
        if task.geometry != self._geometry:
            self._geometry = task.geometry
            self._content = self._client.scatter(task.file.read_bytes(), hash=False)
        return self._client.submit(_run_sent, task, self._content, self._work, pure=False)


def _run_sent(task: Task, content: bytes, work: Work) -> dict[str, Any]:
    if task.geometry not in _last:
        _remember(task.geometry, content)
    return work(task, _last[task.geometry])
