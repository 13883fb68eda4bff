"""`python -m azureml_inference_server_http`, by the reference's name: runs scoreserve.

Only in the images. There is no __init__.py, so a package of this name that is really installed is
the one that Python finds.
"""

from scoreserve.cli.azmlinfsrv import main

main()
