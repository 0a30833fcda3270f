"""The tables, as a list of migrations: entry N turns format N into N+1. An entry that has shipped is never edited."""

from typing import Final

_FIRST: Final = (
    # Machines, revisions, versions, aliases, activities, map runs: few, small, read by key or in order of creation.
    """CREATE TABLE document (
        kind TEXT NOT NULL, key TEXT NOT NULL, parent TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (kind, key)) WITHOUT ROWID""",
    "CREATE INDEX document_in_order ON document (kind, parent, at, key)",
    # Executions by the million: columns for lists come first, the texts last, so that a list never reads them.
    """CREATE TABLE execution (
        seq INTEGER PRIMARY KEY, arn TEXT NOT NULL, machine TEXT NOT NULL, status TEXT NOT NULL, name TEXT NOT NULL,
        started REAL NOT NULL, stopped REAL, version TEXT, alias TEXT, map_run TEXT, item_count INTEGER,
        redrives INTEGER NOT NULL, redriven REAL, redrive_token TEXT, revision TEXT NOT NULL, type TEXT NOT NULL,
        seed TEXT NOT NULL, trace TEXT, events INTEGER NOT NULL, test_case TEXT, parent TEXT,
        error TEXT, cause TEXT, input TEXT NOT NULL, output TEXT)""",
    "CREATE UNIQUE INDEX execution_by_arn ON execution (arn)",
    "CREATE INDEX execution_by_machine ON execution (machine, status, seq)",
    "CREATE INDEX execution_by_version ON execution (version, status, seq) WHERE version IS NOT NULL",
    "CREATE INDEX execution_by_alias ON execution (alias, status, seq) WHERE alias IS NOT NULL",
    "CREATE INDEX execution_by_map_run ON execution (map_run, status, seq) WHERE map_run IS NOT NULL",
    "CREATE INDEX execution_redriven ON execution (machine, status, seq) WHERE redrives > 0",
    "CREATE INDEX execution_open ON execution (seq) WHERE status = 'RUNNING'",
    # The signals of a running execution, in order. With its start they are all that is needed to run it again.
    """CREATE TABLE signal (
        execution INTEGER NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (execution, n)) WITHOUT ROWID""",
    # The history of a finished execution: its events, compressed.
    "CREATE TABLE history (execution INTEGER PRIMARY KEY, body BLOB NOT NULL)",
)

_MAP_RUNS: Final = (
    # Items that Map Runs read and outcomes of their EXPRESS children, in compressed chunks.
    """CREATE TABLE map_item (
        run TEXT NOT NULL, first INTEGER NOT NULL, length INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (run, first))""",
    """CREATE TABLE map_outcome (
        run TEXT NOT NULL, n INTEGER NOT NULL, least INTEGER NOT NULL, most INTEGER NOT NULL, children INTEGER NOT NULL,
        items INTEGER NOT NULL, failures INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (run, n))""",
    # Map Runs under way, which have to be looked after when a process starts.
    "CREATE TABLE map_run_open (run TEXT PRIMARY KEY) WITHOUT ROWID",
)

LATEST: Final = "coalesce(stopped, redriven, started)"
"""The time of an execution's end; while it runs, of its redrive, else of its start."""

_LISTS: Final = (
    # Lists are sorted by an execution's last event: end, redrive or start.
    *(f"DROP INDEX execution_by_{column}" for column in ("machine", "version", "alias")),
    "DROP INDEX execution_redriven",
    f"CREATE INDEX execution_by_machine ON execution (machine, status, {LATEST}, seq)",
    *(
        f"CREATE INDEX execution_by_{column} ON execution ({column}, status, {LATEST}, seq) WHERE {column} IS NOT NULL"
        for column in ("version", "alias")
    ),
    f"CREATE INDEX map_run_by_latest ON execution (map_run, status, {LATEST}, seq) WHERE map_run IS NOT NULL",
    f"CREATE INDEX execution_redriven ON execution (machine, status, {LATEST}, seq) WHERE redrives > 0",
)

_ONE_ORDER: Final = ("DROP INDEX execution_by_map_run",)  # children are read in the order of map_run_by_latest

_PAGES: Final = (
    # Histories in pages. ``page`` is the execution's seq and, in the lowest 20 bits, the number of its first event;
    # ``data``, which is long, comes last. Whole histories of before stay where they are.
    """CREATE TABLE history_page (
        page INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL, data BLOB NOT NULL)""",
)

_ORIGINS: Final = (
    # Executions that began at a state of another: which one that is, and the rest of ``records.Origin``.
    "ALTER TABLE execution ADD COLUMN origin TEXT",
    "ALTER TABLE execution ADD COLUMN beginning TEXT",
    "CREATE INDEX execution_by_origin ON execution (origin, seq) WHERE origin IS NOT NULL",
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _MAP_RUNS, _LISTS, _ONE_ORDER, _PAGES, _ORIGINS)
