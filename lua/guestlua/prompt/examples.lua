-- Examples of methods: the lines that do what virsh's commands do, and for the other methods those of lines.lua.

local core = require("guestlua.core")

local examples = {}

-- What each variable in those lines is.
local CLASS_OF = {
  host = "Host", guest = "Guest", disk = "BlockDevice", snapshot = "Snapshot", checkpoint = "Checkpoint", network = "Network", port = "NetworkPort",
  interface = "Interface", filter = "NWFilter", binding = "NWFilterBinding", pool = "StoragePool", volume = "StorageVol", device = "NodeDevice",
  secret = "Secret", workflow = "workflow", guestlua = "guestlua", console = "Stream", channel = "Stream", events = "Subscription",
  handler = "Subscription", task = "Task", group = "Group", ready = "Signal", paused = "Guard", attached = "Guard", bar = "Progress",
  devices = "Element", nic = "Element", cd = "Element", fleet = "Fleet",
}

local by_member, by_command, commands

-- The methods that an example calls: calls add("Guest", "launch", whether the example begins with it).
local function each_call(text, add)
  for at, variable, by, name in text:gmatch("()%f[%w_.](%l+)([:.])([%a_]+)%f[({\"]") do
    local class = CLASS_OF[variable]
    if class and (by == ":") == (class:find("^%u") ~= nil) then
      add(class == "Guest" and not core.Guest[name] and "Domain" or class, name, at == 1)
    end
  end
  for at, name in text:gmatch("()%f[%w_]guest%.domain:([%a_]+)") do
    add("Domain", name, at == 1)
  end
  for at, class, name in text:gmatch("()%f[%w_]guestlua%.(%a+)%.([%l_]+)%f[({]") do -- guestlua.log.info(
    add(class, name, at == 1)
  end
  for variable in text:gmatch("local (%l+) <close>") do
    if CLASS_OF[variable] then
      add(CLASS_OF[variable], "close", false)
    end
  end
end

-- Adds to `of` what an example calls: the first one that calls a method, or the first one that begins with it.
local function note(of, text, command)
  each_call(text, function(class, name, first)
    local key = class .. "." .. name
    if not of[key] or first and not of[key].first then
      of[key] = { text = text, command = command, first = first }
    end
  end)
end

local function read()
  by_member, by_command, commands = {}, {}, {}
  for _, section in ipairs(require("guestlua.prompt.virsh")) do
    for i = 3, #section do
      local row = section[i]
      by_command[row[1]] = row
      commands[#commands + 1] = row
      for number = 2, #row do
        note(by_member, row[number], row[1])
      end
    end
  end
  local others = {}
  for _, section in ipairs(require("guestlua.prompt.lines")) do
    for i = 3, #section do
      note(others, section[i])
    end
  end
  setmetatable(by_member, { __index = others })
end

-- An example that calls the method, and the command of virsh that it stands for, if it does; nil if there is none.
function examples.of(class, row)
  if not by_member then
    read()
  end
  local found = by_member[class.name .. "." .. row.name]
  if found then
    return found.text, found.command
  end
end

-- A command's row: its name, its lines, `none` and `since`; nil if virsh has no such command.
function examples.command(name)
  if not by_command then
    read()
  end
  return by_command[name]
end

-- The rows of all commands.
function examples.commands()
  if not commands then
    read()
  end
  return commands
end

return examples
