#!/usr/bin/env guestlua
-- Shuts guests down, four at a time, and waits until they are off: before a host is switched off, say.
--
--   guestlua -c URI clean_shutdown.lua [--force] [--timeout SECONDS] [GUEST…]
--
-- Without names all guests that run are meant. A guest that has not shut down within SECONDS, 120 where nothing is said, goes on; with --force it is
-- powered off. Ends with an error where one is not off.

local names, force, timeout = {}, false, 120
local arguments = { ... }
while #arguments > 0 do
  local word = table.remove(arguments, 1)
  if word == "--force" then
    force = true
  elseif word == "--timeout" then
    timeout = tonumber(table.remove(arguments, 1)) or error("--timeout needs a number of seconds", 0)
  else
    names[#names + 1] = word
  end
end

local host <close> = guestlua.open()

local guests = {}
for _, name in ipairs(names) do
  guests[#guests + 1] = host:guest(name, { required = true })
end
if #names == 0 then
  guests = host:guests({ active = true })
end

-- One that fails does not keep the others from being shut down.
local failed = 0
local function shut_down(guest)
  local ok, result = pcall(guestlua.workflow.ensure_stopped, guest, { timeout = timeout, force = force })
  if not ok and (result.kind == "cancelled" or result.kind == "interrupted") then
    error(result, 0)
  elseif not ok then
    failed = failed + 1
    print(("%s: %s"):format(guest.name, result.message))
  elseif not result.changed then
    print(guest.name .. ": was off")
  else
    print(("%s: %s after %.1f s"):format(guest.name, result.forced and "powered off" or "shut down", result.seconds))
  end
end

guestlua.map(guests, shut_down, { limit = 4 })
if failed > 0 then
  error(("%d of %d guests are not off"):format(failed, #guests), 0)
end
