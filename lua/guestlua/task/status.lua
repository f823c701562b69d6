-- Reports what each task is doing, on standard error, for a user who wonders why it takes so long. state.c calls it at a signal, possibly while Lua
-- code computes.

local core = require("guestlua.core")

local function spent(seconds)
  if seconds < 60 then
    return ("%.1f s"):format(seconds)
  end
  seconds = math.floor(seconds) -- %d takes no fraction
  local minutes = seconds // 60
  return minutes < 60 and ("%d min %d s"):format(minutes, seconds % 60) or ("%d h %d min"):format(minutes // 60, minutes % 60)
end

return function()
  local tasks = core.task_list()
  table.sort(tasks, function(a, b)
    return a.number < b.number
  end)
  local lines = { ("guestlua: %d task%s"):format(#tasks, #tasks == 1 and "" or "s") }
  for _, task in ipairs(tasks) do
    local doing = task.what and ("has waited %s for %s"):format(spent(task.seconds), core.printable(task.what)) or "runs"
    lines[#lines + 1] = ("  task %d %s"):format(task.number, doing)
  end
  io.stderr:write(table.concat(lines, "\n"), "\n")
end
