"""What a plain scalar of YAML means: by PyYAML's rules, and where readers differ."""

import re
from typing import Any

import yaml

JSON_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
JSON_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
AMBIGUOUS = re.compile(
    r"""  ~ | = | << | null | Null | NULL
        | [yYnN] | [yY]es | YES | [nN]o | NO | [oO]n | ON | [oO]ff | OFF
        | [tT]rue | TRUE | [fF]alse | FALSE
        | [-+]? 0 [oO]? [0-7_]++ | [-+]? 0b [01_]++ | [-+]? 0x [0-9a-fA-F_]++
        | (?= [-+._]*+ [0-9] ) [-+]? [0-9_]*+ \.? [0-9_]*+ \.? (?: [eE] [-+]? [0-9]++ )?
        | [-+]? [0-9] [0-9_]*+ (?: : [0-5]? [0-9] )+ (?: \. [0-9_]* )?
        | [-+]? \. (?: inf | Inf | INF ) | \. (?: nan | NaN | NAN )
        | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: (?: [Tt] | [ \t]+ ) [0-9].* )?
    """,
    re.VERBOSE,
)
"""Possessive, so that a scalar of a million digits takes no longer than its length."""


class AnsibleScalars(yaml.resolver.Resolver, yaml.constructor.SafeConstructor):
    """Plain scalars by PyYAML's safe rules, which are Ansible's."""

    def __init__(self) -> None:
        yaml.resolver.Resolver.__init__(self)
        yaml.constructor.SafeConstructor.__init__(self)

    def read(self, text: str) -> Any:
        """The value that `text` stands for; raises `ValueError` where PyYAML does."""
        tag = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"):
            return text
        return self.construct_object(yaml.ScalarNode(tag, text), deep=True)
