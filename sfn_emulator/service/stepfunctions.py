"""The service put together: one object that has every operation, and what tasks and the server need of it."""

from asyncio import AbstractEventLoop
from collections.abc import Callable

from sfn_emulator.engine.ports import Clock, Tasks
from sfn_emulator.service.activities import Activities
from sfn_emulator.service.arns import Place
from sfn_emulator.service.definitions import Definitions
from sfn_emulator.service.delivery import Outlet
from sfn_emulator.service.executions import Executions
from sfn_emulator.service.host import Host
from sfn_emulator.service.journal import Journal
from sfn_emulator.service.machines import Machines
from sfn_emulator.service.nested import NestedExecutions
from sfn_emulator.service.store import Store
from sfn_emulator.service.store_sqlite import Database
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.service.tokens import Tokens


class StepFunctions:
    """Everything on the thread of ``loop``.

    Whoever runs Tasks is built on this (its ``tokens``, ``activities`` and ``nested``) and given to ``open``, which
    goes on with what was running when the last process ended. ``close`` commits and lets go.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        loop: AbstractEventLoop,
        *,
        new_id: Callable[[], str],
        place: Place,
        skip_time: bool = False,
        outlet: Outlet | None = None,
    ) -> None:
        self.store = Store(database)
        self.journal = Journal(self.store, loop)
        self.around = Surroundings(self.store, self.journal, clock, loop, new_id, place)
        self.tokens = Tokens()
        self.activities = Activities(self.around)
        self.definitions = Definitions()
        self.machines = Machines(self.definitions)
        self.host = Host(self.around, self.definitions, skip_time=skip_time, outlet=outlet)
        self.executions = Executions(self.host, self.machines)
        self.nested = NestedExecutions(self.around, self.executions, self.host)

    def open(self, tasks: Tasks) -> None:
        self.definitions.tasks = tasks
        self.host.open(tasks)

    def forget(self, *, days: float, most: int = 500) -> int:
        """Forgets up to ``most`` executions that ended more than ``days`` ago; gives how many."""
        forgotten = self.store.forget_before(self.around.now() - days * 24 * 3600, most)
        if forgotten:
            self.journal.changed()
        return forgotten

    def close(self) -> None:
        self.host.close()
        self.journal.close()
        self.store.database.close()
