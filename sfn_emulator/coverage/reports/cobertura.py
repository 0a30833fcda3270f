"""Coverage as Cobertura XML (coverage-04.dtd): a class is a definition, its lines and branches as in lcov."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sfn_emulator.coverage.covered import Covered
from sfn_emulator.coverage.reports.lcov import branches_of, hits_of
from sfn_emulator.coverage.reports.text import title
from sfn_emulator.picture.printable import printable


def cobertura(found: Iterable[Covered]) -> str:
    """The XML of Cobertura: a machine is a class, a state's line a line, and its points are branches."""
    machines = list(found)
    root = Element("coverage", {**_rates(machines), "version": "1", "timestamp": "0"})
    SubElement(SubElement(root, "sources"), "source").text = "."
    package = SubElement(SubElement(root, "packages"), "package", {"name": ".", **_rates(machines), "complexity": "0"})
    classes = SubElement(package, "classes")
    for machine in machines:
        _class(classes, machine)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + printable(tostring(root, encoding="unicode")) + "\n"


def _class(classes: Element, machine: Covered) -> None:
    named = {"name": machine.name or title(machine), "filename": title(machine), "complexity": "0"}
    made = SubElement(classes, "class", {**named, **_rates([machine])})
    SubElement(made, "methods")
    lines, branches = SubElement(made, "lines"), branches_of(machine)
    for number, hit in hits_of(machine).items():
        told = {"number": str(number), "hits": str(int(hit)), "branch": "false"}
        if number in branches:
            taken, every = len([p for p in branches[number] if p in machine.taken]), len(branches[number])
            told |= {"branch": "true", "condition-coverage": f"{100 * taken // every}% ({taken}/{every})"}
        SubElement(lines, "line", told)


def _rates(machines: list[Covered]) -> dict[str, str]:
    hits = [hit for machine in machines for hit in hits_of(machine).values()]
    ways = [p in machine.taken for machine in machines for points in branches_of(machine).values() for p in points]
    return {"line-rate": _rate(hits), "branch-rate": _rate(ways)}


def _rate(taken: list[bool]) -> str:
    return f"{sum(taken) / len(taken):.4f}" if taken else "1"
