"""What a compose file says, as far as this one goes: interpolated, merged, with host names."""

import re
from dataclasses import dataclass

import yaml

VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """One service: its command, environment, health check, and what must be there first.

    secrets: which of them it gets, by the names of its files.
    environment: has their contents too, as `deploy/sitecustomize.py` brings it about.
    by_hand: it is started by whoever asks for it, not with the others.
    comes_back: it is started again whenever it ends.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    secrets: dict[str, str]
    health: tuple[str, ...]
    needs: dict[str, str]
    by_hand: bool
    comes_back: bool


def read_env(path):
    """The variables of an .env file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def read_secrets(folder):
    """The passwords and keys of a folder, by their names."""
    return {file.name: file.read_text(encoding="utf-8").strip() for file in folder.glob("*")}


def read_services(path, variables, secrets):
    """The services of a compose file by their names."""
    content = _interpolated(yaml.safe_load(path.read_text(encoding="utf-8")), variables)
    return {name: _service(name, body, secrets) for name, body in content["services"].items()}


def _service(name, body, values):
    kind, *test = body.get("healthcheck", {}).get("test", ["NONE"])
    secrets = dict(map(_secret, body.get("secrets", ())))
    told = {target: values[source] for target, source in secrets.items()}
    given = {key: str(value) for key, value in body.get("environment", {}).items()}
    return Service(
        name=name,
        command=tuple(body.get("command", ())),
        environment={**given, **told},
        secrets=secrets,
        health=("sh", "-c", *test) if kind == "CMD-SHELL" else tuple(test),
        needs={key: how["condition"] for key, how in body.get("depends_on", {}).items()},
        by_hand="profiles" in body,
        comes_back=body.get("restart") == "unless-stopped",
    )


def _secret(said):
    """The file of a secret, and where its content comes from."""
    return (said, said) if isinstance(said, str) else (said["target"], said["source"])


def _interpolated(value, variables):
    if isinstance(value, dict):
        return {key: _interpolated(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolated(each, variables) for each in value]
    return VARIABLE.sub(lambda hit: _meant(hit, variables), value) if _is_text(value) else value


def _is_text(value):
    return isinstance(value, str)


def _meant(hit, variables):
    name, kind, rest = hit.groups()
    if name is None:
        return "$"
    if variables.get(name):
        return variables[name]
    assert "-" == kind, f"{name}: {rest}"
    return rest
