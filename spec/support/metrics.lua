-- guestlua metrics --listen, for specs: a server of its own, and what it answers to bytes over a socket.
--
--   local server <close> = metrics.serve("-c test:///default", "127.0.0.1:0")
--   server.address, server.port            where it listens
--   server:ask(request)                    the code, the body and the whole answer; request as printf's %b has it
--   server:said()                          what it has printed

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local metrics = {}

local Server = {}
Server.__index = Server

-- before: options in front of the word metrics.
function metrics.serve(options, address, before)
  local self = setmetatable({ log = os.tmpname() }, Server)
  local pipe <close> = assert(io.popen(("%s %s metrics %s --listen %s >%s 2>&1 & echo $!"):format(helper.interpreter, before or "", options,
    helper.quoted(address), self.log)))
  self.pid = pipe:read("l")
  helper.await(function()
    self.address, self.port = self:said():match("serving http://(.-):(%d+)/metrics\n")
    return self.port
  end, "it does not listen")
  return self
end

function Server:said()
  local file <close> = assert(io.open(self.log))
  return file:read("a")
end

function Server:ask(request)
  local _, out = helper.run(("bash -c 'exec 3<>/dev/tcp/%s/%s; printf %%b \"$0\" >&3; cat <&3' %s"):format((self.address:gsub("[%[%]]", "")),
    self.port, helper.quoted(request)))
  return out:match("^HTTP/1.1 (%d+)"), out:match("\r\n\r\n(.*)$"), out
end

function Server:get(...)
  local lines = { "GET /metrics HTTP/1.1", "Host: x", ... }
  return self:ask(table.concat(lines, "\\r\\n") .. "\\r\\n\\r\\n")
end

function Server:__close()
  os.execute("kill " .. self.pid .. " 2>/dev/null")
  os.remove(self.log)
end

return metrics
