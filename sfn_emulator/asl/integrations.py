"""The optimised integrations Step Functions knows (`integrate-optimized`): service → action → patterns."""

from typing import Final

from sfn_emulator.asl.resource import Family, Pattern, Resource

_JOB: Final = "sync"
_TOKEN: Final = "token"
_JOB_OR_TOKEN: Final = "job or token"
_PATTERNS: Final = {
    "": {Pattern.REQUEST_RESPONSE},
    _JOB: {Pattern.REQUEST_RESPONSE, Pattern.SYNC},
    _TOKEN: {Pattern.REQUEST_RESPONSE, Pattern.WAIT_FOR_TASK_TOKEN},
    "all": set(Pattern),
    _JOB_OR_TOKEN: {Pattern.REQUEST_RESPONSE, Pattern.SYNC, Pattern.WAIT_FOR_TASK_TOKEN},
}


def _actions(names: str, jobs: str = "") -> dict[str, str]:
    return {**dict.fromkeys(names.split(), ""), **dict.fromkeys(jobs.split(), _JOB)}


OPTIMISED: Final[dict[str, dict[str, str]]] = {
    "apigateway": {"invoke": _TOKEN},
    "athena": _actions("stopQueryExecution getQueryExecution getQueryResults", "startQueryExecution"),
    "batch": _actions("", "submitJob"),
    "bedrock": {"invokeModel": _TOKEN, "createModelCustomizationJob": _JOB_OR_TOKEN},
    "bedrockagentcore": _actions("invokeHarness"),
    "codebuild": _actions(
        "stopBuild batchDeleteBuilds batchGetReports stopBuildBatch deleteBuildBatch",
        "startBuild startBuildBatch retryBuildBatch",
    ),
    "databrew": _actions("", "startJobRun"),
    "dynamodb": _actions("getItem putItem updateItem deleteItem"),
    "ecs": {"runTask": _JOB_OR_TOKEN},
    "eks": {
        "call": _TOKEN,
        **dict.fromkeys(
            ("createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile", "createNodegroup"),
            _JOB_OR_TOKEN,
        ),
        "deleteNodegroup": _JOB_OR_TOKEN,
        "runJob": _JOB_OR_TOKEN,
    },
    "elasticmapreduce": _actions(
        "cancelStep setClusterTerminationProtection modifyInstanceFleetByName modifyInstanceGroupByName",
        "createCluster terminateCluster addStep",
    ),
    "emr-containers": _actions("createVirtualCluster", "deleteVirtualCluster startJobRun"),
    "emr-serverless": _actions(
        "", "createApplication startApplication stopApplication deleteApplication startJobRun cancelJobRun"
    ),
    "events": {"putEvents": _TOKEN},
    "glue": _actions("", "startJobRun"),
    "http": _actions("invoke"),
    "lambda": {"invoke": _TOKEN},
    "mediaconvert": _actions("", "createJob"),
    "sagemaker": _actions(
        "createEndpoint createEndpointConfig createModel updateEndpoint",
        "createHyperParameterTuningJob createLabelingJob createProcessingJob createTrainingJob createTransformJob",
    ),
    "sns": {"publish": _TOKEN},
    "sqs": {"sendMessage": _TOKEN},
    "states": {"startExecution": "all"},
}
"""The word after an action names the patterns it supports: "" means request-response alone."""

SDK_PREFIX: Final = "aws-sdk:"


def refusal(resource: Resource) -> bool:
    """Whether Step Functions has no integration of that name. The task runner decides which AWS SDK services exist."""
    if resource.family is not Family.SERVICE or resource.arn.split(":")[2] != "states":
        return False
    if resource.resource_type.startswith(SDK_PREFIX):
        return resource.pattern not in _PATTERNS[_TOKEN] or not resource.action[:1].islower()
    patterns = OPTIMISED.get(resource.resource_type, {}).get(resource.action)
    return patterns is None or resource.pattern not in _PATTERNS[patterns]
