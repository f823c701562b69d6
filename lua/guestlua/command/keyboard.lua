-- The keyboard of the terminal, key by key. While it is open no key is the terminal's own, not even Ctrl-C.

local core = require("guestlua.core")

local keyboard = {}

-- Calls on_bytes(bytes) for what is typed, and on_bytes(nil) if the terminal is gone. Close what it gives, which is nil, with the reason, if there
-- is no terminal, or no luv to read it with.
function keyboard.open(on_bytes)
  local found, uv = pcall(require, "luv")
  if not core.isatty(io.stdin) then
    return nil, "standard input is no terminal"
  elseif not found then
    return nil, "reading the terminal needs luv: install lua-luv"
  end
  local tty = uv.new_tty(0, true)
  tty:set_mode(1)
  tty:read_start(function(_, bytes)
    on_bytes(bytes)
  end)
  return setmetatable({}, {
    __close = function()
      tty:read_stop()
      tty:set_mode(0)
      tty:close()
    end,
  })
end

return keyboard
