"""The command line. Exit codes: 0 done, 1 the answer is no, 2 usage or bad input (one line on stderr), 130 interrupted."""

import signal

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # while the modules are loaded there is nothing to tidy up, and Ctrl-C ends the process without a traceback
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from evenhand.cli import app

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()
