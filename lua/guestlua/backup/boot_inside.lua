-- The process that boots a backup (boot.lua): it opens an embedded driver, starts the guest, and prints what it saw, as JSON.

local core = require("guestlua.core")
local await_agent = require("guestlua.guest.agent").await_agent
local json = require("guestlua.base.json")
local retry = require("guestlua.workflow.retry")
local undo = require("guestlua.base.undo")

-- The domain's name is short: libvirt makes sockets of it, and their paths are limited.
local function see(host, request)
  local began = core.now()
  local guest <close> = host:write_instance_config(request.xml)
  guest:launch()
  local off <close> = undo.guard(function() -- luacheck: ignore off
    guest:poweroff()
  end)
  local seen = { agent_seconds = await_agent(guest, { timeout = request.seconds }) }
  local command = request.command
  local left = request.seconds - (core.now() - began)
  seen.exit_code, seen.output, seen.errors = guest:exec(command[1], { args = table.move(command, 2, #command, 1, {}), timeout = math.max(left, 1) })
  if seen.exit_code ~= 0 then
    seen.message = ("its command ended with %d"):format(seen.exit_code)
  end
  return seen
end

-- The number of this process comes first, for whoever cleans up.
return function(path)
  core.write_file(path:gsub("[^/]*$", "inside.pid"), core.process() .. "\n")
  local module = json("verify", "a boot")
  local file <close> = assert(io.open(path, "rb"))
  local request = module.decode(file:read("a"))
  local host <close> = core.open(core.embedded_uri(request.root))
  local ok, seen = retry.try(see, host, request)
  if not ok then
    seen = { message = core.Error.is(seen) and seen.message or tostring(seen) }
  end
  io.write(module.encode(seen))
end
