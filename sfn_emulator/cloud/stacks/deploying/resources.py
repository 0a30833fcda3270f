"""The steps of one resource: make, change in place, replace, remove. Each is stored before and after its calls."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.cloud.stacks.deploying.journal import StackJournal
from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.records import Resource
from sfn_emulator.cloud.stacks.resources.kind import CallError, Hands, Kind, Made, Standing, World
from sfn_emulator.cloud.stacks.resources.schema import replacing
from sfn_emulator.cloud.stacks.resources.table import kind_of

_INITIATED: Final = "Resource creation Initiated"
_ANEW: Final = "Requested update requires the creation of a new physical resource; hence creating one."


class Workshop:
    """Makes, changes and removes the resources of one stack."""

    def __init__(self, world: World, journal: StackJournal) -> None:
        self._world, self._journal = world, journal

    def hands(self, resource: Resource, noted: Callable[[str], None] = lambda physical: None) -> Hands:
        stack = self._journal.stack
        return Hands(
            self._world,
            stack.region,
            stack.name,
            stack.id,
            resource.logical,
            resource.type,
            stack.version.tags,
            noted,
            resource.update_policy or {},
        )

    def make(self, wanted: Resource) -> Resource:
        """Makes a new resource. Raises ``ResourceError``; a resource that is half made is known by its physical id."""
        started = self._journal.mark(replace(wanted, fresh=True), "CREATE_IN_PROGRESS")
        return self._created(started, "CREATE")

    def make_anew(self, before: Resource, wanted: Resource) -> Resource:
        """Makes a replacement. The old resource is removed once the update is complete."""
        kind = kind_of(wanted.type)
        name = kind.named
        chosen = wanted.properties.get(name) if name and before.type == wanted.type else None
        if chosen and before.properties.get(name) == chosen:
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {chosen} and update the stack again."
            )
        started = self._journal.mark(replace(wanted, before=before), "UPDATE_IN_PROGRESS", _ANEW)
        return self._created(started, "UPDATE")

    def _created(self, started: Resource, word: str) -> Resource:
        def noted(physical: str) -> None:
            nonlocal started
            started = replace(started, physical=physical)
            self._journal.books.put_resource(self._journal.stack_id, started)

        try:
            made = kind_of(started.type).create(self.hands(started, noted), started.properties)
        except ResourceError as error:
            self._journal.mark(started, f"{word}_FAILED", str(error))
            raise
        started = replace(started, physical=made.physical, reference=made.reference, attributes=made.attributes)
        self._journal.tell(started, f"{word}_IN_PROGRESS", _INITIATED)
        return self._journal.mark(started, f"{word}_COMPLETE")

    def change(self, before: Resource, wanted: Resource) -> Resource:
        """Does what the difference needs: nothing, a change in place, or a replacement. Raises ``ResourceError``."""
        kind = kind_of(wanted.type)
        if before.type == wanted.type and before.properties == wanted.properties:
            return self._journal.books.put_resource(
                self._journal.stack_id,
                replace(
                    before,
                    deletion=wanted.deletion,
                    replacement=wanted.replacement,
                    metadata=wanted.metadata,
                    update_policy=wanted.update_policy,
                    needs=wanted.needs,
                    before=None,
                ),
            )
        anew = before.type != wanted.type or is_replaced(kind, before.properties, wanted.properties)
        try:
            self._journal.permit("Replace" if anew else "Modify", before)
        except ResourceError as error:
            self._journal.mark(before, "UPDATE_FAILED", str(error))
            raise
        if anew:
            return self.make_anew(before, wanted)
        wanted = replace(wanted, physical=before.physical, reference=before.reference, attributes=before.attributes)
        return self._changed(before, self._journal.mark(replace(wanted, before=before), "UPDATE_IN_PROGRESS"))

    def _changed(self, before: Resource, started: Resource) -> Resource:
        try:
            made = self._updated(replace(before, update_policy=started.update_policy), started.properties)
        except ResourceError as error:
            self._journal.mark(started, "UPDATE_FAILED", str(error))
            raise
        return self._journal.mark(
            started, "UPDATE_COMPLETE", physical=made.physical, reference=made.reference, attributes=made.attributes
        )

    def _updated(self, before: Resource, properties: Mapping[str, Any]) -> Made:
        kind = kind_of(before.type)
        assert kind.update is not None
        return kind.update(self.hands(before), standing(before), properties)

    def change_back(self, resource: Resource, before: Resource) -> None:
        """Undoes a change in place. Raises ``ResourceError``."""
        started = self._journal.mark(resource, "UPDATE_IN_PROGRESS")
        try:
            made = self._updated(started, before.properties)
        except ResourceError as error:
            self._journal.mark(started, "UPDATE_FAILED", str(error))
            raise
        self._journal.mark(
            replace(before, physical=made.physical, reference=made.reference, attributes=made.attributes),
            "UPDATE_COMPLETE",
        )

    def remove(self, resource: Resource) -> None:
        """Removes the resource. One that is gone already is no error. Raises ``ResourceError``."""
        if not resource.physical:
            return
        try:
            kind_of(resource.type).delete(self.hands(resource), standing(resource))
        except CallError as error:
            if not error.is_gone:
                raise


def is_replaced(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return kind.update is None or bool(replacing(kind.type, before, after))


def standing(resource: Resource) -> Standing:
    return Standing(resource.logical, resource.type, resource.physical, resource.properties, resource.attributes)
