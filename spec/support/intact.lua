-- For specs of workflows on a real guest: what a run did, and that a guest is as it was.

local assert = require("luassert")
local guestlua = require("guestlua")

local intact = {}

-- The names of the steps of a result.
function intact.steps(result)
  local names = {}
  for i, step in ipairs(result.steps) do
    names[i] = step.name
  end
  return table.concat(names, " ")
end

-- The files in the machine's directory.
function intact.files(machine)
  local pipe <close> = assert(io.popen("ls " .. machine.dir .. " | grep -v journal"))
  return pipe:read("a")
end

-- Runs fn, which must leave the guest as it was: running, not frozen, with its chain, its configuration, its files, and nothing in the journal.
function intact.after(machine, fn)
  local function state()
    local guest = machine.guest
    local disk = guestlua.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk
    return {
      chain = machine:chain(), configured = tostring(disk.source) .. disk.driver.type, persistent = guest:has_persistent_configuration(),
      files = intact.files(machine), job = guest:get_block_device("vda"):get_job_info(), power = guest:get_power_state(),
      left = guestlua.recover(machine.host),
    }
  end
  local before = state()
  fn()
  assert.same(before, state())
  assert.equal("written", machine:sh("touch /data/x && sync && rm /data/x && echo written"))
end

return intact
