"""`python -m scoreserve`."""

from scoreserve.cli.commands import main

main()
