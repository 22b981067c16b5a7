"""Runs the jobs of the written pipelines as a runner would: a fresh clone, the environment, each step's shell."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.pipelines.forge import JOB_TOKEN, OWN_ID, PROJECT_TOKEN, REPOSITORY, Forge

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "python3 -m pip install --requirement requirements.txt"
SHIM = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from generator.cli.main import run
run()
"""
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


class Job:
    """How a job ended, and where it ran."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.code, self.output = folder, 0, ""

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.output}"


class Runner:
    """The repository on its server, and the runner of its forge."""

    def __init__(self, folder: Path, *, forge: Forge, url: str, secrets: dict[str, str]) -> None:
        self.folder, self.forge, self.url, self.secrets = folder, forge, url, secrets
        self.server = folder / "server" / f"{REPOSITORY}.git"
        self.jobs = 0
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "bqnctl").write_text(SHIM)
        (self.bin / "bqnctl").chmod(0o755)
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1", "XDG_STATE_HOME": str(folder / "state"), "PYTHONWARNINGS": "ignore",
            "GIT_AUTHOR_NAME": "operator", "GIT_AUTHOR_EMAIL": "operator@example.net",
            "GIT_COMMITTER_NAME": "operator", "GIT_COMMITTER_EMAIL": "operator@example.net",
        }  # fmt: skip

    def git(self, *arguments: str, cwd: Path) -> str:
        command = ["git", *arguments]
        ended = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
        return ended.stdout.strip()

    def publish(self, folder: Path) -> None:
        """Put the new repository in `folder` on the server."""
        self.server.parent.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.server), cwd=self.folder)
        self.git("init", "--quiet", "--initial-branch", "main", cwd=folder)
        self.git("add", ".", cwd=folder)
        self.git("commit", "--quiet", "--message", "begin", cwd=folder)
        self.git("push", "--quiet", str(self.server), "main", cwd=folder)

    def clone(self, ref: str, *, depth: int = 1) -> Path:
        self.jobs += 1
        folder = self.folder / f"job-{self.jobs}"
        self.git(
            "clone", "--quiet", f"--depth={depth}", "--branch", ref, self.server.as_uri(), str(folder), cwd=self.folder
        )
        return folder

    def merge(self, number: int) -> None:
        """What a reviewer does with a request: merges it into main."""
        request = self.forge.requests[number]
        folder = self.clone("main", depth=1000)
        self.git("fetch", "--quiet", "origin", request["branch"], cwd=folder)
        self.git("merge", "--quiet", "--no-ff", "--message", f"merge {number}", "FETCH_HEAD", cwd=folder)
        self.git("push", "--quiet", "origin", "main", cwd=folder)
        request["state"] = "closed"

    def shell(self, job: Job, command: str, environment: dict[str, str]) -> None:
        ended = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command], cwd=job.folder, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        job.output += ended.stdout
        job.code = job.code or ended.returncode

    def run(self, name: str, ref: str, request: int | None = None) -> Job:
        raise NotImplementedError

    def plan(self, number: int) -> Job:
        return self.run("plan", str(self.forge.requests[number]["branch"]), number)


class GitHub(Runner):
    """Jobs of .github/workflows/bqnctl-*.yml."""

    def run(self, name: str, ref: str, request: int | None = None) -> Job:
        workflow = yaml.safe_load((self.clone(ref) / f".github/workflows/bqnctl-{name}.yml").read_text())
        failed = 0
        for definition in workflow["jobs"].values():
            limits = definition.get("strategy", {}).get("matrix", {}).get("limit", [""])
            for index, limit in enumerate(limits):
                part = {"matrix.limit": limit, "strategy.job-index": str(index)}
                job = self._job(definition, name, ref, request, part)
                failed = failed or job.code
        job.code = job.code or failed
        return job

    def _job(
        self, definition: dict[str, Any], name: str, ref: str, request: int | None, part: dict[str, str]
    ) -> Job:  # fmt: skip
        job = Job(self.clone(ref))
        outputs = self.folder / f"outputs-{self.jobs}"
        outputs.touch()
        runner = {
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": f"{self.url}/github", "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SERVER_URL": "https://forge.example", "GITHUB_RUN_ID": "1", "GITHUB_REF_NAME": ref,
            "GITHUB_OUTPUT": str(outputs),
        }  # fmt: skip
        context = {f"secrets.{key}": value for key, value in self.secrets.items() if key != "BQNCTL_TOKEN"}
        context |= part
        context |= {"github.token": JOB_TOKEN, "inputs.request": str(request), "github.run_attempt": "1"}
        for step in definition["steps"]:
            for line in outputs.read_text().splitlines():
                key, _, value = line.partition("=")
                context[f"steps.{name}.outputs.{key}"] = value
            if job.code and "always()" not in step.get("if", ""):
                continue
            if "!= ''" in step.get("if", "") and not context.get(f"steps.{name}.outputs.key"):
                continue
            own = {**definition["env"], **step.get("env", {})}
            environment = {**runner, **{key: filled(value, context) for key, value in own.items()}}
            self._step(job, step, environment, context)
        return job

    def _step(self, job: Job, step: dict[str, Any], environment: dict[str, str], context: dict[str, str]) -> None:
        if "run" in step:
            if step["run"] != INSTALL:
                self.shell(job, step["run"], environment)
            return
        action, settings = step["uses"].split("@")[0], step.get("with", {})
        if action == "actions/upload-artifact":
            folder = job.folder / filled(settings["path"], context)
            if folder.is_dir():
                self.forge.upload(filled(settings["name"], context), folder)
            else:
                assert settings["if-no-files-found"] == "ignore"
        elif action == "actions/download-artifact":
            self.forge.download(settings["pattern"], job.folder / settings["path"])
        else:
            assert action in {"actions/checkout", "actions/setup-python"}


class GitLab(Runner):
    """Jobs of .gitlab-ci.yml."""

    def run(self, name: str, ref: str, request: int | None = None) -> Job:
        file = yaml.safe_load((self.clone(ref) / ".gitlab-ci.yml").read_text())
        failed = 0
        for needed in file[name].get("needs", []):
            (matrix,) = file[needed]["parallel"]["matrix"]
            for index, limit in enumerate(matrix["LIMIT"], 1):
                part = {"LIMIT": limit, "CI_NODE_INDEX": str(index)}
                failed = self._job(file, needed, ref, request, part).code or failed
        job = self._job(file, name, ref, request, {})
        job.code = job.code or failed
        return job

    def _job(
        self, file: dict[str, Any], name: str, ref: str, request: int | None, part: dict[str, str]
    ) -> Job:  # fmt: skip
        job = Job(self.clone(ref))
        definition = {**file[file[name]["extends"]], **file[name]}
        for needed in definition.get("needs", []):
            self.forge.download(needed, job.folder / "part-out")
        runner = {
            "GITLAB_CI": "true", "CI_API_V4_URL": f"{self.url}/gitlab", "CI_PROJECT_ID": str(OWN_ID),
            "CI_PROJECT_PATH": REPOSITORY, "CI_SERVER_URL": (self.folder / "server").as_uri(),
            "CI_DEFAULT_BRANCH": "main", "CI_JOB_TOKEN": JOB_TOKEN, "CI_JOB_URL": "https://forge.example/job/1",
        }  # fmt: skip
        if request is not None:
            runner["CI_MERGE_REQUEST_IID"] = str(request)
        variables = {**runner, **part, **self.secrets, **definition["variables"], "BQNCTL_TOKEN": PROJECT_TOKEN}
        for line in [*definition["before_script"], *definition["script"]]:
            if not job.code and line != INSTALL:
                self.shell(job, line, variables)
        for path in definition.get("artifacts", {}).get("paths", []):
            if (job.folder / path).is_dir():
                self.forge.upload(name, job.folder / path)
        return job


def filled(value: str, context: dict[str, str]) -> str:
    """`value` with its expressions looked up; of `a || b` the first that there is."""

    def one(found: re.Match[str]) -> str:
        return next(context[part] for part in found[1].split(" || ") if part in context)

    return _EXPRESSION.sub(one, value)
