"""The services next door over a socket, as any boto3 client sees them with nothing but an endpoint URL."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, running
from tests.waiting import until

TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


def test_dynamodb_keeps_rows_and_its_conditions(server: Process) -> None:
    table = server.client("dynamodb")
    table.create_table(TableName="Conditions", **TABLE)
    table.put_item(TableName="Conditions", Item={"k": {"S": "1"}})
    assert table.get_item(TableName="Conditions", Key={"k": {"S": "1"}})["Item"] == {"k": {"S": "1"}}
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        table.put_item(TableName="Conditions", Item={"k": {"S": "1"}}, ConditionExpression="attribute_not_exists(k)")


def test_a_regions_tables_are_its_own(server: Process) -> None:
    server.client("dynamodb", "eu-west-1").create_table(TableName="Irish", **TABLE)
    assert "Irish" in server.client("dynamodb", "eu-west-1").list_tables()["TableNames"]
    assert "Irish" not in server.client("dynamodb", "us-west-2").list_tables()["TableNames"]


def test_conditional_writes_of_many_clients_are_one_after_another(server: Process) -> None:
    table = server.client("dynamodb")
    table.create_table(TableName="Counter", **TABLE)
    table.put_item(TableName="Counter", Item={"k": {"S": "n"}, "n": {"N": "0"}})

    def add(_: int) -> None:
        table.update_item(
            TableName="Counter",
            Key={"k": {"S": "n"}},
            UpdateExpression="SET n = n + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    assert table.get_item(TableName="Counter", Key={"k": {"S": "n"}})["Item"]["n"] == {"N": "80"}


def test_everything_belongs_to_one_account(server: Process) -> None:
    assert server.client("sts").get_caller_identity()["Account"] == "123456789012"
    role = server.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")["Role"]
    assert role["Arn"] == "arn:aws:iam::123456789012:role/worker"
    server.client("iam").attach_role_policy(
        RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    )


def test_a_topic_delivers_to_its_queue(server: Process) -> None:
    queues, topics = server.client("sqs"), server.client("sns")
    url = queues.create_queue(QueueName="inbox")["QueueUrl"]
    assert url.startswith(server.url)
    topic = topics.create_topic(Name="news")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
    topics.publish(TopicArn=topic, Message="hello")
    assert '"hello"' in queues.receive_message(QueueUrl=url)["Messages"][0]["Body"]


def test_a_rule_delivers_to_queue_and_log_group(server: Process) -> None:
    events, queues, logs = server.client("events"), server.client("sqs"), server.client("logs")
    url = queues.create_queue(QueueName="orders")["QueueUrl"]
    logs.create_log_group(logGroupName="/orders")
    events.put_rule(Name="orders", EventPattern='{"source": ["shop"]}')
    arns = ("arn:aws:sqs:us-east-1:123456789012:orders", "arn:aws:logs:us-east-1:123456789012:log-group:/orders")
    events.put_targets(Rule="orders", Targets=[{"Id": str(n), "Arn": arn} for n, arn in enumerate(arns)])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "placed", "Detail": '{"n": 7}'}])
    told = until(lambda: queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(told[0]["Body"])["detail"] == {"n": 7}
    assert "shop" in until(lambda: logs.filter_log_events(logGroupName="/orders")["events"])[0]["message"]


def test_a_long_poll_keeps_nobody_out_and_wakes_when_a_message_comes(server: Process) -> None:
    queues = server.client("sqs")
    url = queues.create_queue(QueueName="slow")["QueueUrl"]

    def woken() -> bool:
        with ThreadPoolExecutor(1) as pool:
            polled = pool.submit(queues.receive_message, QueueUrl=url, WaitTimeSeconds=20)
            server.client("sts").get_caller_identity()
            asked_while_it_waits, began = not polled.done(), time.perf_counter()
            server.client("sqs").send_message(QueueUrl=url, MessageBody="at last")
            message = polled.result()["Messages"][0]
        assert message["Body"] == "at last"
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return asked_while_it_waits and time.perf_counter() - began < 10

    assert any(woken() for _ in range(3)), "each waited for as long as it may"


def test_s3_keeps_any_key(server: Process) -> None:
    objects, key = server.client("s3"), "a folder/ü %2F+&=.txt"
    objects.create_bucket(Bucket="any-key")
    objects.put_object(Bucket="any-key", Key=key, Body=b"content")
    assert objects.get_object(Bucket="any-key", Key=key)["Body"].read() == b"content"
    assert [row["Key"] for row in objects.list_objects_v2(Bucket="any-key")["Contents"]] == [key]
    assert objects.head_object(Bucket="any-key", Key=key)["ContentLength"] == 7


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("secretsmanager", "list_secrets"),
        ("ssm", "describe_parameters"),
        ("kms", "list_keys"),
        ("ecs", "list_clusters"),
        ("batch", "describe_job_queues"),
        ("glue", "get_databases"),
        ("ec2", "describe_vpcs"),
        ("cloudwatch", "list_metrics"),
        ("athena", "list_work_groups"),
        ("codebuild", "list_projects"),
        ("emr", "list_clusters"),
        ("sagemaker", "list_models"),
        ("scheduler", "list_schedules"),
        ("dynamodbstreams", "list_streams"),
    ],
)
def test_whatever_moto_answers_is_answered(server: Process, service: str, operation: str) -> None:
    assert getattr(server.client(service), operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_unsupported_service_is_refused_by_name(server: Process) -> None:
    with pytest.raises(ClientError, match=r"UnknownService.*gamelift"):
        server.client("gamelift").list_fleets()
