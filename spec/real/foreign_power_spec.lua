-- Somebody else works on a guest with virsh while a workflow gives or takes a device, or turns the guest on or off. What the workflow says is what is
-- found, what is somebody else's stays, and nothing is left alive in the journal or in the guest's metadata.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local recover = require("guestlua.workflow.recover")

local workflow = guestlua.workflow

local function off(others)
  others.machine.guest:poweroff()
end

local function device(others)
  return ("<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(others.machine.dir)
end

local function with_device(others)
  workflow.attach_with_retry(others.machine.guest, device(others))
  others.machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
end

local function saved(others)
  workflow.suspend(others.machine.guest, {})
end

local START = "virsh start tiny"

-- All acts at each moment, or each time the next two.
local turn = 0
local function acts_of(row)
  if os.getenv("FOREIGN_ACTS") == "all" then
    return row[3]
  end
  turn = turn + 2
  return { row[3][(turn - 2) % #row[3] + 1], row[3][(turn - 1) % #row[3] + 1] }
end

-- Each workflow, what is made ready, and the moments at which each of the acts is tried.
local ROWS = {
  { "attach_with_retry", { "attach_device:before", "attach_device:after" }, { "destroy", "undefine", "restart", "virsh detach-disk tiny vdb --live" },
    run = function(others) return workflow.attach_with_retry(others.machine.guest, device(others), { pause = 0.1, attempts = 2 }) end },
  { "detach_with_retry", { "detach_device:before", "detach_device:after" }, { "destroy", "undefine", "suspend", "virsh detach-disk tiny vdb --live" },
    prepare = with_device,
    run = function(others) return workflow.detach_with_retry(others.machine.guest, device(others), { timeout = 3, attempts = 2 }) end },
  { "clean_shutdown", { "shutdown:before", "shutdown:after" }, { "destroy", "undefine", "suspend", "restart" },
    run = function(others) return workflow.clean_shutdown(others.machine.guest, { timeout = 8 }) end },
  { "reboot", { "shutdown:before", "launch:before", "launch:after" }, { "destroy", "undefine", "suspend", START },
    run = function(others) return workflow.reboot(others.machine.guest, { timeout = 30, force = true }) end },
  { "ensure_running", { "launch:before", "launch:after" }, { START, "destroy", "suspend", "undefine" }, prepare = off,
    run = function(others) return workflow.ensure_running(others.machine.guest, { timeout = 30 }) end },
  { "ensure_stopped", { "shutdown:before", "shutdown:after" }, { "destroy", "undefine", "suspend", "restart" },
    run = function(others) return workflow.ensure_stopped(others.machine.guest, { timeout = 8 }) end },
  { "ensure_attached", { "attach_device:before", "attach_device:after" }, { "destroy", "undefine", "restart", "virsh detach-disk tiny vdb --live" },
    run = function(others) return workflow.ensure_attached(others.machine.guest, device(others), { timeout = 20 }) end },
  { "ensure_detached", { "detach_device:before", "detach_device:after" }, { "destroy", "undefine", "suspend", "virsh detach-disk tiny vdb --live" },
    prepare = with_device,
    run = function(others) return workflow.ensure_detached(others.machine.guest, device(others), { timeout = 20 }) end },
  { "resume", { "launch:before", "launch:after" }, { START, "destroy", "suspend", "undefine" }, prepare = saved,
    run = function(others) return workflow.resume(others.machine.guest, { timeout = 30 }) end },
  { "suspend", { "save_memory_state:before", "save_memory_state:after" }, { "destroy", "suspend", "undefine", START },
    run = function(others) return workflow.suspend(others.machine.guest, {}) end },
}

describe("While somebody else turns a guest on and off", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  -- Raises what is not as it was said.
  local function check(how)
    for _, row in ipairs(recover.list()) do
      assert.not_equal("alive", row.state)
    end
    local guest <close> = machine.host:guest(machine.guest.uuid)
    local word = guest and guest:get_info().domain_state or "gone"
    local outcome = how.error and tostring(how.error.outcome) or ""
    local said = outcome:match("the guest is '(%l+)'")
    assert.is_true(said == nil or said == word, ("said '%s', and it is '%s'"):format(tostring(said), word))
    if outcome:find("the guest does not have the device", 1, true) and guest and guest:is_active() and not outcome:find("somebody else", 1, true) then
      assert.is_nil(guest:get_disk("vdb"))
    end
    if how.act == "suspend" and how.moment == "launch:after" then -- that it is paused is their doing
      assert.same({ 0, "paused", "conflict" }, { how.code, word, how.error and how.error.kind }, how.said)
    end
    assert.is_not_nil(io.open(machine.disk)) -- luacheck: ignore
    pcall(guestlua.recover, machine.host)
    if guest and guest:is_active() then
      assert.is_nil(guest:get_xml_desc():find("urn:guestlua", 1, true), "a mark is left")
    end
    return word
  end

  it_("leaves a guest paused that somebody has paused as soon as it was started", function()
    for name, prepare in pairs({ ensure_running = off, resume = function() workflow.suspend(machine.guest, {}) end }) do
      others.whole = false
      others:reset()
      prepare(others)
      check(others:during("launch:after", "suspend", function() return workflow[name](machine.guest) end))
    end
  end)

  for _, row in ipairs(ROWS) do
    for _, moment in ipairs(row[2]) do
      it_(("%s says what is found, at %s"):format(row[1], moment), function()
        local bad = {}
        for _, act in ipairs(acts_of(row)) do
          others.whole = false
          others:reset()
          assert(os.execute(("truncate -s 1M %s/device && chmod 666 %s/device"):format(machine.dir, machine.dir)))
          if row.prepare then
            row.prepare(others)
          end
          local how = others:during(moment, act, function() return row.run(others) end)
          local ok, e = pcall(check, how)
          if os.getenv("VERBOSE") then
            local err = how.error or {}
            print(row[1], moment, act, how.code, err.kind, err.message, err.outcome, ok and e or "BAD " .. tostring(e))
          end
          if not ok then
            bad[#bad + 1] = ("%s: %s; %s"):format(act, tostring(type(e) == "table" and e.message or e), tostring(how.error))
          end
        end
        assert(#bad == 0, table.concat(bad, "\n"))
      end)
    end
  end
end)
