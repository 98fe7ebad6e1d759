"""`sciml`: finds the command, imports just that one, and turns every failure into one sentence."""

from __future__ import annotations

import importlib
import os
import sys

import click

# name -> (module, help); the help is here so that `sciml --help` imports no command
COMMANDS = {
    "solve": ("solve", "Solve a problem file with one solver and score the result."),
    "compare": ("compare", "Solve problems with several solvers and print one table."),
    "data": ("data", "Make the training, validation and test data of a family of problems."),
    "train": ("train", "Train a learned solver on a family of problems."),
    "models": ("models", "List trained models, shipped ones included."),
    "solvers": ("solvers", "List solvers, or the options of one."),
    "executors": ("executors", "List where campaigns can run, or the options of one."),
    "problems": ("problems", "List the problem files in a folder."),
    "compat": ("compat", "Which solvers can take a problem, and why the others cannot."),
    "plugins": ("plugins", "List plugins, broken ones with the reason."),
    "new-plugin": ("new_plugin", "Make a package with a working solver, its tests, documentation and CI."),
    "check-solver": ("check_solver", "Check that a solver keeps the promises that every plugin makes."),
    "show": ("show", "Describe a problem or result file, its equation in text."),
    "plot": ("plot", "Draw a problem or result file into a PNG."),
    "new": ("new", "Make a problem file from a TOML description."),
    "validate": ("validate", "Check a problem or result file."),
    "reference": ("reference", "Show the reference of a problem file, or compute one into it."),
    "bench": ("bench", "Measure the kernels for cards against a copy, torch and torch.compile."),
    "doctor": ("doctor", "Versions, devices, precision modes, and what is missing."),
}


class LazyGroup(click.Group):
    """Commands by name; their modules are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"sciml.cli.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from ..errors import did_you_mean

            raise click.UsageError(f"there is no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sciml-toolkit", prog_name="sciml")
def cli() -> None:
    """Which solver, classical or learned, solves a problem how accurately and at what cost?

    \b
    sciml problems problems/
    sciml solve problems/ks.h5 --solver pinn-causal
    sciml compare problems/ks.h5 --solvers etdrk4,pinn-causal -o report/

    Exit codes: 0 done, 1 the work failed, 2 the request cannot be carried out. --debug anywhere shows tracebacks.
    """


def entry() -> None:
    """The console script."""
    # idle threads that spin slow torch down badly where other programs use the cores; read when it is loaded
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    sys.exit(run(arguments, debug="--debug" in sys.argv[1:]))


def run(arguments: list[str], debug: bool = False) -> int:
    """Run one command line and return its exit code; nothing but SystemExit-free results."""
    from ..errors import ScimlError

    try:
        outcome = cli.main(args=arguments, prog_name="sciml", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        if debug:
            raise
        return _say(error.format_message(), error.exit_code)
    except ScimlError as error:
        if debug:
            raise
        return _say(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted by Ctrl-C; run the same command again to continue.", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        return _say(
            f"an error of sciml's own, please report it ({type(error).__name__}: {error}); --debug shows where.", 1
        )


def _say(message: str, code: int) -> int:
    click.echo(f"sciml: {message}", err=True)
    return code


if __name__ == "__main__":
    entry()
