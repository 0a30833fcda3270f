# Runs a Ruby function by the Lambda Runtime API (2018-06-01), as AWS's runtime does ("Define Lambda function handler in
# Ruby"): `file.method` or `file.Class.method`, called with event: and context:. Standard library only.

require "json"
require "net/http"

$stdout.sync = $stderr.sync = true

ROOT = "/2018-06-01/runtime"
TASK_ROOT = ENV.fetch("LAMBDA_TASK_ROOT")

Context = Struct.new(:aws_request_id, :invoked_function_arn, :deadline_ms, :client_context, :identity) do
  def function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
  def function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
  def memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
  def log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
  def log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
  def get_remaining_time_in_millis = [deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
end

# What went wrong as AWS's runtime tells it; `where` is Init or Function.
def told(error, where)
  trace = (error.backtrace || []).reject { |line| line.start_with?(__FILE__) }
  {
    errorMessage: error.message,
    errorType: "#{where}<#{error.class}>",
    stackTrace: trace.map { |line| line.sub(TASK_ROOT, "/var/task") }
  }
end

def said(failure)
  puts "Error raised from handler method", JSON.generate(failure)
  failure
end

# What `app.handler` or `app.Shop::Orders.place` stands for, as something to call.
def loaded(handler)
  file, *owner, method = handler.split(".")
  raise ArgumentError, "Invalid handler #{handler}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD" unless method

  require File.join(TASK_ROOT, file)
  target = owner.empty? ? self : Object.const_get(owner.join("::"))
  raise NameError, "undefined method `#{method}' in #{file}" unless target.respond_to?(method, true)

  ->(event, context) { target.send(method, event: event, context: context) }
end

def answered(handler, call)
  context = Context.new(
    call["Lambda-Runtime-Aws-Request-Id"],
    call["Lambda-Runtime-Invoked-Function-Arn"],
    call["Lambda-Runtime-Deadline-Ms"].to_i,
    call["Lambda-Runtime-Client-Context"] && JSON.parse(call["Lambda-Runtime-Client-Context"]),
    nil
  )
  ENV["_X_AMZN_TRACE_ID"] = call["Lambda-Runtime-Trace-Id"]
  ["response", JSON.generate(handler.call(JSON.parse(call.body), context))]
rescue NoMemoryError
  raise
rescue StandardError, ScriptError => e
  ["error", JSON.generate(said(told(e, "Function")))]
end

host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
api = Net::HTTP.new(host, port.to_i, nil)
api.read_timeout = nil
api.start

begin
  $LOAD_PATH.unshift(TASK_ROOT)
  handler = loaded(ENV.fetch("_HANDLER"))
rescue StandardError, ScriptError => e
  failure = said(told(e, "Init"))
  api.post("#{ROOT}/init/error", JSON.generate(failure), "Lambda-Runtime-Function-Error-Type" => failure[:errorType])
  exit!(1)
end

loop do
  call = api.get("#{ROOT}/invocation/next")
  what, body = answered(handler, call)
  api.post("#{ROOT}/invocation/#{call["Lambda-Runtime-Aws-Request-Id"]}/#{what}", body)
rescue EOFError, SystemCallError
  exit!(0) # the server is gone
end
