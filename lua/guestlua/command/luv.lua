-- A searcher for package.searchers: finds luv where Lua does, and gives it our loop.

local core = require("guestlua.core")

local function open(_, path)
  local function symbol(name)
    return package.loadlib(path, name)
  end
  local ours = core.share_loop(symbol("luv_set_loop"), symbol("luv_set_callback"), symbol("uv_version"), path)
  if not ours then
    error(path .. " has a libuv of its own, so that it cannot share guestlua's loop: use one that is linked with the system's libuv", 0)
  end
  local luv = symbol("luaopen_luv")()
  for name, fn in pairs(ours) do
    luv[name] = fn
  end
  function luv.loop_close()
    return nil, "EBUSY: the loop is guestlua's", "EBUSY"
  end
  return luv
end

return function(name)
  if name ~= "luv" then
    return nil
  end
  local path, message = package.searchpath(name, package.cpath)
  if not path then
    return message
  end
  return open, path
end
