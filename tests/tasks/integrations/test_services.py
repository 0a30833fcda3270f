"""Against the neighbours, over a real socket."""

from typing import Any

import pytest

from sfn_emulator.engine.ports import Signal, TaskFailed, TaskSucceeded
from sfn_emulator.values import loads
from tests.tasks.conftest import ACCOUNT, IDENTITY, REGION, Host

OPTIMISED = "arn:aws:states:::"
SDK = "arn:aws:states:::aws-sdk:"


def output(signal: Signal) -> Any:
    assert isinstance(signal, TaskSucceeded), signal
    return signal.output


def failed(signal: Signal) -> tuple[str, str]:
    assert isinstance(signal, TaskFailed), signal
    assert signal.cause is not None
    return signal.error, signal.cause


@pytest.fixture
def bucket(aws: Host) -> str:
    output(aws.run(f"{SDK}s3:createBucket", {"Bucket": "a-bucket"}))
    return "a-bucket"


@pytest.fixture
def queue(aws: Host) -> str:
    return str(output(aws.run(f"{SDK}sqs:createQueue", {"QueueName": "orders"}))["QueueUrl"])


@pytest.fixture
def table(aws: Host) -> str:
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    attributes = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    given = {"TableName": "things", "BillingMode": "PAY_PER_REQUEST", **keys, **attributes}
    aws.run(f"{SDK}dynamodb:createTable", given)  # it may be there already
    return "things"


def test_objects_are_written_from_json_and_read_as_text(aws: Host, bucket: str) -> None:
    output(aws.run(f"{SDK}s3:putObject", {"Bucket": bucket, "Key": "k", "Body": {"a": [1, None]}}))

    got = output(aws.run(f"{SDK}s3:getObject", {"Bucket": bucket, "Key": "k"}))

    assert got["Body"] == '{"a":[1,null]}'
    assert list(got)[-1] == "Body"
    assert got["ContentLength"] == 14
    assert got["LastModified"].endswith("Z")


def test_an_sdk_error_is_named_and_worded_as_the_java_sdk_2_does(aws: Host, bucket: str) -> None:
    error, cause = failed(aws.run(f"{SDK}s3:getObject", {"Bucket": bucket, "Key": "none"}))

    assert error == "S3.NoSuchKeyException"
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")
    assert ", Extended Request ID: " in cause
    assert cause.endswith(") (SDK Attempt Count: 1)")


def test_the_same_missing_table_is_told_in_two_dialects(aws: Host) -> None:
    given = {"TableName": "no-such-table", "Item": {"id": {"S": "1"}}}

    assert failed(aws.run(f"{SDK}dynamodb:putItem", given))[0] == "DynamoDb.ResourceNotFoundException"
    error, cause = failed(aws.run(f"{OPTIMISED}dynamodb:putItem", given))
    assert error == "DynamoDB.ResourceNotFoundException"
    assert cause.startswith(
        "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ResourceNotFoundException; Request ID: "
    )
    assert cause.endswith("; Proxy: null)")


def test_an_error_outside_the_model_is_the_services_base_exception(aws: Host) -> None:
    error, _ = failed(aws.run(f"{SDK}s3:createBucket", {"Bucket": "X"}))
    assert error == "S3.S3Exception"


def test_dynamodb_answers_with_its_own_headers(aws: Host, table: str) -> None:
    put = output(aws.run(f"{OPTIMISED}dynamodb:putItem", {"TableName": table, "Item": {"id": {"S": "1"}}}))

    headers = put["SdkHttpMetadata"]["HttpHeaders"]
    assert list(headers) == sorted(headers, key=str.lower)
    assert headers["Content-Length"] == "2"
    assert headers["x-amz-crc32"] == "2745614147"
    assert put["SdkHttpMetadata"]["AllHttpHeaders"]["Server"] == ["Server"]
    assert put["SdkResponseMetadata"]["RequestId"] == headers["x-amzn-RequestId"]
    got = output(aws.run(f"{OPTIMISED}dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "1"}}}))
    assert got["Item"] == {"id": {"S": "1"}}


def test_a_message_that_is_json_is_sent_as_its_text(aws: Host, queue: str) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "s"}}
    given = {"QueueUrl": queue, "MessageBody": {"n": 1}, "MessageAttributes": attributes}

    sent = output(aws.run(f"{OPTIMISED}sqs:sendMessage", given))

    assert sent["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == "166"
    assert sent["SdkHttpMetadata"]["HttpHeaders"]["connection"] == "keep-alive"
    received = output(aws.run(f"{SDK}sqs:receiveMessage", {"QueueUrl": queue}))["Messages"][0]
    assert received["Body"] == '{"n":1}'
    assert received["Md5OfBody"] == sent["MD5OfMessageBody"]


def test_a_queue_that_is_not_there(aws: Host, queue: str) -> None:
    error, cause = failed(aws.run(f"{OPTIMISED}sqs:sendMessage", {"QueueUrl": queue + "-not", "MessageBody": "b"}))
    assert error == "SQS.QueueDoesNotExistException"
    assert "(Service: AmazonSQS; Status Code: 400; Error Code: AWS.SimpleQueueService.NonExistentQueue; " in cause


def test_publishing_answers_with_the_length_of_the_xml_aws_sends(aws: Host) -> None:
    topic = output(aws.run(f"{SDK}sns:createTopic", {"Name": "news"}))["TopicArn"]
    told = output(aws.run(f"{OPTIMISED}sns:publish", {"TopicArn": topic, "Message": {"x": 1}}))
    assert told["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == "294"
    assert told["SdkHttpMetadata"]["HttpHeaders"]["Content-Type"] == "text/xml"


def test_events_carry_the_execution_and_come_without_metadata(aws: Host, queue: str) -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    aws.run(f"{SDK}eventbridge:putRule", {"Name": "r", "EventPattern": {"source": ["here"]}})
    aws.run(f"{SDK}eventbridge:putTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": arn}]})
    aws.run(f"{SDK}sqs:purgeQueue", {"QueueUrl": queue})

    told = output(
        aws.run(
            f"{OPTIMISED}events:putEvents", {"Entries": [{"Source": "here", "DetailType": "t", "Detail": {"a": 1}}]}
        )
    )

    assert set(told) == {"Entries", "FailedEntryCount"}
    asked = {"QueueUrl": queue, "WaitTimeSeconds": 10}
    event = loads(output(aws.run(f"{SDK}sqs:receiveMessage", asked))["Messages"][0]["Body"])
    assert event["detail"] == {"a": 1}
    assert event["resources"] == [IDENTITY.execution_arn, IDENTITY.machine_arn]


def test_a_failed_entry_fails_the_task(aws: Host) -> None:
    entries = [{"Detail": "{}", "DetailType": "t", "Source": "s"}, {"Detail": "{}", "DetailType": "t"}]

    error, cause = failed(aws.run(f"{OPTIMISED}events:putEvents", {"Entries": entries}))

    assert error == "EventBridge.FailedEntry"
    told = loads(cause)
    assert told["FailedEntryCount"] == 1
    assert told["Entries"][1]["ErrorCode"] == "InvalidArgument"


def test_an_endpoint_that_does_not_answer_is_a_client_error(host: Host) -> None:
    error, cause = failed(host.run(f"{SDK}sqs:listQueues", {}))
    assert error == "Sqs.SdkClientException"
    assert cause.startswith("Unable to execute HTTP request: ")


def test_attribute_values_are_named_as_java_names_them(aws: Host, table: str) -> None:
    item = {"id": {"S": "2"}, "yes": {"Bool": True}, "none": {"Nul": True}, "names": {"Ss": ["a"]}}
    output(aws.run(f"{SDK}dynamodb:putItem", {"TableName": table, "Item": item}))
    assert output(aws.run(f"{SDK}dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "2"}}}))["Item"] == item
    plain = output(aws.run(f"{OPTIMISED}dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "2"}}}))["Item"]
    assert plain == {"id": {"S": "2"}, "yes": {"BOOL": True}, "none": {"NULL": True}, "names": {"SS": ["a"]}}


def test_a_stream_is_the_json_of_whatever_it_is_and_its_checksum_is_told(aws: Host, bucket: str) -> None:
    told = output(aws.run(f"{SDK}s3:putObject", {"Bucket": bucket, "Key": "t", "Body": "plain words"}))

    assert output(aws.run(f"{SDK}s3:getObject", {"Bucket": bucket, "Key": "t"}))["Body"] == '"plain words"'
    assert list(told) == ["ChecksumCRC32", "ChecksumType", "ETag", "ServerSideEncryption"]
    assert told["ChecksumType"] == "FULL_OBJECT"


def test_a_bare_text_is_a_string_attribute_at_any_depth(aws: Host, table: str) -> None:
    item = {"id": "bare", "names": {"L": ["a", {"S": "b"}]}, "map": {"M": {"k": "v"}}}
    output(aws.run(f"{OPTIMISED}dynamodb:putItem", {"TableName": table, "Item": item}))

    got = output(aws.run(f"{OPTIMISED}dynamodb:getItem", {"TableName": table, "Key": {"id": "bare"}}))

    assert got["Item"] == {
        "id": {"S": "bare"},
        "names": {"L": [{"S": "a"}, {"S": "b"}]},
        "map": {"M": {"k": {"S": "v"}}},
    }


def test_only_the_optimised_integration_takes_bare_texts(aws: Host, table: str) -> None:
    error, cause = failed(aws.run(f"{SDK}dynamodb:putItem", {"TableName": table, "Item": {"id": "bare"}}))
    assert (error, "invalid format" in cause) == ("States.Runtime", True)


@pytest.mark.parametrize(
    ("resource", "given", "error", "cause"),
    [
        (
            f"{OPTIMISED}dynamodb:putItem",
            {"TableName": "t", "Item": None},
            "DynamoDB.AmazonDynamoDBException",
            "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null",
        ),
        (
            f"{SDK}dynamodb:putItem",
            {"TableName": None, "Item": None},
            "DynamoDb.DynamoDbException",
            "2 validation errors detected: Value null at 'tableName' failed",
        ),
        (
            f"{OPTIMISED}sqs:sendMessage",
            {"QueueUrl": "http://q", "MessageBody": None},
            "SQS.AmazonSQSException",
            "The request must contain the parameter MessageBody.",
        ),
        (f"{OPTIMISED}lambda:invoke", {"FunctionName": None}, "Lambda.AWSLambdaException", "Value null at"),
        (
            f"{OPTIMISED}states:startExecution",
            {"StateMachineArn": None},
            "StepFunctions.ValidationException",
            "Value null at 'stateMachineArn'",
        ),
    ],
)
def test_null_for_a_required_parameter_is_the_services_own_error(
    aws: Host, resource: str, given: dict[str, Any], error: str, cause: str
) -> None:
    told = failed(aws.run(resource, given))
    assert told[0] == error
    assert cause in told[1]


def test_a_missing_parameter_is_refused_before_the_call(aws: Host) -> None:
    error, cause = failed(aws.run(f"{OPTIMISED}dynamodb:putItem", {"TableName": "t"}))
    assert (error, "The field 'Item' is required but was missing" in cause) == ("States.Runtime", True)


def test_batch_takes_the_names_its_guide_prints(aws: Host) -> None:
    given = {"JobName": "j", "JobQueue": "q", "JobDefinition": "d", "RetryStrategy": {"attempts": 5}}
    error, _ = failed(aws.run(f"{OPTIMISED}batch:submitJob", given))
    assert error.startswith("Batch.")


@pytest.mark.parametrize(
    ("action", "given", "error", "said"),
    [
        ("autoscaling:describeAdjustmentTypes", {}, "AutoScaling.AutoScalingException", "has not been implemented"),
        (
            "sns:publish",
            {"TopicArn": "x", "Message": "m"},
            "Sns.InvalidParameterException",
            "at least 6 elements, not 1",
        ),
        ("kinesis:describeStreamSummary", {}, "Kinesis.ResourceNotFoundException", "Stream null under account"),
        ("s3:headBucket", {"Bucket": ""}, "S3.SdkClientException", "Invalid bucket name"),
    ],
)
def test_no_cause_speaks_python(aws: Host, action: str, given: Any, error: str, said: str) -> None:
    told, cause = failed(aws.run(f"{SDK}{action}", given))
    assert told == error
    assert said in cause
    assert not any(word in cause for word in ("None", "not enough values", "Parameter validation", "b'"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ClusterId": "j", "Step": None}, "The field 'Step' is required but was missing"),
        ({"ClusterId": "j", "Step": "x"}, "has an invalid format"),
        ({"ClusterId": "j", "Step": {"Name": "n", "Foo": 1}}, 'The field "Foo" is not supported by Step Functions'),
    ],
)
def test_a_step_that_is_none_never_reaches_emr(aws: Host, given: Any, said: str) -> None:
    error, cause = failed(aws.run(f"{OPTIMISED}elasticmapreduce:addStep", given))
    assert error == "States.Runtime"
    assert said in cause
