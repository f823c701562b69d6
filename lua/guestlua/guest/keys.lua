-- The names of a keyboard's keys, for guest:press.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local spelling = require("guestlua.base.spelling")

local MOST = 16 -- VIR_DOMAIN_SEND_KEY_MAX_KEYS

-- Linux's names and numbers: those that count from 1 on, and the rest.
local FROM_ONE = "esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p leftbrace rightbrace enter leftctrl a s d f g h j k l "
  .. "semicolon apostrophe grave leftshift backslash z x c v b n m comma dot slash rightshift kpasterisk leftalt space capslock f1 f2 f3 f4 f5 f6 f7 "
  .. "f8 f9 f10 numlock scrolllock kp7 kp8 kp9 kpminus kp4 kp5 kp6 kpplus kp1 kp2 kp3 kp0 kpdot"
local CODES = {
  f11 = 87, f12 = 88, kpenter = 96, rightctrl = 97, kpslash = 98, sysrq = 99, rightalt = 100, home = 102, up = 103, pageup = 104, left = 105,
  right = 106, ["end"] = 107, down = 108, pagedown = 109, insert = 110, delete = 111, power = 116, leftmeta = 125, rightmeta = 126,
}
local NAMES = {}
for name in FROM_ONE:gmatch("%S+") do
  NAMES[#NAMES + 1] = name
  CODES[name] = #NAMES
end
for name, code in pairs(CODES) do
  NAMES[#NAMES + 1] = code > 83 and name or nil
end
table.sort(NAMES)

local function code_of(key)
  local code = CODES[type(key) == "string" and key:lower():gsub("^key_", "") or key]
  if not code then
    local near = type(key) == "string" and (spelling.nearest(key, NAMES) or CODES["left" .. key:lower()] and "left" .. key:lower())
    local word = (near or #tostring(key) <= 3) and ("'%s'"):format(key) or "of that name" -- it may be a password
    define.bad("press", "keys", ("no key %s%s"):format(word, near and ("; is %s meant?"):format(near)
      or "; there are: " .. table.concat(NAMES, ", ")))
  end
  return code
end

define(core.Guest, "Guest", {
  name = "press",
  method = true,
  help = "Presses keys of the guest's keyboard, all together: guest:press{ \"leftctrl\", \"leftalt\", \"delete\" }. The names are Linux's, without "
    .. "KEY_, and stand for places on a keyboard; send_key takes numbers.",
  params = {
    { name = "keys", type = "list of strings", positional = true, required = true, help = "a list of the keys' names" },
    { name = "hold", type = "integer", help = "how long they are held, in milliseconds; default: 0" },
  },
  blocks = true,
  run = function(guest, keys, options)
    if #keys == 0 or #keys > MOST then
      define.bad("press", "keys", ("1 to %d keys expected, got %d"):format(MOST, #keys))
    end
    local codes = {}
    for i, key in ipairs(keys) do
      codes[i] = code_of(key)
    end
    guest:send_key(codes, { hold = options.hold })
  end,
})
