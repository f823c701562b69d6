-- guestlua metrics: what guests use, for Prometheus and others that read the same text.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local hosts = require("guestlua.command.hosts")
local openmetrics = require("guestlua.host.openmetrics")
local server = require("guestlua.command.serve")
local task = require("guestlua.task.group")
local try = require("guestlua.base.try")

local MOST = 2000 -- guests
local ANSWER, MARGIN = 10, 0.5 -- seconds that a host has; that are left when Prometheus is to have its answer

local SPEC = {
  word = "metrics",
  help = "Prints what guests use as OpenMetrics text, writes it to a file in one step in Prometheus's own text format, or serves it over HTTP.",
  codes = "0; 1, a host did not answer, or the file cannot be written or the address not be used; 2, wrong usage.",
  options = {
    { name = "file", argument = "FILE", help = "write it there, as for node_exporter: /var/lib/…/guestlua.prom" },
    { name = "listen", argument = "ADDRESS:PORT", help = "serve it at /metrics, as on 127.0.0.1:9177 or [::1]:9177" },
    hosts.OPTIONS[1],
    hosts.OPTIONS[2],
    { name = "timeout", argument = "SECONDS", number = true, help = "that each host has for its answer, default: 10, and to connect, default: 30" },
    { name = "most", argument = "COUNT", integer = true, help = "guests at most, as each has some 40 series; default: 2000" },
  },
}

-- The text, and which hosts did not answer. left: seconds that there are for it; nil: as many as it takes.
local function look(fleet, given, left)
  local stats, missing = fleet:stats({ host_timeout = math.max(math.min(given.timeout or ANSWER, left or math.huge), 0) })
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
  local ok, e = try(core.write_file, path, text, 420) -- 0644
  if not ok then
    error(core.Error.new({ kind = "system_error", op = "metrics", message = "cannot write the metrics: " .. (e.message or tostring(e)) }), 0)
  end
end

-- Says what is wrong with a host, once until something else is.
local function reporter()
  local said = {}
  return function(fleet)
    local now = {}
    for _, one in ipairs(fleet.problems) do
      now[one.name] = core.Error.is(one.error) and one.error.message or tostring(one.error)
      if said[one.name] ~= now[one.name] then
        arguments.report(SPEC, one.name .. ": ", one.error)
      end
    end
    said = now
  end
end

-- The text for each request. One that comes while an answer is on its way gets the same. It is there before the other side gives up: some time is
-- left for the text and the way. tried(seconds): waits until each host was tried.
local function page_of(fleet, given, tried)
  local coming
  return function(seconds)
    if not coming then
      coming = core.spawn(function()
        local over <close> = setmetatable({}, { __close = function() coming = nil end }) -- luacheck: ignore over
        local left = seconds and math.max(seconds - MARGIN, seconds / 2) or ANSWER
        local deadline = seconds and core.now() + left or math.huge
        tried(left / 2)
        return (look(fleet, given, deadline - core.now()))
      end)
    end
    return coming:wait({ timeout = seconds })
  end
end

local function serve(given)
  local fleet <close> = hosts.open(given, true)
  local group <close> = task.group()
  local tried = hosts.keep_trying(group, fleet, reporter())
  server.run({
    address = given.address,
    port = given.port,
    path = "/metrics",
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    page = page_of(fleet, given, tried),
    failed = function(e)
      arguments.report(SPEC, "", e)
    end,
    ready = function(address, port)
      print(("serving http://%s:%d/metrics"):format(address:find(":", 1, true) and "[" .. address .. "]" or address, port))
      io.stdout:flush()
    end,
  })
end

-- What is wrong with the options; nil: nothing. Splits --listen.
local function problem_of(given)
  if given.listen and given.file then
    return "--file and --listen do not go together"
  elseif given.listen then
    local address, port = server.address(given.listen)
    given.address, given.port = address, port
    return not address and ("--listen: ADDRESS:PORT expected, got '%s'; %s"):format(given.listen, port) or nil
  elseif given.file and (given.file == "" or given.file:find("^/dev/") or given.file:find("^/proc/") or given.file:find("/$")) then
    return ("--file: a plain file expected, got '%s'"):format(given.file)
  end
end

local function run(given)
  local problem = problem_of(given)
  if problem then
    arguments.complain(SPEC, "%s", problem)
    return arguments.USAGE
  elseif given.listen then
    return serve(given)
  end
  local fleet <close> = hosts.open(given)
  local text, missing = look(fleet, given)
  if given.file then
    write(given.file, text)
  else
    io.stdout:write(text)
  end
  return report(missing)
end

return function(_, ...)
  return arguments.main(SPEC, run, ...)
end
