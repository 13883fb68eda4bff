"""The entry script in a child process of a worker: what is pickled there is by this module's name.

A child that is spawned gets the worker's sys.path, and so finds this file, which has the script
imported in its stead. init() is not called: the child may never need it.
"""  # noqa: INP001 - a folder of sys.path, not a package

from scoreserve.compat import finder
from scoreserve.worker.script import child_processes, entry_script, main_module

finder.install()
main_module.install()
entry_script.import_path(child_processes.script_path())
