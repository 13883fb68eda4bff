"""A workspace of Azure ML, as azureml-core 1.61 meets it over the wire: enough of it to register
models and environments, package them, and deploy them here or as services.

All that the SDK asks goes through a proxy (`proxy.py`), which hands every host to the same
application (`application.py`):

    management.azure.com
      GET    /metadata/endpoints                            clouds; none but Azure's public one
      GET    /subscriptions                                 those that the token may see
      GET    /subscriptions/.../workspaces/NAME             where the workspace's services are
    westeurope.api.azureml.ms, below .../workspaces/NAME
      GET    /discovery                                     the same for each kind of service
      POST   /artifact/.../artifacts/batch/metadata/O/C     names to upload to         artifacts.py
      GET    /artifact/.../artifacts/contentinfo/O/C/PATH   a URL to download from
      GET    /artifact/.../artifacts/prefix/contentinfo/... one for each below a prefix
      POST   /modelmanagement/.../assets, models            registers                  models.py
      GET    /modelmanagement/.../assets/ID, models/ID      404 for what nobody registered
      GET    /modelmanagement/.../models?name=              versions, the newest first
      PUT    /environment/.../environments/NAME             registers             environments.py
      GET    /environment/.../environments/NAME/image       its image and registry
      POST   /modelmanagement/.../packages                  a build context            packages.py
      POST   /modelmanagement/.../services                  a service of ACI or AKS    services.py
      GET    /modelmanagement/.../services/NAME             its document; logs, listkeys below it
      PATCH  /modelmanagement/.../services/NAME             a JSON patch of the document
      GET    /modelmanagement/.../operations/ID             what came of the two       operations.py
    account.blob.core.windows.net
      PUT, GET, HEAD /CONTAINER/BLOB                        contents                   blobs.py

Paths and documents are those that the SDK's own clients send and read: `azureml/_restclient`,
`azureml/_model_management/_util.py` and `azureml/core/{model,environment,webservice}` of the
package. Azure's own names for what it puts into images are those of build logs that users have
published, such as https://github.com/recommenders-team/recommenders/pull/2098.
"""
