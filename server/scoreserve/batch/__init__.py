"""Many inputs through an entry script: files, tables, JSON lines. `scoreserve batch`.

inputs      paths → mini-batches: which files, or which part of which file
job         the driver: what is done already (ledger), what must not go on (tally), results
pool        processes of this machine          ray_engine   actors of a Ray cluster
process     one of the pool's processes
scorer      one mini-batch through the script, in either
    batch_script     run(mini_batch), Azure's contract for batch endpoints
    online_script    run(raw_data), the contract of /score
    mlflow_script    an MLflow model without a script, as batch endpoints score one
outputs     results → the output file, when all is done
"""
