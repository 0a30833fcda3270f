"""Deploys a stack, driven by its status. The status in the store says everything, so a deployment that was cut off goes
on where it was.

    CREATE_IN_PROGRESS → CREATE_COMPLETE            or, when a resource fails: ROLLBACK_IN_PROGRESS → ROLLBACK_COMPLETE
    UPDATE_IN_PROGRESS → UPDATE_COMPLETE_CLEANUP_IN_PROGRESS → UPDATE_COMPLETE
        or UPDATE_ROLLBACK_IN_PROGRESS → UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS → UPDATE_ROLLBACK_COMPLETE
    DELETE_IN_PROGRESS → DELETE_COMPLETE or DELETE_FAILED

After a kill, a stack that was being made or updated rolls back; one that was rolling back or being removed goes on.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.journal import StackJournal, StoppedError
from sfn_emulator.cloud.stacks.deploying.resources import Workshop
from sfn_emulator.cloud.stacks.deploying.wanted import Blueprint, blueprint
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.records import OutputValue, Resource
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.template.references import in_order

_CUT_OFF: Final = "The server was stopped while the stack was being changed"
_GIVEN_UP: Final = {
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
}
_log: Final = logging.getLogger(__name__)
_RETAINED: Final = frozenset({"Retain"})
_KEPT_ON_DELETE: Final = frozenset({"Retain", "RetainExceptOnCreate"})


class Deployment:
    """Blocks until the stack is complete. Raises nothing but ``StoppedError``: a failure shows in the stack's
    status.
    """

    def __init__(self, books: Books, world: World, stack_id: str, is_stopping: Callable[[], bool]) -> None:
        self._books, self._world, self._id = books, world, stack_id
        self._journal = StackJournal(books, stack_id, is_stopping)
        self._workshop = Workshop(world, self._journal)

    def run(self, *, resumed: bool = False) -> None:
        """Does the work that the stack's status asks for."""
        try:
            self._run(resumed)
        except StoppedError:
            raise
        except Exception:
            _log.exception("Stack %s met a fault of the emulator's own", self._id)
            self._give_up("The emulator met a fault of its own; its log says more")

    def _give_up(self, reason: str) -> None:
        """Ends a deployment after an unexpected error, so that no stack stays IN_PROGRESS: it rolls back if it can,
        else it has failed.
        """
        status = self._journal.stack.status
        if status == "CREATE_IN_PROGRESS":
            self._create_failed(reason)
        elif status == "UPDATE_IN_PROGRESS":
            self._update_failed(reason)
        elif status in _GIVEN_UP:
            self._journal.enter(_GIVEN_UP[status], reason)

    def _run(self, resumed: bool) -> None:
        status = self._journal.stack.status
        if resumed and status == "CREATE_IN_PROGRESS":
            self._create_failed(_CUT_OFF)
        elif resumed and status == "UPDATE_IN_PROGRESS":
            self._update_failed(_CUT_OFF)
        elif status in _STEPS:
            _STEPS[status](self)

    # -- create

    def _create(self) -> None:
        try:
            plan = self._blueprint()
            for declared in plan.order.values():
                self._journal.check()
                self._made(plan, Resource(declared.logical, declared.type, fresh=True), self._workshop.make)
            outputs = self._outputs(plan)
        except ResourceError as error:
            self._create_failed(str(error))
            return
        with self._books.together():
            self._settle()
            self._journal.enter("CREATE_COMPLETE", outputs=outputs, imports=plan.imports())

    def _made(self, plan: Blueprint, bare: Resource, make: Callable[[Resource], Resource]) -> None:
        """A resource of the plan, made by ``make``. A fault in its properties is the resource's failure."""
        word = "create" if bare.fresh else "update"
        try:
            wanted = plan.resource(plan.order[bare.logical])
        except ResourceError as error:
            self._journal.mark(bare, f"{word.upper()}_FAILED", str(error))
            raise _failed(word, [bare.logical]) from None
        try:
            make(wanted)
        except ResourceError:
            raise _failed(word, [bare.logical]) from None

    def _outputs(self, plan: Blueprint) -> tuple[OutputValue, ...]:
        outputs = plan.outputs()
        exported = self._books.exports(self._journal.stack.region)
        for output in outputs:
            owner = exported.get(output.export or "")
            if owner is not None and owner[1] != self._id:
                raise ResourceError(
                    f"Export with name {output.export} is already exported by stack "
                    f"{self._books.stack(owner[1]).name}. Rollback requested by user."
                )
        self._keep_imported_exports({output.export for output in outputs})
        return outputs

    def _keep_imported_exports(self, still: set[str | None]) -> None:
        stack = self._journal.stack
        for output in stack.outputs:
            if output.export and output.export not in still:
                users = [user.name for user in self._books.importers(stack.region, output.export)]
                if users:
                    raise ResourceError(f"Cannot delete export {output.export} as it is in use by {', '.join(users)}.")

    def _create_failed(self, reason: str) -> None:
        on_failure = self._journal.stack.on_failure
        if on_failure == "DO_NOTHING":
            self._journal.enter("CREATE_FAILED", reason)
        elif on_failure == "DELETE":
            self._journal.enter("DELETE_IN_PROGRESS", reason)
            self._delete()
        else:
            self._journal.enter("ROLLBACK_IN_PROGRESS", reason)
            self._roll_back()

    def _roll_back(self) -> None:
        failed = self._remove_all(_RETAINED, "DELETE")
        if failed:
            self._journal.enter("ROLLBACK_FAILED", str(_failed("delete", failed)))
        else:
            self._journal.enter("ROLLBACK_COMPLETE")

    # -- delete

    def _delete(self) -> None:
        self._empty_leftovers()
        failed = self._remove_all(_KEPT_ON_DELETE, "DELETE", self._journal.stack.retained)
        if failed:
            self._journal.enter("DELETE_FAILED", str(_failed("delete", failed)))
            return
        for told in self._books.change_sets(self._id):
            self._books.remove_change_set(told)
        self._journal.enter("DELETE_COMPLETE", deleted=self._books.now(), outputs=(), imports=())

    def _remove_all(self, kept: frozenset[str], word: str, retained: Iterable[str] = ()) -> list[str]:
        """Removes the resources, dependent ones first. Returns the logical ids of those that could not be removed; the
        resources these depend on stay, too.
        """
        failed: list[str] = []
        needed: set[str] = set()
        for resource in self._backwards(self._journal.resources):
            self._journal.check()
            if resource.status == f"{word}_COMPLETE" or resource.status == f"{word}_SKIPPED":
                continue
            if (resource.deletion in kept and resource.physical) or resource.logical in retained:
                self._journal.mark(resource, "DELETE_SKIPPED")
                continue
            if resource.logical in needed:
                needed.update(resource.needs)
            elif not self._removed(resource):
                failed.append(resource.logical)
                needed.update(resource.needs)
        return failed

    def _removed(self, resource: Resource) -> bool:
        started = self._journal.mark(resource, "DELETE_IN_PROGRESS") if resource.physical else resource
        try:
            self._workshop.remove(started)
        except ResourceError as error:
            self._journal.mark(started, "DELETE_FAILED", str(error))
            return False
        self._journal.mark(started, "DELETE_COMPLETE")
        return True

    def _backwards(self, resources: dict[str, Resource]) -> list[Resource]:
        needs = {name: {need for need in row.needs if need in resources} for name, row in resources.items()}
        return [resources[name] for name in reversed(in_order(needs))]

    # -- update

    def _update(self) -> None:
        try:
            plan = self._blueprint()
            for logical, declared in plan.order.items():
                self._check_not_cancelled()
                before = self._journal.resources.get(logical)
                if before is None:
                    self._made(plan, Resource(logical, declared.type, fresh=True), self._workshop.make)
                else:
                    self._made(plan, before, partial(self._workshop.change, before))
            self._check_removals(set(plan.order))
            outputs = self._outputs(plan)
        except ResourceError as error:
            self._update_failed(str(error))
            return
        with self._books.together():
            self._leave_behind(set(plan.order))
            self._settle()
            self._journal.enter(
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", previous=None, outputs=outputs, imports=plan.imports()
            )
        self._clean_up("UPDATE_COMPLETE")

    def _check_not_cancelled(self) -> None:
        self._journal.check()
        if self._journal.stack.cancelled:
            raise ResourceError("Update cancelled: User Initiated")

    def _check_removals(self, wanted: set[str]) -> None:
        for resource in self._journal.resources.values():
            if resource.logical not in wanted:
                self._journal.permit("Delete", resource)

    def _leave_behind(self, wanted: set[str]) -> None:
        """Marks for removal the resources that the new template no longer has, and those that were replaced."""
        for resource in self._journal.resources.values():
            if resource.logical not in wanted:
                self._books.leave(self._id, resource)
                self._books.remove_resource(self._id, resource.logical)
            elif resource.before is not None and resource.before.physical != resource.physical:
                self._books.leave(self._id, replace(resource.before, deletion=resource.before.replacement))

    def _settle(self) -> None:
        for resource in self._journal.resources.values():
            if resource.before is not None or resource.fresh:
                self._books.put_resource(self._id, replace(resource, before=None, fresh=False))

    def _clean_up(self, end: str) -> None:
        self._empty_leftovers()
        self._journal.enter(end)

    def _empty_leftovers(self) -> None:
        leftovers = self._books.leftovers(self._id)
        for key in reversed(leftovers):
            self._journal.check()
            resource = leftovers[key]
            if resource.deletion in _KEPT_ON_DELETE:
                self._journal.tell(resource, "DELETE_SKIPPED")
            elif resource.physical:
                self._journal.tell(resource, "DELETE_IN_PROGRESS")
                try:
                    self._workshop.remove(resource)
                    self._journal.tell(resource, "DELETE_COMPLETE")
                except ResourceError as error:
                    self._journal.tell(resource, "DELETE_FAILED", str(error))
            self._books.remove_leftover(self._id, key)

    def _update_failed(self, reason: str) -> None:
        if self._journal.stack.on_failure == "DO_NOTHING":
            self._journal.enter("UPDATE_FAILED", reason)
            return
        self._journal.enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        self._roll_back_update()

    def _roll_back_update(self) -> None:
        failed: list[str] = []
        for resource in self._backwards(self._journal.resources):
            self._journal.check()
            try:
                self._put_back(resource)
            except ResourceError:
                failed.append(resource.logical)
        stack = self._journal.stack
        if failed:
            self._journal.enter("UPDATE_ROLLBACK_FAILED", str(_failed("update", failed)))
            return
        self._journal.enter(
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", version=stack.previous or stack.version, previous=None
        )
        self._clean_up("UPDATE_ROLLBACK_COMPLETE")

    def _put_back(self, resource: Resource) -> None:
        before = resource.before
        if resource.fresh:
            with self._books.together():
                self._books.leave(self._id, replace(resource, deletion="Delete"))
                self._books.remove_resource(self._id, resource.logical)
        elif before is not None and before.physical != resource.physical:
            with self._books.together():
                self._books.leave(self._id, replace(resource, deletion="Delete", before=None))
                self._books.put_resource(self._id, before)
        elif before is not None:
            self._workshop.change_back(resource, before)
        elif resource.status == "UPDATE_FAILED":
            self._journal.mark(resource, "UPDATE_COMPLETE")  # its new properties could not be worked out

    def _blueprint(self) -> Blueprint:
        stack = self._journal.stack
        try:
            return blueprint(stack, stack.version, self._books, self._world, _Live(self._journal))
        except StackError as error:
            raise ResourceError(error.message) from None


_STEPS: Final[Mapping[str, Callable[[Deployment], None]]] = {
    "CREATE_IN_PROGRESS": Deployment._create,
    "ROLLBACK_IN_PROGRESS": Deployment._roll_back,
    "DELETE_IN_PROGRESS": Deployment._delete,
    "UPDATE_IN_PROGRESS": Deployment._update,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": lambda self: self._clean_up("UPDATE_COMPLETE"),
    "UPDATE_ROLLBACK_IN_PROGRESS": Deployment._roll_back_update,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": lambda self: self._clean_up("UPDATE_ROLLBACK_COMPLETE"),
}


class _Live(Mapping[str, Resource]):
    """The stack's resources as they are when they are looked at."""

    def __init__(self, journal: StackJournal) -> None:
        self._journal = journal

    def __getitem__(self, logical: str) -> Resource:
        return self._journal.resources[logical]

    def __iter__(self) -> Iterator[str]:
        return iter(self._journal.resources)

    def __len__(self) -> int:
        return len(self._journal.resources)


def _failed(word: str, logical_ids: list[str]) -> ResourceError:
    return ResourceError(f"The following resource(s) failed to {word}: [{', '.join(logical_ids)}]. ")
