-- Loop devices: an image that is mounted by one has no lock that another program would see.

local core = require("guestlua.core")

local loops = {}

local DEVICES = "/sys/block"

-- Why a loop device needs the file; nil: none does.
function loops.of(file)
  local ok, names = pcall(core.list_directory, DEVICES)
  for _, name in ipairs(ok and names or {}) do
    local backing <close> = name:find("^loop") and io.open(("%s/%s/loop/backing_file"):format(DEVICES, name)) or nil
    local path = backing and backing:read("l")
    local there = path and core.identify(path)
    if there and there.dev == file.dev and there.ino == file.ino then
      return ("the loop device %s has it"):format(name)
    end
  end
end

return loops
