"""The parts of a Map Run, and what its record says of them."""

from dataclasses import replace
from typing import NamedTuple

from sfn_emulator.service.map_runs.children.kin import Kin
from sfn_emulator.service.map_runs.children.standard import Children
from sfn_emulator.service.map_runs.counts import Counts, shown
from sfn_emulator.service.map_runs.feed import Feed
from sfn_emulator.service.map_runs.items import Items
from sfn_emulator.service.store.records import MapRun


class Parts(NamedTuple):
    """Items are read, the feed makes inputs of them, children run with these, and the counts add up their ends."""

    kin: Kin
    items: Items
    feed: Feed
    children: Children
    counts: Counts

    def counted(self, record: MapRun) -> MapRun:
        """The record with the counts as they stand now."""
        _, items, feed, children, counts = self
        again, items_again = children.waiting_again
        gaps = feed.pending_again
        redriven = record.redrive_count > 0
        return replace(
            record,
            taken=feed.taken,
            begun=feed.begun,
            all_read=items.complete,
            bytes=counts.bytes,
            items=shown(
                counts.items,
                counts.items_written,
                counts.items_lasting,
                running=children.running_items,
                pending=items.known - feed.taken + (0 if redriven else gaps),
                again=items_again + (gaps if redriven else 0),
            ),
            executions=shown(
                counts.executions,
                counts.executions_written,
                counts.executions_lasting,
                running=children.running,
                pending=feed.pending_units + (0 if redriven else feed.units_in(gaps)),
                again=again + (feed.units_in(gaps) if redriven else 0),
            ),
        )
