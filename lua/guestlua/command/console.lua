-- guestlua console: a guest's console at the terminal.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local guestlua = require("guestlua")
local keyboard = require("guestlua.command.keyboard")

local SPEC = {
  word = "console",
  help = "Connects the terminal to a guest's console; ^] (Ctrl and ]) leaves it. In scripts: guest:console().",
  codes = "0; 1, there is no such guest or console, or it broke off; 2, wrong usage.",
  operands = "GUEST",
  least = 1,
  most = 1,
  options = {
    { name = "device", argument = "ALIAS", help = "a serial, parallel or console device, for example serial0; default: the first" },
    { name = "force", help = "take the console from whoever has it" },
    { name = "safe", help = "only if the driver makes sure that nobody else has it" },
  },
}

local LEAVE = "\29" -- ^]

local function put(text)
  core.write_whole(io.stdout, text)
end

-- Sends what is typed, until the console is closed.
local function send(console, typed, changed)
  while true do
    local text = table.concat(typed)
    for i = #typed, 1, -1 do
      typed[i] = nil
    end
    if text == "" then
      changed:wait()
    elseif not pcall(console.write, console, text) then
      return -- the reader says why
    end
  end
end

-- Prints what the guest prints. True if the user left, false if the guest did.
local function talk(console)
  local typed, changed, left = {}, core.signal(), false
  local keys <close>, why = keyboard.open(function(bytes)
    local before, escape = (bytes or LEAVE):match("^([^" .. LEAVE .. "]*)(.?)")
    typed[#typed + 1] = before
    changed:wake()
    if escape ~= "" then
      left = true
      console:close()
    end
  end)
  if not keys then
    error(core.Error.new({ kind = "not_supported", op = "console", message = why }), 0)
  end
  put(("Connected to the console of %s. Leave it with ^] (Ctrl and ]).\r\n"):format(console.name))
  local sending <close> = guestlua.group()
  sending:spawn(send, console, typed, changed)
  while not left do
    local ok, bytes = pcall(console.read, console)
    if not ok and not (left and bytes.kind == "closed") then
      error(bytes, 0)
    elseif not ok or not bytes then
      break
    end
    put(bytes)
  end
  return left
end

return function(_, ...)
  return arguments.main(SPEC, function(given, operands)
    local host <close> = guestlua.open(given.connect)
    local guest <close> = host:guest(operands[1], { required = true })
    local console <close> = guest:console({ device = given.device, force = given.force, safe = given.safe })
    local left = talk(console)
    put(left and "\r\n" or "\r\nThe console ended.\r\n")
    return arguments.DONE
  end, ...)
end
