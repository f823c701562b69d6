-- A guest beside another on the same host: what becomes of one that loses its agent, its configuration and its power.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local power = guestlua.power_state

-- Whether the text stands anywhere in the value.
local function mentions(value, text)
  if type(value) ~= "table" then
    return tostring(value):find(text, 1, true) ~= nil
  end
  for k, v in next, value do
    if mentions(k, text) or mentions(v, text) then
      return true
    end
  end
  return tostring(value):find(text, 1, true) ~= nil
end

describe("A guest beside another, on a real host,", function()
  local machine, other = helper.machine(), helper.machine()
  helper.leaves_nothing()

  it("is served at the same time", function()
    local tasks = {}
    for i, m in ipairs({ machine, other }) do
      tasks[i] = guestlua.spawn(function()
        return m:sh(("until [ -e /tmp/both ]; do sleep 0.05; done; echo %d"):format(i))
      end)
    end
    other:sh("touch /tmp/both") -- the later one first
    assert.equal("2", tasks[2]:wait())
    machine:sh("touch /tmp/both")
    assert.equal("1", tasks[1]:wait())
  end)

  it("has no agent any more, which keeps passwords to itself, and shuts down by ACPI", function()
    local agent <close> = other.guest:subscribe("agent_lifecycle")
    other:sh("mv /sbin/qemu-ga /sbin/gone")
    other:later("killall qemu-ga")
    helper.await_event(agent, { state = "disconnected" })

    local secret = "planted-" .. guestlua.now()
    local shown
    local function handler(e)
      shown = debug.traceback(tostring(e))
      return e
    end
    for kind, password in pairs({ agent_unresponsive = secret, bad_argument = secret .. "\0" }) do
      local ok, e = xpcall(other.guest.set_user_password, handler, other.guest, "root", password)
      assert.same({ false, kind }, { ok, e.kind })
      assert.is_false(mentions(e, secret))
      assert.is_false(mentions(shown, secret))
    end
    for _, call in ipairs({ "freeze_filesystems", "thaw_filesystems" }) do
      assert.equal("agent_unresponsive", helper.failure(other.guest[call], other.guest).kind)
    end
    local set, e = other.guest:sync_guest_time()
    assert.same({ false, "agent_unresponsive" }, { set, e.kind })

    local events <close> = other.guest:subscribe("lifecycle")
    other.guest:shutdown()
    assert.equal("guest", helper.await_event(events, { type = "shutdown" }).detail)
    helper.await_event(events, { type = "stopped" })
    helper.await(function() return not other.guest:is_active() end, "it is active still")
    assert.equal(power.SHUTDOWN, other.guest:get_power_state())
    for _, call in ipairs({ "shutdown", "poweroff", "pause", "resume", "save_memory_state", "get_vcpus", "freeze_filesystems" }) do
      assert.equal("operation_invalid", helper.failure(other.guest[call], other.guest).kind)
    end
  end)

  it("starts paused, takes snapshots that libvirt remembers, and is forgotten while it runs", function()
    if other.guest:is_active() then
      other.guest:poweroff()
    end
    other:launch({ pause = true })

    other.guest:snapshot(other:external({ name = { "disk" } }), { disk_only = true })
    other.guest:snapshot(guestlua.element("domainsnapshot", { name = { "all" } })) -- memory too, in the image itself
    other.guest:snapshot(guestlua.element("domainsnapshot", { name = { "unknown" } }), { no_metadata = true })
    local images = helper.sh("qemu-img snapshot -U -l " .. other:chain()[1])
    assert.is_truthy(images:find(" all ", 1, true))
    assert.is_truthy(images:find(" unknown ", 1, true))
    local memory = { snapshot = "external", file = other.dir .. "/memory" }
    other.guest:snapshot(other:external({ name = { "memory" }, memory = memory }), { atomic = true })
    assert.is_true(tonumber((helper.sh("wc -c < " .. memory.file))) > 2 ^ 20)
    for _, name in ipairs({ "disk", "all", "memory" }) do
      local again = other:external({ name = { name } })
      assert.matches("already exists", helper.failure(other.guest.snapshot, other.guest, again, { disk_only = true }).message)
    end
    assert.equal("alive", other:sh("echo alive"))

    -- What is running keeps running; its snapshots are forgotten with it.
    other.guest:delete_configuration()
    assert.is_false(other.guest:has_persistent_configuration())
    assert.equal("alive", other:sh("echo alive"))
    assert.equal("operation_invalid", helper.failure(other.guest.save_memory_state, other.guest).kind)

    local task = guestlua.spawn(function()
      other:sh("touch /tmp/waits; sleep 54321")
    end)
    other:sh("until [ -e /tmp/waits ]; do :; done")
    local events <close> = other.guest:subscribe("lifecycle")
    other.guest:poweroff()
    assert.equal("destroyed", helper.await_event(events, { type = "stopped" }).detail)
    local e = helper.failure(task.wait, task)
    local ended = { operation_invalid = true, agent_unresponsive = true, no_domain = true }
    assert.is_true(ended[e.kind], tostring(e))
    assert.equal(other.guest.name, e.guest)

    assert.is_nil(other.host:guest(other.name))
    for _, call in ipairs({ "launch", "poweroff", "is_active", "get_info", "get_config", "delete_configuration" }) do
      assert.equal("no_domain", helper.failure(other.guest[call], other.guest).kind)
    end
    assert.equal("completed", guestlua.job_type[other.guest:get_job_info().type])
    assert.equal(36, #other.guest.uuid)
  end)
end)
