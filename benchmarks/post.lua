-- Posts the file named by the first argument after `--`, with the second as its type, and ends with one line of JSON that
-- load.py reads. It defines no response(): that would cost the load generator a Lua call per reply.

function init(args)
   local file = assert(io.open(args[1], "rb"))
   wrk.method = "POST"
   wrk.headers["Content-Type"] = args[2]
   wrk.body = file:read("*a")
   file:close()
end

function done(summary, latency, requests)
   local errors = summary.errors
   local fields = '{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, ' ..
      '"not_2xx": %d, "timeouts": %d, "socket_errors": %d}\n'
   io.write(string.format(
      fields, summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99),
      errors.status, errors.timeout, errors.connect + errors.read + errors.write))
end
