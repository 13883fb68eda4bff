# Sourced: from then on a shell knows `conda activate`.
eval "$(/opt/scoreserve/stand-ins/conda shell.posix hook)"
