-- Examples of methods: the lines that do what virsh's commands do.

local core = require("guestlua.core")

local examples = {}

-- What each variable in those lines is.
local CLASS_OF = {
  host = "Host", guest = "Guest", disk = "BlockDevice", snapshot = "Snapshot", checkpoint = "Checkpoint", network = "Network", port = "NetworkPort",
  interface = "Interface", filter = "NWFilter", binding = "NWFilterBinding", pool = "StoragePool", volume = "StorageVol", device = "NodeDevice",
  secret = "Secret", workflow = "workflow", guestlua = "guestlua",
}

local by_member, by_command

-- The methods that a line calls: calls add("Guest", "launch", whether the line begins with it).
local function each_call(line, add)
  for at, variable, by, name in line:gmatch("()%f[%w_.](%l+)([:.])([%l_]+)%f[({\"]") do
    local class = CLASS_OF[variable]
    if class and (by == ":") == (class:find("^%u") ~= nil) then
      add(class == "Guest" and not core.Guest[name] and "Domain" or class, name, at == 1)
    end
  end
  for at, name in line:gmatch("()%f[%w_]guest%.domain:([%l_]+)") do
    add("Domain", name, at == 1)
  end
end

local function read()
  by_member, by_command = {}, {}
  for _, section in ipairs(require("guestlua.prompt.virsh")) do
    for i = 3, #section do
      local row = section[i]
      by_command[row[1]] = row
      for number = 2, #row do
        each_call(row[number], function(class, name, first)
          local key = class .. "." .. name
          if not by_member[key] or first and not by_member[key].first then
            by_member[key] = { line = row[number], command = row[1], first = first }
          end
        end)
      end
    end
  end
end

-- A line that calls the method, and the command of virsh that it stands for; nil if there is none.
function examples.of(class, row)
  if not by_member then
    read()
  end
  local found = by_member[class.name .. "." .. row.name]
  if found then
    return found.line, found.command
  end
end

-- A command's row: its name, its lines, `none` and `since`; nil if virsh has no such command.
function examples.command(name)
  if not by_command then
    read()
  end
  return by_command[name]
end

return examples
