-- What tells a task to stop is raised once. A look-up that took it for the failure of its own call went on: a configuration was written although the
-- look for secrets that it would drop had been stopped, a name that does not exist was reported instead, and a recovery's thaw was tried again.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

describe("A task that is stopped while it", function()
  helper.leaves_nothing()

  -- Stops fn during that call. Returns how often it made each call of libvirt's.
  local function stopped(name, nth, fn)
    local dir = helper.scratch()
    local child <close> = faults.start([[
      local dir, journal = ..., require("guestlua.base.journal")
      guestlua.journal({ dir = dir .. "/journal" })
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      local xml = guest:get_xml_desc({ dump_inactive = true })
      local function fn() ]] .. fn .. [[ end
      local task = guestlua.spawn(fn)
      repeat
        guestlua.sleep(0.02)
      until io.open(dir .. "/stop")
      task:cancel()
      print(select(2, pcall(task.wait, task)).kind)
    ]], { fault = ("%s#%d:hang=5"):format(name, nth), args = { dir } })
    helper.await(function() return child:has_called(name, nth) end, "it does not come to the call", 60)
    io.open(dir .. "/stop", "w"):close()
    local code, out, err, calls = child:wait()
    os.execute("rm -rf " .. dir)
    assert.same({ 0, "cancelled\n" }, { code, out }, err)
    local made = {}
    for _, one in ipairs(calls) do
      made[one.name] = (made[one.name] or 0) + 1
    end
    return made
  end

  it("looks for the secrets that a configuration would drop writes none", function()
    assert.is_nil(stopped("virDomainGetXMLDesc", 2, "host:write_instance_config(xml)").virDomainDefineXML)
  end)

  it("thaws what a killed process had frozen does not try again", function()
    assert.equal(1, stopped("virDomainFSThaw", 1, [[
      journal.begin("one", "frozen", guest, "one.lock"):write({ step = "frozen", data = { id = guest.id } })
      guestlua.recover(host)
    ]]).virDomainFSThaw)
  end)
end)
