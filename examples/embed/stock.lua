-- For a Lua that knows nothing of guestlua: lua5.4 stock.lua [URI]
-- Lists the guests of a host.

local guestlua = require("guestlua")

local host <close> = guestlua.open(...)
for _, guest in ipairs(host:guests()) do
  print(guest.name, guest:is_active() and "runs" or "is off")
end
