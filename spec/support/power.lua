-- For specs of the power workflows: a real guest behind a daemon that outlives its scripts, with a network interface, just started before each spec.
--
--   local power = require("spec.support.power").machine()     in a describe
--   power.machine, power.on_guest       those of daemon.machine
--   power.journal()                     the journal's directory
--   power.entries()                     what is in it; "" if nothing is
--   power.start(script, options)        a script with `guest`, in a guestlua of its own; options: of faults.start
--   power.run(script, fault)            the same to its end: exit code, output, errors
--   power.await_call(child, name)       the child has made that call
--   power.revive()                      starts the daemon that was killed
--   power.state(), power.boot_id()      of the guest
--   power.runs()                        it does

local assert = require("luassert")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local power = {}

-- Bounds what is waited for; nothing here should take as long, on however busy a machine.
power.LONG = 120

local HEAD = "guestlua.journal{dir=%q}\nlocal host <close> = guestlua.open()\nlocal guest = host:guest('tiny')\n"

function power.machine()
  local self, journal = {}, nil
  local machine
  machine, self.on_guest = faults.machine({ journal = "journal", fresh = true,
    edit = function(domain)
      domain.devices:append(guestlua.element("interface", { type = "user", mac = { address = "52:54:00:00:00:01" }, model = { type = "virtio" } }))
    end,
    started = function(started)
      journal = started.root .. "/journal"
    end,
    each = function()
      os.execute("rm -rf " .. helper.quoted(journal))
    end })
  self.machine = machine

  function self.journal()
    return journal
  end

  function self.entries()
    local pipe <close> = io.popen("ls " .. helper.quoted(journal) .. " 2>/dev/null")
    return pipe:read("a")
  end

  function self.state()
    return machine.guest:get_power_state()
  end

  function self.runs()
    assert.equal(guestlua.power_state.RUNNING, self.state())
  end

  function self.boot_id()
    return machine:sh("cat /proc/sys/kernel/random/boot_id")
  end

  function self.start(script, options)
    options = options or {}
    options.uri, options.timeout = machine.uri, power.LONG
    return faults.start(HEAD:format(journal) .. script, options)
  end

  function self.run(script, fault)
    local child <close> = self.start(script, { fault = fault })
    return child:wait()
  end

  function self.await_call(child, name)
    helper.await(function()
      return child:has_called(name)
    end, "no call " .. name, power.LONG)
  end

  -- machine:restart() would wait for the guest's agent, and here the guest is going down.
  function self.revive()
    assert(os.execute("spec/support/daemon start " .. machine.root))
    machine.host:reconnect()
    local file <close> = assert(io.open(machine.root .. "/libvirtd.pid"))
    machine.pid = tonumber(file:read("a"))
  end

  return self
end

return power
