"""What the collection says of its options, against what its modules and its role take."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "templates" / "ansible"


def taken(file: Path, name: str) -> set[str]:
    """The keys of the dictionaries that are given as `name`, or assigned to it, in a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        value = node.value if isinstance(node, ast.keyword) and node.arg == name else None
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            value = node.value
        keys = value.keys if isinstance(value, ast.Dict) else []
        found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return found


@pytest.mark.parametrize("module", ["policy", "render"])
def test_every_option_of_a_module_is_documented(module: str) -> None:
    plugins = COLLECTION / "plugins"
    common = taken(plugins / "module_utils" / "command.py", "COMMON_ARGUMENTS")
    own = taken(plugins / "modules" / f"{module}.py", "argument_spec")
    documented = yaml.safe_load((plugins / "modules" / f"{module}.yml").read_text(encoding="utf-8"))
    assert len(common) > 3
    assert set(documented["DOCUMENTATION"]["options"]) == common | own
    assert documented["DOCUMENTATION"]["module"] == module


def test_every_variable_of_the_role_is_documented() -> None:
    role = COLLECTION / "roles" / "policy"
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "ansible.md").read_text(encoding="utf-8")
    assert set(specs["argument_specs"]["main"]["options"]) == set(defaults)
    assert [name for name in defaults if f"| `{name}` |" not in page] == []
