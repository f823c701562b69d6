-- kill -USR1 on a script that had waited for more than a minute printed "cannot tell the status: bad argument #2 to 'format' (number has no
-- integer representation)": the minutes and seconds were made of a time with a fraction. How long the task has waited is put in here, as no spec
-- waits for an hour.

local helper = require("spec.support.helper")

describe("The status", function()
  it("says how long a task has waited, in minutes and hours too", function()
    local _, _, err = helper.guestlua("-", [[
      local core = require("guestlua.core")
      local list = core.task_list
      for _, seconds in ipairs({ 0.04, 59.96, 61.7, 3599.99, 3600.5, 90061.25 }) do
        core.task_list = function()
          local tasks = list()
          tasks[1].what, tasks[1].seconds = "x\27y", seconds
          return { tasks[1] }
        end
        require("guestlua.task.status")()
      end
    ]])
    local said = {}
    for time in err:gmatch("has waited (.-) for x\\x1by\n") do
      said[#said + 1] = time
    end
    assert.same({ "0.0 s", "60.0 s", "1 min 1 s", "59 min 59 s", "1 h 0 min", "25 h 1 min" }, said, err)
  end)
end)
