-- A moment of a workflow: before or after the n-th call of a function.

local core = require("guestlua.core")
local guestlua = require("guestlua")

local PLACES = {
  make_image = core, remove_image = core, write_file = core,
  snapshot = guestlua.Guest, attach_device = guestlua.Guest, detach_device = guestlua.Guest, shutdown = guestlua.Guest, launch = guestlua.Guest,
  save_memory_state = guestlua.Guest, freeze_filesystems = guestlua.Guest, poweroff = guestlua.Guest, sync_guest_time = guestlua.Guest,
  subscribe = guestlua.Guest, resume_guest = guestlua.Guest,
  migrate = guestlua.Guest, backup_begin = guestlua.Guest, thaw_filesystems = guestlua.Guest, get_job_info = guestlua.Guest,
  commit = guestlua.BlockDevice, rebase = guestlua.BlockDevice, copy = guestlua.BlockDevice, abort_job = guestlua.BlockDevice,
  resize = guestlua.BlockDevice,
}

-- Calls fn with the function of that name replaced by one that calls `at` before or after it, the n-th time: "copy:before", "write_file:after#2".
-- The journal is written by begin_write: that is write_file too, and over when the file is there.
return function(moment, at, fn)
  local wanted, when, number = moment:match("^([%w_]+):(%w+)#?(%d*)$")
  local place, times, originals = PLACES[wanted], 0, {}
  local back <close> = setmetatable({}, { __close = function() -- luacheck: ignore back
    for name, original in pairs(originals) do
      place[name] = original
    end
  end })
  for _, name in ipairs(wanted == "write_file" and { wanted, "begin_write" } or { (wanted:gsub("_guest$", "")) }) do
    local original = place[name]
    originals[name] = original
    place[name] = function(...)
      times = times + 1
      local is_it = times == (tonumber(number) or 1)
      if is_it and when == "before" then
        at()
      end
      local results = table.pack(pcall(original, ...))
      if name == "begin_write" and results[1] then
        results[2]:wait()
      end
      if is_it and when == "after" then
        at()
      end
      if not results[1] then
        error(results[2], 0)
      end
      return table.unpack(results, 2, results.n)
    end
  end
  return pcall(fn)
end
