"""The entry script in a child process of a worker: what is pickled there is by this module's name.

A child that is spawned gets the worker's sys.path, and so finds this file, which has the script
imported in its stead. init() is not called: the child may never need it.
"""  # noqa: INP001 - a folder of sys.path, not a package

import traceback

from scoreserve.compat import finder
from scoreserve.worker.script import child_processes, entry_script, main_module, missing_names

finder.install()
main_module.install()
_path = child_processes.script_path()
try:
    entry_script.import_path(_path)
except (Exception, SystemExit):  # whatever the script raises
    traceback.print_exc()
    _why = f"the entry script cannot be imported there\n{traceback.format_exc()}"
    missing_names.stand_in_for(child_processes.MODULE_NAME, _why)
else:
    _why = "it is made when the script runs, in init() or later"
    missing_names.stand_in_for(child_processes.MODULE_NAME, _why)
