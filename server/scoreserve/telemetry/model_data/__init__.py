"""Model data: what a Collector of azureml-ai-monitoring posts, kept in files as on Azure.

    script ─Collector─ POST /modeldata/log ─→ receiver ─→ event ─→ <directory>/<collection>/…jsonl

On Azure a container beside this one takes the posts; here the telemetry process does, on this
machine only. The rules are those of azureml-ai-monitoring 1.0 and of Azure's page "Collect
production data from models for real-time inferencing".
"""
