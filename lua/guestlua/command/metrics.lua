-- guestlua metrics: what guests use, for Prometheus and who reads the same text.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local ask = require("guestlua.host.fleet.ask")
local hosts = require("guestlua.command.hosts")
local openmetrics = require("guestlua.host.openmetrics")

local MOST = 2000

local SPEC = {
  word = "metrics",
  help = "Prints what guests use as OpenMetrics text, writes it to a file in one step in Prometheus's own text format, or serves it over HTTP.",
  codes = "0; 1, a host did not answer, or the file cannot be written or the address not be used; 2, wrong usage.",
  options = {
    { name = "file", argument = "FILE", help = "write it there, as for node_exporter: /var/lib/…/guestlua.prom" },
    { name = "listen", argument = "ADDRESS:PORT", help = "serve it at /metrics, as on 127.0.0.1:9177" },
    hosts.OPTIONS[1],
    hosts.OPTIONS[2],
    { name = "timeout", argument = "SECONDS", number = true, help = "that each host has for its answer, default: 10, and to connect, default: 30" },
    { name = "most", argument = "COUNT", integer = true, help = "guests at most, as each has some 40 series; default: 2000" },
  },
}

-- The text, and whether all hosts answered.
local function look(fleet, given)
  local stats, missing = fleet:stats({ host_timeout = given.timeout or 10 })
  local down = {}
  for i, one in ipairs(missing) do
    down[i] = one.name
  end
  return openmetrics.text(stats, down, given.most or MOST, given.file ~= nil), missing
end

local function report(missing)
  for _, one in ipairs(missing) do
    arguments.report(SPEC, one.name .. ": ", one.error)
  end
  return #missing == 0 and arguments.DONE or arguments.FAILED
end

-- In one step, and for all to read: another user's program does.
local function write(path, text)
  local ok, e = pcall(core.write_file, path, text, 420) -- 0644
  if not ok then
    error(core.Error.new({ kind = "system_error", op = "metrics", message = "cannot write the metrics: " .. (e.message or tostring(e)) }), 0)
  end
end

local function serve(fleet, given)
  local address, port = given.listen:match("^%[?(.-)%]?:(%d+)$")
  local one_at_a_time = ask.slots(1)
  require("guestlua.command.serve")({
    address = address,
    port = math.tointeger(tonumber(port)),
    path = "/metrics",
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    page = function()
      local turn <close> = ask.take(one_at_a_time) -- luacheck: ignore turn
      if #fleet.problems > 0 then
        fleet:connect()
      end
      return (look(fleet, given))
    end,
    ready = function(on)
      print(("serving http://%s:%d/metrics"):format(address:find(":", 1, true) and "[" .. address .. "]" or address, on))
      io.stdout:flush()
    end,
  })
end

local function run(given)
  local path = given.file
  if given.listen and (path or not given.listen:find("^%[?.-%]?:%d+$") or tonumber(given.listen:match("%d+$")) > 65535) then
    arguments.complain(SPEC, path and "--file and --listen do not go together" or "--listen: ADDRESS:PORT expected, got '%s'", given.listen)
    return arguments.USAGE
  elseif path and (path:find("^/dev/") or path:find("^/proc/") or path:find("/$")) then
    arguments.complain(SPEC, "--file: a plain file expected, got '%s'", path)
    return arguments.USAGE
  end
  local fleet <close> = hosts.open(given)
  if given.listen then
    report(fleet.problems)
    return serve(fleet, given)
  end
  local text, missing = look(fleet, given)
  if path then
    write(path, text)
  else
    io.stdout:write(text)
  end
  return report(missing)
end

return function(_, ...)
  return arguments.main(SPEC, run, ...)
end
