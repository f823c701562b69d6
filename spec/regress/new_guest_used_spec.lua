-- A clone or a restore was killed when its guest was there. Somebody used that guest, and shut it down: recover removed it, with all that was written
-- to its disks. What somebody had written to its files went too if he had undefined it meanwhile, to give them to another guest.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local sh = helper.sh

local CHILD = [[
  local host <close> = guestlua.open()
  guestlua.workflow.clone(host:guest("tiny"), { name = "twin" })
]]

describe("The guest of a clone that was killed when it was there", function()
  local machine, it_ = faults.machine({
    each = function(machine)
      machine:reset()
      guestlua.workflow.ensure_stopped(machine.guest, { force = true })
      local twin <close> = machine.host:guest("twin")
      if twin then
        twin:delete_configuration()
      end
      sh("chmod 666 %s; rm -rf %s/twin* %s/state", machine.disk, machine.dir, machine.root)
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
    end
  end)

  local function kill()
    local code, _, err = faults.run(CHILD, { uri = machine.uri, fault = "virDomainDefineXML#1:kill:after",
      env = { XDG_STATE_HOME = machine.root .. "/state" } })
    assert.equal(128 + 9, code, err)
    return machine.dir .. "/twin-vda.qcow2"
  end

  local function use(twin)
    twin:launch()
    guestlua.await_agent(twin, { timeout = 120 })
    twin:exec("/bin/sh", { args = { "-c", "echo new >/data/new; sync" } })
    twin:poweroff()
  end

  local function has_new(file)
    sh("qemu-img convert -O raw %s %s.raw", file, machine.dir .. "/look")
    return sh("debugfs -R 'cat /new' %s.raw 2>/dev/null; rm %s.raw", machine.dir .. "/look", machine.dir .. "/look") == "new\n"
  end

  local function recovered()
    local results = guestlua.recover(machine.host)
    assert.equal(1, #results)
    assert.same({}, guestlua.recover(machine.host))
    return results[1]
  end

  it_("stays with all that was written there since", function()
    local file = kill()
    do
      local twin <close> = machine.host:guest("twin", { required = true })
      use(twin)
    end
    local result = recovered()
    local twin <close> = machine.host:guest("twin", { required = true })
    assert.matches("^finished: the guest 'twin' is there", result.outcome)
    assert.is_true(has_new(file))
    twin:delete_configuration()
  end)

  it_("is no reason to remove its files if somebody has undefined it", function()
    local file = kill()
    do
      local twin <close> = machine.host:guest("twin", { required = true })
      use(twin)
      twin:delete_configuration()
    end
    local result = recovered()
    assert.equal(file, result.left and result.left[1].path)
    assert.is_true(has_new(file))
  end)

  it_("leaves no file if somebody has undefined it and not used it", function()
    local file = kill()
    machine.host:guest("twin", { required = true }):delete_configuration()
    assert.is_nil(recovered().left)
    assert.is_nil(io.open(file))
  end)
end)
