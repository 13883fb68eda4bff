"""`python -m scoreserve`."""

from scoreserve.cli import main

main()
