// The saga as CDK has it. The definition and the handlers are those that `python cli.py deploy` takes.
const fs = require("fs");
const path = require("path");
const cdk = require("aws-cdk-lib");
const {
  aws_apigateway: apigateway,
  aws_dynamodb: dynamodb,
  aws_iam: iam,
  aws_lambda: lambda,
  aws_logs: logs,
  aws_sns: sns,
  aws_stepfunctions: sfn,
} = cdk;

const ROOT = path.join(__dirname, "..", "..");
const MACHINE = "DistributedTransactionOrchestrator";
const KEYS = {
  Inventory: ["ItemId"],
  Orders: ["OrderId"],
  Payments: ["OrderId"],
  Reservations: ["OrderId"],
  Repairs: ["OrderId", "Step"],
};
const STEPS = {
  PlaceOrderLambda: ["handlers.orders.place", ["Orders"]],
  RemoveOrderLambda: ["handlers.orders.remove", ["Orders"]],
  UpdateInventoryLambda: ["handlers.inventory.update", ["Orders", "Inventory", "Reservations"]],
  RevertInventoryLambda: ["handlers.inventory.revert", ["Orders", "Inventory", "Reservations"]],
  MakePaymentLambda: ["handlers.payments.make", ["Orders", "Reservations", "Payments"]],
  RevertPaymentLambda: ["handlers.payments.revert", ["Orders", "Payments"]],
  SendNotificationLambda: ["handlers.notifications.send", []],
};
// What an order may name to fail at.
const STAGES = "None,PlaceOrder,RemoveOrder,UpdateInventory,RevertInventory,MakePayment,RevertPayment,SendNotification";
const STOCK = [
  { ItemId: { S: "ITEM001" }, ItemName: { S: "Soap" }, ItemsInStock: { N: "1000" }, ItemStatus: { S: "" } },
  { ItemId: { S: "ITEM002" }, ItemName: { S: "Shampoo" }, ItemsInStock: { N: "500" }, ItemStatus: { S: "" } },
  { ItemId: { S: "ITEM003" }, ItemName: { S: "Toothpaste" }, ItemsInStock: { N: "2000" }, ItemStatus: { S: "" } },
];

class Saga extends cdk.Stack {
  constructor(scope, id) {
    super(scope, id);
    const tables = this.tables();
    const topic = new sns.Topic(this, "Notifications", { topicName: "OrderNotifications" });
    const steps = this.steps(tables, topic);
    const alias = this.machine(steps, tables);
    this.seed(tables.Inventory);
    this.api(alias, tables.Inventory);
    new cdk.CfnOutput(this, "SagaArn", { value: alias.stateMachineAliasArn });
  }

  tables() {
    const attribute = (name) => name && { name, type: dynamodb.AttributeType.STRING };
    const made = ([tableName, [hash, range]]) =>
      new dynamodb.Table(this, tableName, {
        tableName,
        partitionKey: attribute(hash),
        sortKey: attribute(range),
        billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
        removalPolicy: cdk.RemovalPolicy.DESTROY,
      });
    return Object.fromEntries(Object.entries(KEYS).map((row) => [row[0], made(row)]));
  }

  fn(functionName, handler, more = {}) {
    const exclude = ["*", "!handlers", "!handlers/*.py", "!statemachine", "!statemachine/order.schema.json"];
    return new lambda.Function(this, functionName, {
      functionName,
      handler,
      runtime: lambda.Runtime.PYTHON_3_12,
      memorySize: 256,
      timeout: cdk.Duration.seconds(10), // less than any TimeoutSeconds of the definition
      code: lambda.Code.fromAsset(ROOT, { exclude }),
      ...more,
    });
  }

  steps(tables, topic) {
    const made = ([name, [handler, used]]) => {
      const fn = this.fn(name, handler, { environment: used.length ? {} : { TOPIC_ARN: topic.topicArn } });
      used.forEach((table) => tables[table].grantReadWriteData(fn));
      if (!used.length) topic.grantPublish(fn);
      return [name, fn];
    };
    return Object.fromEntries(Object.entries(STEPS).map(made));
  }

  machine(steps, tables) {
    const text = fs.readFileSync(path.join(ROOT, "statemachine", "definition.asl.json"), "utf8");
    const log = new logs.LogGroup(this, "MachineLog", {
      logGroupName: `/aws/vendedlogs/states/${MACHINE}`,
      retention: logs.RetentionDays.TWO_WEEKS,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const machine = new sfn.StateMachine(this, "Machine", {
      stateMachineName: MACHINE,
      definitionBody: sfn.DefinitionBody.fromString(text.replace('"${WaitSeconds}"', "30")),
      definitionSubstitutions: Object.fromEntries(
        Object.entries(steps).map(([name, fn]) => [`${name}Arn`, fn.functionArn]),
      ),
      logs: { destination: log, level: sfn.LogLevel.ALL, includeExecutionData: true },
    });
    Object.values(steps).forEach((fn) => fn.grantInvoke(machine));
    tables.Repairs.grantWriteData(machine);
    const version = new sfn.CfnStateMachineVersion(this, "Version", {
      stateMachineArn: machine.stateMachineArn,
      stateMachineRevisionId: machine.stateMachineRevisionId,
    });
    const alias = new sfn.CfnStateMachineAlias(this, "Live", {
      name: "live",
      deploymentPreference: { stateMachineVersionArn: version.attrArn, type: "ALL_AT_ONCE" },
    });
    return { stateMachineArn: machine.stateMachineArn, stateMachineAliasArn: alias.attrArn };
  }

  seed(table) {
    const seed = new lambda.Function(this, "Seed", {
      handler: "seed.handler",
      runtime: lambda.Runtime.PYTHON_3_12,
      code: lambda.Code.fromAsset(path.join(__dirname, "..", "sam", "seed")),
    });
    table.grantWriteData(seed);
    new cdk.CustomResource(this, "Stock", {
      serviceToken: seed.functionArn,
      resourceType: "Custom::Rows",
      properties: { Table: table.tableName, Key: "ItemId", Rows: STOCK },
    });
  }

  api(alias, inventory) {
    const orchestrator = this.fn("InvokeOrchestratorLambda", "handlers.orchestrator.handler", {
      environment: { STATE_MACHINE_ARN: alias.stateMachineAliasArn, STAGES },
    });
    inventory.grantReadData(orchestrator);
    const starting = ["states:StartExecution", "states:DescribeExecution"];
    orchestrator.addToRolePolicy(new iam.PolicyStatement({ actions: starting, resources: ["*"] }));
    const api = new apigateway.RestApi(this, "Api", { restApiName: `${MACHINE}Api` });
    api.root.addMethod("POST", new apigateway.LambdaIntegration(orchestrator));
    new cdk.CfnOutput(this, "ApiId", { value: api.restApiId });
  }
}

new Saga(new cdk.App(), "Saga");
