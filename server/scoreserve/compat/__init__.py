"""What entry scripts import from the Azure ML packages, so that no script has to change.

    azureml_inference_server_http.api.aml_request    rawhttp, AMLRequest
    azureml_inference_server_http.api.aml_response   AMLResponse
    azureml.contrib.services[.aml_request, ...]      the same objects by their older names
    azureml.core.model                               Model.get_model_path
    azureml_user.parallel_run                        EntryScript, of a batch script

Nothing here is imported before a script asks for one of these names: `finder` sees to that. Where
the real packages are installed they stay importable, but the decorators are always ours.
"""
