import pytest

from sfn_emulator.tasks.sdk.naming import botocore_service, exception_name, member_v1, member_v2, pascal, service_prefix


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("sfn", "stepfunctions"),
        ("dynamodb", "dynamodb"),
        ("cloudwatchlogs", "logs"),
        ("eventbridge", "events"),
        ("config", "config"),
        ("acmpca", "acm-pca"),
        ("elasticloadbalancingv2", "elbv2"),
        ("cognitoidentityprovider", "cognito-idp"),
        ("costandusagereport", "cur"),
        ("logs", None),
        ("stepfunctions", None),
        ("acm-pca", None),
        ("nothing", None),
    ],
)
def test_an_sdk_name_is_one_service_or_none(name: str, service: str | None) -> None:
    assert botocore_service(name) == service


@pytest.mark.parametrize(
    ("service_id", "prefix"),
    [
        ("S3", "S3"),
        ("SFN", "Sfn"),
        ("DynamoDB", "DynamoDb"),
        ("ACM PCA", "AcmPca"),
        ("SESv2", "SesV2"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("Elastic Load Balancing v2", "ElasticLoadBalancingV2"),
        ("Config Service", "Config"),
        ("EC2", "Ec2"),
    ],
)
def test_a_services_errors_begin_with_its_prefix(service_id: str, prefix: str) -> None:
    assert service_prefix(service_id) == prefix


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("NoSuchBucket", "NoSuchBucketException"),
        ("ResourceNotFoundException", "ResourceNotFoundException"),
        ("DBInstanceNotFoundFault", "DbInstanceNotFoundException"),
        ("InvalidToken", "InvalidTokenException"),
    ],
)
def test_every_error_is_an_exception(shape: str, name: str) -> None:
    assert exception_name(shape) == name


@pytest.mark.parametrize(
    ("member", "v1", "v2"),
    [
        ("stateMachineArn", "StateMachineArn", "StateMachineArn"),
        ("MD5OfMessageBody", "MD5OfMessageBody", "Md5OfMessageBody"),
        ("ACL", "ACL", "Acl"),
        ("ETag", "ETag", "ETag"),
        ("SSEKMSKeyId", "SSEKMSKeyId", "SsekmsKeyId"),
        ("DBInstanceIdentifier", "DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("equals", "Equals", "EqualsValue"),
        ("NULL", "NULL", "Nul"),
        ("BOOL", "BOOL", "Bool"),
    ],
)
def test_members_are_named_by_two_sdks(member: str, v1: str, v2: str) -> None:
    assert (member_v1(member), member_v2(member)) == (v1, v2)


def test_pascal_case_keeps_what_is_one_word() -> None:
    assert pascal("MTurk") == "MTurk"
