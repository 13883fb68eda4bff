"""Finds out what would become of an entry script, without a server.

    files      what the script's text and the model directory say
    imports    what the script imports and is not there
    trial      the process that runs the script: `python -m scoreserve.check.trial`
    steps      what is tried there: import, run(), init(), schema, a sample request (samples) and
               whether calls share work (batching)
    watch      starts that process, and says what became of it if it does not come to its end
    findings   what all of them tell

`scoreserve check` is the command.
"""
