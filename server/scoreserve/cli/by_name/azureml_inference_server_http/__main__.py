"""`python -m azureml_inference_server_http`, by the reference's name: runs scoreserve.

scoreserve.pth, which the wheel has (see hatch_build.py), puts `by_name` at the end of sys.path, and
there is no __init__.py here: a package of this name that is really installed is the one that Python
finds, whichever was installed first.
"""

from scoreserve.cli.azmlinfsrv import main

main()
