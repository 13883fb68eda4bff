"""A workspace of Azure ML, as azureml-core 1.61 meets it over the wire: enough of it to register
models and environments, package them, and deploy them here or as services.

All that the SDK asks goes through a proxy (`proxy.py`), which hands every host to the same
application (`application.py`):

    management.azure.com
      GET    /metadata/endpoints                         clouds: none besides Azure's public one
      GET    /subscriptions                              those that the token may see
      GET    /subscriptions/.../workspaces/NAME          where the workspace's services are

    westeurope.api.azureml.ms
      GET    /discovery                                  the same for each kind of service
      GET    /manifests/NUMBER                           a build context          packages.py
      GET    /operations/ID/log                          its log                  operations.py
     and for a workspace, which `...` stands for:
      POST   /artifact/.../artifacts/batch/metadata/O/C  names to upload to       artifacts.py
      GET    /artifact/.../artifacts/contentinfo/O/C/P   where to download from
      GET    /artifact/.../artifacts/prefix/contentinfo/O/C/P   the same for a folder
      POST   /modelmanagement/.../assets, models         registers                models.py
      GET    /modelmanagement/.../assets/ID, models/ID   404 for what nobody registered
      GET    /modelmanagement/.../models?name=NAME       versions, the newest first
      PUT    /environment/.../environments/NAME          registers                environments.py
      GET    /environment/.../environments/NAME/image    its image and registry
      POST   /modelmanagement/.../packages               has a context written    packages.py
      POST   /modelmanagement/.../services               deploys to ACI or AKS    services.py
      GET    /modelmanagement/.../services/NAME          a document; its /logs; POST /listkeys
      PATCH  /modelmanagement/.../services/NAME          a JSON patch of the document
      DELETE /modelmanagement/.../services/NAME
      GET    /modelmanagement/.../operations/ID          how far a 202 has come   operations.py

    account.blob.core.windows.net
      PUT, GET, HEAD /CONTAINER/BLOB                     contents                 blobs.py

What the SDK would have checked beforehand (`services/validate/...`) is answered 404, which it takes
for no objection.

Paths and documents are those that the SDK's own clients send and read: `azureml/_restclient`,
`azureml/_model_management/_util.py` and `azureml/core/{model,environment,webservice}` of the
package. Azure's own names for what it puts into images are those of build logs that users have
published, such as https://github.com/recommenders-team/recommenders/pull/2098.
"""
