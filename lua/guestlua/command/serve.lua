-- A page over HTTP, for who asks for metrics: nothing but GET of one path, and one request a connection.

local core = require("guestlua.core")

local LONGEST, PATIENCE, AT_A_TIME = 8192, 10000, 32 -- bytes of a request, ms for it, connections

local function response(status, kind, body)
  return ("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(status, kind, #body, body)
end

local REFUSALS = { [400] = "400 Bad Request", [404] = "404 Not Found", [405] = "405 Method Not Allowed", [500] = "500 Internal Server Error" }

local function refusal(code)
  return response(REFUSALS[code], "text/plain", REFUSALS[code] .. "\n")
end

-- What is answered: page() gives the body of the path.
local function answer(request, path, kind, page)
  local method, wanted = request:match("^(%u+) (%S+) HTTP/1%.%d\r\n")
  if not method then
    return refusal(400)
  elseif method ~= "GET" then
    return refusal(405)
  elseif wanted:match("^[^?]*") ~= path then
    return refusal(404)
  end
  local ok, body = pcall(page)
  return ok and response("200 OK", kind, body) or refusal(500)
end

local function attend(uv, client, reply)
  local request, timer, over = "", uv.new_timer(), false
  local function done()
    if not over then
      over = true
      timer:close()
      client:close()
      return true
    end
  end
  timer:start(PATIENCE, 0, done)
  client:read_start(function(err, data)
    request = request .. (data or "")
    if over then
      return
    elseif err or not data or #request > LONGEST then
      done()
    elseif request:find("\r\n\r\n", 1, true) then
      client:read_stop()
      timer:stop()
      core.spawn(function()
        local text = reply(request)
        if not over then
          timer:start(PATIENCE, 0, done)
          client:write(text, done)
        end
      end)
    end
  end)
  return done
end

-- Serves until it is told to stop. options: address, port (0: any), path, kind, page; ready(port) is called when it listens.
return function(options)
  local found, uv = pcall(require, "luv")
  if not found then
    error(core.Error.new({ kind = "missing_module", op = "metrics", message = "HTTP needs the Lua module luv",
      hint = "install it: Debian has it as lua-luv" }), 0)
  end
  local server, clients = uv.new_tcp(), {}
  local function count()
    local n = 0
    for client in pairs(clients) do
      n = n + 1
      if client:is_closing() then
        clients[client] = nil
      end
    end
    return n
  end
  local guard <close> = setmetatable({}, { -- luacheck: ignore guard
    __close = function()
      for _, done in pairs(clients) do
        done()
      end
      server:close()
    end,
  })
  local ok, problem = server:bind(options.address, options.port)
  if ok then
    ok, problem = server:listen(AT_A_TIME, function()
      local client = uv.new_tcp()
      server:accept(client)
      if count() >= AT_A_TIME then
        client:close()
        return
      end
      clients[client] = attend(uv, client, function(request)
        return answer(request, options.path, options.kind, options.page)
      end)
    end)
  end
  if not ok then
    error(core.Error.new({ kind = "system_error", op = "metrics",
      message = ("cannot listen on %s port %d: %s"):format(options.address, options.port, problem) }), 0)
  end
  options.ready(server:getsockname().port)
  core.signal():wait()
end
