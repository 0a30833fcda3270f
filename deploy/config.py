"""``config.yaml``, read and checked. Raises ``DeployError`` naming file and field."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from deploy.errors import DeployError

HERE = Path(__file__).parent
DEFAULT = HERE / "config.yaml"


@dataclass(frozen=True)
class Config:
    """The sections of the file, each as the schema beside it describes it; ``tags`` is what every resource bears."""

    tag: dict[str, str]
    state_machine: dict[str, Any]
    api: dict[str, str]
    topic: str
    log_retention_days: int
    tables: dict[str, dict[str, Any]]
    function: dict[str, Any]
    functions: dict[str, dict[str, Any]]
    repairs: dict[str, Any]
    targets: dict[str, dict[str, str]]

    @property
    def steps(self) -> list[str]:
        """The functions that are a step or a compensation: all except the one that starts the state machine."""
        return [name for name, told in self.functions.items() if not told.get("starts")]

    @property
    def stages(self) -> list[str]:
        """The values that FailAtStage may have."""
        return ["None", *(name.removesuffix("Lambda") for name in self.steps)]

    @property
    def tags(self) -> dict[str, str]:
        return {self.tag["key"]: self.tag["value"]}


def load(path: Path = DEFAULT) -> Config:
    """The configuration in the file."""
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise DeployError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise DeployError(f"{path}{at}: not YAML ({error.problem})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeployError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    for problem in Draft202012Validator(json.loads((HERE / "config.schema.json").read_text())).iter_errors(content):
        where = "/".join(str(part) for part in problem.absolute_path) or "top level"
        raise DeployError(f"{path}: {where}: {problem.message.splitlines()[0]}")
    return Config(**content)
