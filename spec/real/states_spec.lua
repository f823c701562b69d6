-- Each workflow in each state that a guest can be in: it works, or it refuses with the call that helps before anything is changed.
--
-- Seen: a guest that slept could not be woken, and the hints went in a circle; one that was paused for a failed disk was "running", and paused again
-- a moment later; the overlays of a sleeping guest were made before libvirt said that it takes no snapshot of such.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local states = require("spec.support.states")

local workflow = guestlua.workflow

local NIC = "<interface type='user'><mac address='52:54:00:ab:cd:01'/><model type='virtio'/></interface>"

local count = 0
local function fresh(machine)
  count = count + 1
  return ("%s/new%d"):format(machine.dir, count)
end

local function volume(machine)
  return guestlua.element("disk", { type = "file", driver = { name = "qemu", type = "qcow2" }, source = { file = fresh(machine) } })
end

local function overlay(machine)
  local path = fresh(machine):gsub("new%d+$", "made%0")
  assert(os.execute(("qemu-img create -q -f qcow2 -F qcow2 -b %s %s && chmod 666 %s"):format(machine:chain()[1], path, path)))
  return path
end

-- What a refusal says: kind, a part of its message, a part of its hint.
local OFF = { "operation_invalid", "does not run", "ensure_running" }
local PAUSED = { "operation_invalid", "paused", "ensure_running" }
local NO_AGENT_OFF = { "operation_invalid", "not running", "ensure_running" }
local FAILED = { "io_error", "a disk failed", "get_disk_errors.*ensure_running" }
local ASLEEP = { "operation_invalid", "sleeps", "ensure_running" }
local CRASHED = { "operation_invalid", "has crashed", "ensure_stopped.*force" }
local RUNS = { "operation_invalid", "the guest runs", "force=true.*clean_shutdown" }
local SAVED = { "operation_invalid", "memory is saved", "resume" }
local MOVES = { "operation_invalid", "not off", "live_migrate" }
local DEAF = { "operation_invalid", "cannot hear", "ensure_running.*force=true" }
local MUTE = { "agent_unresponsive", "agent", "qemu%-guest%-agent" }

-- The states in this order, for each workflow: true: it works; a word: it works, and the guest is in that state then; else a refusal.
--                     running  paused   ioerror   pmsuspended mute      crashed     shutoff   saved
local function by_state(running, paused, ioerror, pmsuspended, mute, crashed, shutoff, saved)
  return { running = running, paused = paused, ioerror = ioerror, pmsuspended = pmsuspended, mute = mute, crashed = crashed, shutoff = shutoff,
    saved = saved }
end

local function row(name, call, ...)
  return { name = name, call = call, expected = by_state(...) }
end

local ROWS = {
  row("attach_with_retry", function(m) workflow.attach_with_retry(m.guest, NIC) end,
    true, true, true, true, true, true, true, true),
  row("detach_with_retry", function(m) workflow.detach_with_retry(m.guest, NIC) end,
    true, PAUSED, FAILED, ASLEEP, true, CRASHED, true, true),
  row("ensure_detached", function(m) workflow.ensure_detached(m.guest, NIC) end, -- it has it where it stands still
    true, PAUSED, FAILED, ASLEEP, true, CRASHED, true, true),
  row("snapshot_revert", function(m) workflow.snapshot_revert(m.guest, { name = "s" }) end,
    RUNS, RUNS, RUNS, RUNS, RUNS, RUNS, true, SAVED),
  row("snapshot_revert by force", function(m)
    workflow.snapshot_revert(m.guest, { name = "s", force = true })
    if m.guest:get_state() == "running" then
      guestlua.await_agent(m.guest, { timeout = 120 })
    end
  end, true, true, "running", "running", nil, "shutoff", true, SAVED),
  row("snapshot_delete", function(m) workflow.snapshot_delete(m.guest, { name = "s" }) end, -- which its machine has from the beginning
    true, true, FAILED, true, true, CRASHED, true, SAVED),
  row("snapshot_then_commit", function(m) workflow.snapshot_then_commit(m.guest, { disks = { "vda" } }) end,
    true, true, FAILED, ASLEEP, true, CRASHED, OFF, OFF),
  row("snapshot_then_commit quiesced", function(m) workflow.snapshot_then_commit(m.guest, { disks = { "vda" }, quiesce = true }) end,
    true, NO_AGENT_OFF, FAILED, ASLEEP, MUTE, CRASHED, OFF, OFF),
  row("live_snapshot", function(m) workflow.live_snapshot(m.guest, "vda", fresh(m)) end,
    true, true, FAILED, true, true, CRASHED, OFF, OFF),
  row("live_snapshot quiesced", function(m) workflow.live_snapshot(m.guest, "vda", fresh(m), { quiesce = true }) end,
    true, NO_AGENT_OFF, FAILED, NO_AGENT_OFF, MUTE, CRASHED, OFF, OFF),
  row("volume_snapshot_create", function(m) workflow.volume_snapshot_create(m.guest, "vda", { new_file = overlay(m) }) end,
    true, true, FAILED, ASLEEP, true, CRASHED, OFF, OFF),
  row("volume_snapshot_create quiesced", function(m)
    workflow.volume_snapshot_create(m.guest, "vda", { new_file = overlay(m), quiesce = true })
  end, true, NO_AGENT_OFF, FAILED, ASLEEP, MUTE, CRASHED, OFF, OFF),
  row("volume_snapshot_delete", function(m) workflow.volume_snapshot_delete(m.guest, "vda") end,
    true, true, FAILED, true, true, CRASHED, { "operation_invalid", "is off", "launch" }, { "operation_invalid", "is off", "launch" }),
  row("swap_volume", function(m) workflow.swap_volume(m.guest, "vda", volume(m)) end,
    true, true, FAILED, true, true, CRASHED, OFF, OFF),
  row("live_migrate", function(m)
    local destination <close> = guestlua.open("test:///default") -- where it would not come
    workflow.live_migrate(m.guest, destination, { destination_uri = "test://x/default" })
  end, nil, nil, FAILED, ASLEEP, nil, CRASHED, OFF, OFF),
  row("offline_migrate", function(m)
    local destination <close> = guestlua.open("test:///default")
    workflow.offline_migrate(m.guest, destination, { destination_uri = "test://x/default" })
  end, MOVES, MOVES, FAILED, ASLEEP, MOVES, CRASHED, nil, SAVED),
  row("frozen", function(m) local frozen <close> = m.guest:frozen() end, -- luacheck: ignore
    true, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF, MUTE, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF),
  row("paused", function(m) local paused <close> = m.guest:paused() end, -- luacheck: ignore
    true, true, true, { "operation_invalid", "pmsuspended", "ensure_running" }, true, nil, { "operation_invalid", "not running", "ensure_running" },
    { "operation_invalid", "not running", "ensure_running" }),
  row("exec", function(m) m.guest:exec("true") end,
    true, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF, MUTE, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF),
  row("read_file", function(m) m.guest:read_file("/proc/version", { max_size = 10 }) end,
    true, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF, MUTE, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF),
  row("os_info", function(m) m.guest:os_info() end,
    true, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF, nil, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF),
  row("await_agent", function(m) guestlua.await_agent(m.guest, { timeout = 60 }) end,
    true, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF, nil, NO_AGENT_OFF, NO_AGENT_OFF, NO_AGENT_OFF),
  row("clean_shutdown", function(m) workflow.clean_shutdown(m.guest) end,
    nil, DEAF, { "io_error", "cannot hear", "force=true" }, DEAF, nil, { "operation_invalid", "cannot hear", "force=true" }, true, true),
  row("reboot", function(m) workflow.reboot(m.guest) end,
    nil, DEAF, { "io_error", "cannot hear", "force=true" }, DEAF, nil, { "operation_invalid", "cannot hear", "force=true" }, OFF, OFF),
  row("suspend", function(m) workflow.suspend(m.guest) end,
    "shutoff", "shutoff", FAILED, ASLEEP, nil, CRASHED, OFF, OFF),
  row("resume", function(m) workflow.resume(m.guest) end,
    true, "running", { "io_error", "vdb: no_space", "ensure_running" }, "running", nil, CRASHED, nil, "running"),
  row("ensure_running", function(m) workflow.ensure_running(m.guest) end,
    true, "running", { "io_error", "vdb: no_space", "ensure_running" }, "running", nil, CRASHED, "running", "running"),
  row("reboot by force", function(m) workflow.reboot(m.guest, { force = true, timeout = 0 }) end,
    nil, "running", nil, "running", nil, "running", OFF, OFF),
  row("ensure_stopped by force", function(m) workflow.ensure_stopped(m.guest, { force = true, timeout = 0 }) end,
    nil, "shutoff", "shutoff", "shutoff", "shutoff", "shutoff", true, true),
}

-- All that a refusal must not have changed.
local function situation(machine)
  local guest = machine.guest
  local word, reason = guest:get_state()
  return { word, reason, (guest:get_xml_desc():gsub("%s*<metadata/>", "")), guest:get_xml_desc({ dump_inactive = true }), #guest:get_snapshot_names(),
    select(2, helper.run("ls " .. machine.dir)), select(2, helper.run("ls " .. guestlua.journal())) }
end

local function refuses(machine, call, refusal)
  local before = situation(machine)
  local e = helper.failure(call, machine)
  assert.equal(refusal[1], e.kind, tostring(e))
  assert.matches(refusal[2], e.message)
  assert.matches(refusal[3], e.hint or "none", nil, tostring(e))
  local after = situation(machine)
  after[6] = after[6]:gsub("madenew%d+\n", "") -- what the caller makes
  before[6] = before[6]:gsub("madenew%d+\n", "")
  assert.same(before, after)
end

for _, name in ipairs(states.NAMES) do
  describe("A guest that is " .. name, function()
    local machine
    helper.leaves_nothing()

    local can, why = states.can(name)
    lazy_setup(function()
      machine = can and states.machine()
      if machine then
        guestlua.journal({ dir = machine.dir .. "/journal" })
        assert(os.execute("mkdir -p -m 700 " .. guestlua.journal()))
        machine.guest:snapshot("<domainsnapshot><name>s</name><disks><disk name='vdb' snapshot='no'/></disks></domainsnapshot>", { disk_only = true })
      end
    end)
    lazy_teardown(function()
      if machine then
        for _, one in ipairs(machine.guest:snapshots()) do
          one:delete({ metadata_only = true })
          one:close()
        end
        getmetatable(machine).__close(machine)
      end
    end)

    for _, one in ipairs(ROWS) do
      local expected = one.expected[name]
      if expected ~= nil then
        it((type(expected) == "table" and "refuses " or "has ") .. one.name, function()
          if not can then
            pending(why)
            return
          elseif not states.is_in(machine, name) then
            states.enter(machine, name)
          end
          if type(expected) == "table" then
            refuses(machine, one.call, expected)
            assert.is_true(states.is_in(machine, name))
          else
            one.call(machine)
            local word = machine.guest:get_state()
            if expected == true then
              assert.is_true(states.is_in(machine, name), word)
            else
              assert.equal(expected, word)
            end
          end
        end)
      end
    end
  end)
end
