-- The guest's own hooks at a freeze, as its agent runs them: a database that has to flush.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

describe("The freeze hook of a guest's agent", function()
  local machine = helper.machine()
  local root

  helper.leaves_nothing(function()
    root = helper.scratch()
    assert(os.execute("chmod 777 " .. root))
  end)

  -- From now on the agent runs this as its hook; init starts it again.
  local function hook(script)
    local events <close> = machine.guest:subscribe("agent_lifecycle")
    pcall(machine.sh, machine, ("printf '#!/bin/sh\\n%s\\n' >/sbin/hook; chmod +x /sbin/hook; rm -f /run/hook; "
      .. "grep -q hook /etc/inittab || sed -i '/qemu-ga/s|$| -F/sbin/hook|' /etc/inittab; kill -HUP 1; killall qemu-ga")
      :format(script)) -- nobody is there to answer
    repeat
      local event = assert(events:next(tiny.TIMEOUT), "the agent is not started again")
    until event.state == "connected"
    guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
  end

  local function backup()
    return guestlua.workflow.backup(machine.guest, { to = root, level = "full" })
  end

  it("runs before and after a backup's moment", function()
    if not core.nbd_copy then
      return pending("this was built without libnbd")
    end
    hook('echo "$1" >>/run/hook')
    assert.equal("frozen", backup().consistency)
    assert.equal("freeze\nthaw", machine:sh("cat /run/hook"))
  end)

  it("fails a backup if it fails, which leaves nothing frozen", function()
    if not core.nbd_copy then
      return pending("this was built without libnbd")
    end
    hook("exit 3")
    local before = machine.guest:get_checkpoint_names()
    local e = helper.failure(backup)
    assert.matches("hook", tostring(e.message) .. tostring(e.libvirt_message))
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'))
    assert.same(before, machine.guest:get_checkpoint_names())
    assert.equal("written", machine:sh("echo written >/data/after && cat /data/after"))
  end)
end)
