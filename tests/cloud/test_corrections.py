"""Answers of AWS that differ from moto's, as recorded."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.events.wildcards import matches
from tests.processes import Process, running


@pytest.fixture(scope="module")
def server() -> object:
    with running("--in-memory") as process:
        yield process


def test_every_object_is_encrypted(server: Process) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="k", Body=b"x")
    assert s3.get_object(Bucket="plain", Key="k")["ServerSideEncryption"] == "AES256"
    s3.put_object(Bucket="plain", Key="kms", Body=b"x", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket="plain", Key="kms")["ServerSideEncryption"] == "aws:kms"


def test_a_detail_must_be_an_object(server: Process) -> None:
    details = ["{}", '"text"', "[1]", "{", json.dumps({"a": 1})]
    entries = [{"Source": "s", "DetailType": "t", "Detail": detail} for detail in details]
    told = server.client("events").put_events(Entries=entries)
    assert [entry.get("ErrorCode") for entry in told["Entries"]] == [None, *["MalformedDetail"] * 3, None]
    assert told["Entries"][1]["ErrorMessage"] == "Detail is malformed."
    assert told["FailedEntryCount"] == 3


def test_an_unknown_topic_is_a_topic_that_does_not_exist(server: Process) -> None:
    with pytest.raises(ClientError, match="Topic does not exist"):
        server.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:123456789012:none", Message="m")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"Message": "m"}, "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"),
        ({"Message": "", "TopicArn": "arn:aws:sns:us-east-1:123456789012:t"}, "Invalid parameter: Empty message"),
    ],
)
def test_a_notification_needs_somewhere_to_go_and_something_to_say(
    server: Process, told: dict[str, str], words: str
) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("sns").publish(**told)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameter", words)


def test_capacity_is_told_only_when_asked_for(server: Process) -> None:
    table, key = server.client("dynamodb"), {"id": {"S": "k"}}
    table.create_table(
        TableName="asked",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    write = {"asked": [{"PutRequest": {"Item": key}}]}
    assert "ConsumedCapacity" not in table.batch_write_item(RequestItems=write)
    assert "ConsumedCapacity" not in table.batch_get_item(RequestItems={"asked": {"Keys": [key]}})
    assert "ConsumedCapacity" not in table.transact_write_items(
        TransactItems=[{"Put": {"TableName": "asked", "Item": key}}]
    )
    told = table.batch_get_item(RequestItems={"asked": {"Keys": [key]}}, ReturnConsumedCapacity="TOTAL")
    assert told["ConsumedCapacity"][0]["TableName"] == "asked"


def test_a_fifo_topic_numbers_its_messages_and_tells_none_twice(server: Process) -> None:
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})
    queue = sqs.create_queue(QueueName="t.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    arn = sqs.get_queue_attributes(QueueUrl=queue["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)

    first, again = (sns.publish(TopicArn=topic["TopicArn"], Message="m", MessageGroupId="g") for _ in range(2))
    batch = sns.publish_batch(
        TopicArn=topic["TopicArn"], PublishBatchRequestEntries=[{"Id": "1", "Message": "n", "MessageGroupId": "g"}]
    )

    assert first["SequenceNumber"] == again["SequenceNumber"] == "10000000000000000000"
    assert first["MessageId"] == again["MessageId"]
    assert batch["Successful"][0]["SequenceNumber"] == "10000000000000000001"
    received = sqs.receive_message(QueueUrl=queue["QueueUrl"], MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in received] == ["m", "n"]
    with pytest.raises(ClientError, match="The MessageGroupId parameter is required for FIFO topics"):
        sns.publish(TopicArn=topic["TopicArn"], Message="m")


def test_a_notification_is_signed_with_version_one_unless_its_topic_asks_for_two(server: Process) -> None:
    sns, sqs = server.client("sns"), server.client("sqs")
    topic, queue = sns.create_topic(Name="signed")["TopicArn"], sqs.create_queue(QueueName="signed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    versions = []
    for version in ("1", "2"):
        sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
        sns.publish(TopicArn=topic, Message="m", Subject="s")
        told = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
        versions.append(told["SignatureVersion"])
        assert told["UnsubscribeURL"].endswith(f"SubscriptionArn={subscribed}")
        assert len(told["Signature"]) == 344
    assert versions == ["1", "2"]


def test_a_secrets_name_has_no_blank(server: Process) -> None:
    with pytest.raises(ClientError, match="Must be a valid name containing alphanumeric characters"):
        server.client("secretsmanager").create_secret(Name="with blank", SecretString="s")


def test_a_checksum_tells_its_type(server: Process) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="summed")
    told = s3.put_object(Bucket="summed", Key="k", Body=b"x", ChecksumAlgorithm="SHA256")
    assert (told["ChecksumType"], "ChecksumSHA256" in told) == ("FULL_OBJECT", True)
    assert s3.get_object(Bucket="summed", Key="k", ChecksumMode="ENABLED")["ChecksumType"] == "FULL_OBJECT"


def test_a_notification_of_an_object_tells_its_version_and_order_and_keeps_the_slashes_of_its_key(
    server: Process,
) -> None:
    s3, sqs = server.client("s3"), server.client("sqs")
    queue = sqs.create_queue(QueueName="objects")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket="noticed")
    s3.put_bucket_versioning(Bucket="noticed", VersioningConfiguration={"Status": "Enabled"})
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="noticed", NotificationConfiguration=told)
    versions = [s3.put_object(Bucket="noticed", Key="in/year=2026/a b.txt", Body=b"x")["VersionId"] for _ in range(2)]
    messages = [row for _ in range(3) for row in sqs.receive_message(QueueUrl=queue).get("Messages", [])]
    records = [row for message in messages for row in json.loads(message["Body"]).get("Records", [])]
    objects = sorted((row["s3"]["object"] for row in records), key=lambda row: row["sequencer"])
    assert [row["versionId"] for row in objects] == versions
    assert {row["key"] for row in objects} == {"in/year%3D2026/a+b.txt"}
    assert {row["userIdentity"]["principalId"] for row in records} == {"AWS:123456789012"}


def test_a_transaction_that_fails_takes_all_its_writes_back(server: Process) -> None:
    client = server.client("dynamodb")
    for table, keys in (("flat", ["id"]), ("ranged", ["id", "n"])):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    old, other = {"id": {"S": "old"}, "v": {"N": "1"}}, {"id": {"S": "a"}, "n": {"S": "1"}}
    client.put_item(TableName="flat", Item=old)
    client.put_item(TableName="ranged", Item=other)
    writes = [
        {"Put": {"TableName": "flat", "Item": {"id": {"S": "new"}}}},
        {
            "Update": {
                "TableName": "flat",
                "Key": {"id": {"S": "old"}},
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": {"N": "2"}},
            }
        },
        {"Delete": {"TableName": "ranged", "Key": other}},
        {"Put": {"TableName": "ranged", "Item": {"id": {"S": "b"}, "n": {"S": "1"}}}},
    ]
    refused = {"TableName": "flat", "Key": {"id": {"S": "none"}}, "ConditionExpression": "attribute_exists(id)"}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(TransactItems=[*writes, {"ConditionCheck": refused}])
    assert [client.scan(TableName=table)["Items"] for table in ("flat", "ranged")] == [[old], [other]]
    client.transact_write_items(TransactItems=writes)
    assert client.get_item(TableName="flat", Key={"id": {"S": "old"}})["Item"]["v"] == {"N": "2"}
    assert client.scan(TableName="ranged")["Items"] == [{"id": {"S": "b"}, "n": {"S": "1"}}]


@pytest.mark.parametrize(
    ("wildcard", "text", "taken"),
    [
        ("*", "", True),
        ("a*c", "abc", True),
        ("a*c", "ab", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "aXbXc", True),
        ("*/*.png", "x/y.png", True),
        (r"a\*c", "a*c", True),
        (r"a\*c", "abc", False),
        (r"a\\*", "a\\bc", True),
        ("a*b", "a\nb", True),
        ("*a*a*a*a*.png", "a" * 200_000, False),
    ],
)
def test_a_wildcard_is_matched_in_linear_time(wildcard: str, text: str, taken: bool) -> None:
    assert matches(text, wildcard) is taken


def test_a_transaction_with_a_token_is_made_once(server: Process) -> None:
    """API_TransactWriteItems: for ten minutes the same request succeeds again and writes nothing."""
    dynamodb = server.client("dynamodb")
    key = {"AttributeName": "Id", "KeyType": "HASH"}
    attribute = {"AttributeName": "Id", "AttributeType": "S"}
    dynamodb.create_table(
        TableName="once", KeySchema=[key], AttributeDefinitions=[attribute], BillingMode="PAY_PER_REQUEST"
    )
    write = {
        "Put": {"TableName": "once", "Item": {"Id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(Id)"}
    }
    dynamodb.transact_write_items(TransactItems=[write], ClientRequestToken="t-1")
    dynamodb.delete_item(TableName="once", Key={"Id": {"S": "a"}})
    dynamodb.transact_write_items(TransactItems=[write], ClientRequestToken="t-1")
    assert dynamodb.scan(TableName="once")["Count"] == 0
    other = {"Put": {"TableName": "once", "Item": {"Id": {"S": "b"}}}}
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[other], ClientRequestToken="t-1")
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    dynamodb.transact_write_items(TransactItems=[write], ClientRequestToken="t-2")
    with pytest.raises(ClientError):  # one that was not made is not remembered
        dynamodb.transact_write_items(TransactItems=[write], ClientRequestToken="t-3")
    dynamodb.delete_item(TableName="once", Key={"Id": {"S": "a"}})
    dynamodb.transact_write_items(TransactItems=[write], ClientRequestToken="t-3")
    assert dynamodb.scan(TableName="once")["Count"] == 1


def test_the_same_words_mean_what_their_names_and_values_say_each_time(server: Process) -> None:
    """Expressions are kept by their text: no part of an earlier write may be left in a later one."""
    table = server.client("dynamodb")
    table.create_table(
        TableName="words",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def set_if(key: str, name: str, value: dict[str, object], before: dict[str, object]) -> bool:
        try:
            table.update_item(
                TableName="words",
                Key={"id": {"S": key}},
                UpdateExpression="SET #n = :new ADD times :one",
                ConditionExpression="attribute_not_exists(#n) OR #n = :old",
                ExpressionAttributeNames={"#n": name},
                ExpressionAttributeValues={":new": value, ":old": before, ":one": {"N": "1"}},
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
            return False
        return True

    wrote = [
        set_if("a", "colour", {"S": "red"}, {"S": "none"}),
        set_if("b", "colour", {"B": b"\x00"}, {"S": "none"}),
        set_if("a", "colour", {"S": "blue"}, {"S": "green"}),
        set_if("a", "colour", {"S": "blue"}, {"S": "red"}),
        set_if("b", "colour", {"B": b"\x01"}, {"B": b"\x00"}),
        set_if("a", "size", {"N": "1"}, {"S": "red"}),
    ]

    assert wrote == [True, True, False, True, True, True]
    rows = {row["id"]["S"]: row for row in table.scan(TableName="words")["Items"]}
    assert rows["a"] == {"id": {"S": "a"}, "colour": {"S": "blue"}, "size": {"N": "1"}, "times": {"N": "3"}}
    assert rows["b"] == {"id": {"S": "b"}, "colour": {"B": b"\x01"}, "times": {"N": "2"}}


def test_a_remembered_expression_is_refused_where_a_value_is_missing(server: Process) -> None:
    """An expression is checked for every request, because its text alone does not decide whether it is valid."""
    table, words = server.client("dynamodb"), "id = :mine"
    table.create_table(
        TableName="sound",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"TableName": "sound", "Item": {"id": {"S": "k"}}}
    table.put_item(**item)
    table.put_item(**item, ConditionExpression=words, ExpressionAttributeValues={":mine": {"S": "k"}})
    with pytest.raises(ClientError):
        table.put_item(**item, ConditionExpression=words, ExpressionAttributeValues={":other": {"S": "k"}})


@pytest.fixture(scope="module")
def numbers(server: Process) -> Any:
    table = server.client("dynamodb")
    key = {"AttributeName": "Id", "KeyType": "HASH"}
    attribute = {"AttributeName": "Id", "AttributeType": "S"}
    table.create_table(
        TableName="numbers", KeySchema=[key], AttributeDefinitions=[attribute], BillingMode="PAY_PER_REQUEST"
    )
    return table


_NO_NUMBER = "The parameter cannot be converted to a numeric value: "


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"N": "0x1"}, _NO_NUMBER + "0x1"),
        ({"N": "NaN"}, _NO_NUMBER + "NaN"),
        ({"N": "1_0"}, _NO_NUMBER + "1_0"),
        ({"N": "1e99999999"}, "Number overflow. Attempting to store a number with magnitude larger"),
        ({"N": "1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller"),
        ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
        ({"NS": ["1", "1.0"]}, "Input collection [1, 1] contains duplicates."),
        ({"M": {"a": {"L": [{"N": "x"}]}}}, _NO_NUMBER + "x"),
        ({"M": {"a": {}}}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ],
    ids=str,
)
def test_an_invalid_value_is_refused_wherever_it_is_written(numbers: Any, value: dict[str, Any], told: str) -> None:
    """HowItWorks.NamingRulesDataTypes. A text among numbers would fail whoever scans the table next."""
    row, given = {"Id": {"S": "a"}}, {":v": value}
    put = {"Put": {"TableName": "numbers", "Item": {**row, "v": value}}}
    for write in (
        lambda: numbers.put_item(TableName="numbers", Item={**row, "v": value}),
        lambda: numbers.update_item(
            TableName="numbers", Key=row, UpdateExpression="SET v = :v", ExpressionAttributeValues=given
        ),
        lambda: numbers.batch_write_item(RequestItems={"numbers": [{"PutRequest": {"Item": {**row, "v": value}}}]}),
        lambda: numbers.transact_write_items(TransactItems=[put]),
    ):
        with pytest.raises(ClientError) as refused:
            write()
        error = refused.value.response["Error"]
        assert error["Code"] == "ValidationException"
        assert told in error["Message"]
    assert numbers.scan(TableName="numbers")["Count"] == 0


@pytest.mark.parametrize(
    ("text", "stored"), [("1e3", "1001"), ("+1", "2"), ("1.50", "2.5"), (".5", "1.5"), ("-0", "1")]
)
def test_a_number_is_added_however_it_is_written(numbers: Any, text: str, stored: str) -> None:
    key = {"Id": {"S": "sum"}}
    numbers.put_item(TableName="numbers", Item={**key, "n": {"N": "1"}})
    numbers.update_item(
        TableName="numbers", Key=key, UpdateExpression="ADD n :v", ExpressionAttributeValues={":v": {"N": text}}
    )
    assert numbers.get_item(TableName="numbers", Key=key)["Item"]["n"] == {"N": stored}
    numbers.delete_item(TableName="numbers", Key=key)


@pytest.mark.parametrize(
    ("operation", "asked", "told"),
    [
        ("UpdateItem", {"UpdateExpression": "SET #x = :v"}, "Invalid UpdateExpression: {}: #x"),
        ("PutItem", {"ConditionExpression": "#x = :v"}, "Invalid ConditionExpression: {}: #x"),
        ("Scan", {"FilterExpression": "#x = :v"}, "Invalid FilterExpression: {}: #x"),
    ],
)
def test_a_name_that_was_not_given_is_the_callers_fault(
    numbers: Any, operation: str, asked: dict[str, Any], told: str
) -> None:
    key = {"Id": {"S": "a"}}
    row = {"PutItem": {"Item": key}, "UpdateItem": {"Key": key}}.get(operation, {})
    with pytest.raises(ClientError) as refused:
        numbers._make_api_call(
            operation, {"TableName": "numbers", **row, **asked, "ExpressionAttributeValues": {":v": {"N": "1"}}}
        )
    name = "An expression attribute name used in the document path is not defined; attribute name"
    assert refused.value.response["Error"]["Message"] == told.format(name)
