-- A page over HTTP, for programs that ask for metrics: nothing but GET and HEAD of one path, and one request a connection.

local core = require("guestlua.core")
local stops = require("guestlua.base.stops")
local task = require("guestlua.task.group")

local serve = {}

local LONGEST = 8192 -- bytes of a request's head
local PATIENCE, LINGER = 10000, 2000 -- ms that a request may take to come, and its answer to be fetched; until the other side closes after it
local AT_A_TIME, REFUSED = 32, 32 -- connections that are served; more of them that are refused in words

local function system_error(message, ...)
  error(core.Error.new({ kind = "system_error", op = "metrics", message = message:format(...) }), 0)
end

-- ---- where it listens ----

-- The address, or name, and the port in ADDRESS:PORT or [ADDRESS]:PORT; or nil and what is wrong with it.
function serve.address(text)
  local address, port = text:match("^%[([%x:.]+%%?[%w.-]*)%]:(%d+)$")
  if not address or not address:find(":", 1, true) then
    address, port = text:match("^([^%s%c:%[%]]+):(%d+)$")
  end
  if address and #port <= 5 and tonumber(port) <= 65535 then
    return address, math.tointeger(tonumber(port))
  elseif address then
    return nil, "there are ports up to 65535"
  elseif text:find("^:%d+$") then
    return nil, "127.0.0.1" .. text .. " serves this machine, and 0.0.0.0" .. text .. " or [::]" .. text .. " all that can reach it"
  elseif text:find(":.*:") then
    return nil, "an IPv6 address is in brackets, as in [::1]:9177"
  end
  return nil, "as in 127.0.0.1:9177"
end

-- The addresses that a name has.
local function addresses_of(uv, name)
  local done, problem, list = core.signal(), nil, nil
  local request, why = uv.getaddrinfo(name, nil, { socktype = "stream" }, function(e, found)
    problem, list = e, found or {}
    done:wake()
  end)
  local undo <close> = setmetatable({}, { __close = function() -- luacheck: ignore undo
    if request and not list then
      uv.cancel(request)
    end
  end })
  if not request then
    problem, list = why, {}
  end
  while not list do
    done:wait()
  end
  if #list == 0 then
    system_error("cannot listen on %s: no address of it is known (%s)", name, problem)
  end
  return list
end

-- Listens on the first of its addresses that this machine has.
local function listen(uv, options, on_connection)
  local problem
  for _, one in ipairs(options.address:find("%", 1, true) and { { addr = options.address } } or addresses_of(uv, options.address)) do
    local server = uv.new_tcp()
    local ran, ok, why = pcall(server.bind, server, one.addr, options.port) -- of an address with a zone that is not there it raises
    if ran and ok then
      ok, why = server:listen(AT_A_TIME + REFUSED, function(e)
        on_connection(server, e)
      end)
      if ok then
        return server, one.addr
      end
    end
    problem = ("cannot listen on %s port %d: %s"):format(one.addr, options.port, ran and why or ok)
    server:close()
  end
  system_error("%s", problem)
end

-- ---- requests and answers ----

local REASONS = { [200] = "OK", [400] = "Bad Request", [404] = "Not Found", [405] = "Method Not Allowed", [408] = "Request Timeout",
  [431] = "Request Header Fields Too Large", [500] = "Internal Server Error", [503] = "Service Unavailable" }

local MORE = { [405] = "Allow: GET, HEAD\r\n", [503] = "Retry-After: 1\r\n" }

local function response(code, kind, body, method)
  return ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s"):format(code, REASONS[code], kind, #body,
    MORE[code] or "", method == "HEAD" and "" or body)
end

local function refusal(code, method)
  return response(code, "text/plain", REASONS[code] .. "\n", method)
end

-- Seconds until Prometheus waits no longer; nil: it does not say.
local function patience(request)
  local seconds = tonumber(request:lower():match("\nx%-prometheus%-scrape%-timeout%-seconds:%s*([%d.]+)%s*\r\n"))
  return seconds and seconds > 0 and seconds or nil
end

-- What is answered.
local function answer(request, options)
  local method, target = request:match("^(%u+) (%S+) HTTP/1%.%d\r\n")
  if not method then
    return refusal(400)
  elseif method ~= "GET" and method ~= "HEAD" then
    return refusal(405)
  elseif target:gsub("^[hH][tT][tT][pP][sS]?://[^/?#]*", ""):match("^[^?]*") ~= options.path then
    return refusal(404, method)
  end
  local ok, body = pcall(options.page, patience(request))
  if ok then
    return response(200, options.kind, body, method)
  elseif stops(body) then
    error(body, 0)
  end
  if core.Error.is(body, "timeout") then -- the asker did not give it the time
    return refusal(503, method)
  end
  options.failed(body)
  return refusal(500, method)
end

-- ---- a connection ----

local Connection = {}
Connection.__index = Connection

function Connection:close()
  if not self.closed then
    self.closed = true
    self.timer:close()
    self.socket:close()
    self:answered()
    self.server.connections[self] = nil
    self.server.count = self.server.count - 1
  end
end

-- It is one of those that are served no more.
function Connection:answered()
  self.server.served = self.server.served - (self.served and 1 or 0)
  self.served = nil
end

function Connection:limit(ms, fn)
  self.timer:start(ms, 0, function()
    (fn or self.close)(self)
  end)
end

-- Sends it, and reads on until the other side closes: of a socket that is closed with something unread its system throws the answer away.
function Connection:send(text)
  if self.closed then
    return
  end
  self:answered()
  self.socket:read_stop()
  self:limit(PATIENCE)
  self.socket:write(text, function(e)
    if e then
      return self:close()
    elseif not self.closed then
      self.socket:shutdown()
      self:limit(LINGER)
      self.socket:read_start(function(problem, data)
        if problem or not data then
          self:close()
        end
      end)
    end
  end)
end

-- Reads a request and answers it, in a task.
function Connection:attend()
  local request = ""
  self.served, self.server.served = true, self.server.served + 1
  self:limit(PATIENCE, function()
    self:send(refusal(408))
  end)
  self.socket:read_start(function(e, data)
    if e or not data then
      return self:close()
    end
    request = request .. data
    local _, head = request:find("\r\n\r\n", 1, true)
    if (head or #request) > LONGEST then
      self:send(refusal(431))
    elseif head then
      self.socket:read_stop()
      self.timer:stop()
      self.server.group:spawn(function()
        self:send(answer(request:sub(1, head), self.server.options))
      end)
    end
  end)
end

local function on_connection(self, uv, server, problem)
  local socket = not problem and uv.new_tcp()
  if not socket then
    return
  elseif not server:accept(socket) or self.count >= AT_A_TIME + REFUSED then
    socket:close()
    return
  end
  local connection = setmetatable({ server = self, socket = socket, timer = uv.new_timer() }, Connection)
  self.connections[connection] = true
  self.count = self.count + 1
  if self.served >= AT_A_TIME then
    connection:send(refusal(503))
  else
    connection:attend()
  end
end

-- Serves until it has to stop. options: address, port (0: any), path, kind; page(seconds) gives the body, with seconds that the other side waits,
-- if it says so; failed(e) is called if that raises; ready(address, port) when it listens.
function serve.run(options)
  local found, uv = pcall(require, "luv")
  if not found then
    error(core.Error.new({ kind = "missing_module", op = "metrics", message = "HTTP needs the Lua module luv",
      hint = "install it: Debian has it as lua-luv" }), 0)
  end
  local self = { options = options, connections = {}, count = 0, served = 0, group = task.group() }
  local group <close> = self.group -- luacheck: ignore group
  local guard <close> = setmetatable({}, { -- luacheck: ignore guard
    __close = function()
      if self.socket then
        self.socket:close()
      end
      for connection in pairs(self.connections) do
        connection:close()
      end
    end,
  })
  local address
  self.socket, address = listen(uv, options, function(...)
    on_connection(self, uv, ...)
  end)
  options.ready(address, self.socket:getsockname().port)
  core.signal():wait()
end

return serve
