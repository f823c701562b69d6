-- Says what happens to the guest that it is given: loop.c and glib.c run this.

local guest = ...
local events <close> = guest:subscribe({ "lifecycle", "reboot" })
print("watching " .. guest.name)
io.stdout:flush()
while true do
  local event = events:next()
  print(event.guest, event.event, event.type, event.detail)
  io.stdout:flush()
end
