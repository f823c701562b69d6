-- The plan that a dry run of a workflow ends in is what the workflow then does: the same calls in the same order, on a real guest.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

local CHILD = [[
  local uri, dir, other, other_uri = ...
  local host <close> = guestlua.open(uri)
  local guest = host:guest("tiny")
  local workflow = guestlua.workflow
  local result = (function() %s end)()
  local known = {}
  for _, row in ipairs(require("guestlua.prompt.help").classes().workflow.methods) do
    for _, field in ipairs(row.name == result.workflow and row.fields or {}) do
      known[field.name] = true
    end
  end
  for name in pairs(result) do
    assert(known[name], name)
  end
  for _, entry in ipairs(result.plan or {}) do
    assert((entry.workflow == result.workflow or result.workflow == "drain") and entry.step and entry.guest == guest.name)
    print(entry.call, entry.waits_for or "")
  end
]]

local DISK = "<disk type='file'><source file='%s/device'/><target dev='vdb' bus='virtio'/><alias name='ua-mine'/></disk>"
local DEVICE = ('("%s"):format(dir)'):format(DISK)

local OFF = "the guest to be off"
local ON = "the guest to run, 60 s at most"
local AGENT = "the guest's agent, 15 s at most"

-- The workflows in an order in which each finds the guest as it needs it, mostly: what is made so before, the script, and its plan: a list of calls,
-- each with how what it waits for begins, if it waits.

local function running(machine)
  if machine.guest:get_power_state() ~= guestlua.power_state.RUNNING then
    guestlua.workflow.ensure_running(machine.guest)
  end
  guestlua.await_agent(machine.guest, { timeout = 120 })
end
local function without_device(machine)
  running(machine)
  guestlua.workflow.ensure_detached(machine.guest, "vdb")
end
local function with_device(machine)
  running(machine)
  guestlua.workflow.ensure_attached(machine.guest, DISK:format(machine.dir))
end

local function with_snapshot(machine)
  running(machine)
  if #machine.guest:get_snapshot_names() == 0 then
    machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
  end
end

local ROWS = {
  { "snapshot_then_commit", running, "return workflow.snapshot_then_commit(guest, { quiesce = true })",
    { "make_image" }, { "virDomainSnapshotCreateXML" }, { "virDomainBlockCommit", "the job of vda: ready" },
    { "virDomainBlockJobAbort", "the job of vda: completed" }, { "remove_image" } },
  { "live_snapshot", running, 'return workflow.live_snapshot(guest, "vda", dir .. "/copy", { quiesce = true })',
    { "make_image" }, { "virDomainBlockCopy", "the job of vda: ready" }, { "virDomainAgentSetResponseTimeout" }, { "virDomainFSFreeze" },
    { "virDomainAgentSetResponseTimeout" }, { "virDomainBlockJobAbort" }, { "virDomainFSThaw" } },
  { "volume_snapshot_create", running, 'return workflow.volume_snapshot_create(guest, "vda", { new_file = "snap", quiesce = true })',
    { "virDomainSnapshotCreateXML" } },
  { "volume_snapshot_delete", function(machine)
    running(machine)
    if #machine:chain() == 1 then
      guestlua.workflow.volume_snapshot_create(machine.guest, "vda", { new_file = "snap" })
    end
  end, 'return workflow.volume_snapshot_delete(guest, "vda", {})',
    { "virDomainBlockRebase", "the job of vda: completed" }, { "virDomainBlockResize" } },
  { "snapshot_revert", with_snapshot, 'return workflow.snapshot_revert(guest, { name = "s", force = true })',
    { "make_image" }, { "virDomainDestroy", OFF .. ", 30 s at most" }, { "virDomainDefineXML" }, { "virDomainSnapshotCreateXML" },
    { "virDomainCreateWithFlags" }, { "remove_image" } },
  { "snapshot_delete", with_snapshot, 'return workflow.snapshot_delete(guest, { name = "s" })',
    { "virDomainSnapshotDelete" }, { "virDomainBlockCommit", "the job of vda: ready" },
    { "virDomainBlockJobAbort", "the job of vda: completed" }, { "remove_image" } },
  { "swap_volume", running, [[return workflow.swap_volume(guest, "vda",
      ("<disk type='file'><driver type='qcow2'/><source file='%s/volume'/></disk>"):format(dir), { resize_to = 64 << 20 })]],
    { "make_image" }, { "virDomainBlockCopy", "the job of vda: ready" }, { "virDomainBlockJobAbort", "the job of vda: completed" },
    { "virDomainBlockResize" } },
  { "backup", running, 'return workflow.backup(guest, { to = dir .. "/to" })',
    { "make_image" }, { "virDomainAgentSetResponseTimeout" }, { "virDomainFSFreeze" }, { "virDomainBackupBegin" }, { "virDomainFSThaw" },
    { "virDomainAgentSetResponseTimeout" }, { "virDomainAbortJob" } },
  { "restore", function(machine)
    running(machine)
    guestlua.workflow.backup(machine.guest, { to = machine.dir .. "/from" })
  end, [[guest = { name = "back" }
    return workflow.restore(host, { from = dir .. "/from/tiny", name = "back", to = dir })]],
    { "make_image" }, { "virDomainDefineXML" } },
  { "clone", function(machine)
    guestlua.workflow.ensure_stopped(machine.guest)
  end, 'return workflow.clone(guest, { name = "twin", start = true })',
    { "make_image" }, { "virDomainDefineXML" }, { "virDomainCreateWithFlags" } },
  { "attach_with_retry", without_device, ("return workflow.attach_with_retry(guest, %s)"):format(DEVICE),
    { "virDomainAttachDeviceFlags", "the device in the running guest" }, { "virDomainAttachDeviceFlags", "the device in the configuration" } },
  { "detach_with_retry", with_device, 'return workflow.detach_with_retry(guest, "vdb")',
    { "virDomainDetachDeviceFlags" }, { "virDomainDetachDeviceFlags", "the guest to release ua-mine, asked 8 times at most, 20 s each" } },
  { "ensure_attached", without_device, ("return workflow.ensure_attached(guest, %s)"):format(DEVICE),
    { "virDomainAttachDeviceFlags", "the device in the running guest" }, { "virDomainAttachDeviceFlags", "the device in the configuration" } },
  { "ensure_detached", with_device, 'return workflow.ensure_detached(guest, "vdb")',
    { "virDomainDetachDeviceFlags" }, { "virDomainDetachDeviceFlags", "the guest to release ua-mine" } },
  { "suspend", running, "return workflow.suspend(guest)",
    { "virDomainManagedSave", OFF .. ", its memory saved" } },
  { "resume", function(machine)
    if machine.guest:is_active() then
      running(machine)
      guestlua.workflow.suspend(machine.guest)
    end
  end, "return workflow.resume(guest)",
    { "virDomainCreateWithFlags", ON }, { "virDomainSetTime", AGENT } },
  { "reboot", running, "return workflow.reboot(guest)",
    { "virDomainShutdown", OFF .. ", asked again each 10 s, 120 s at most" }, { "virDomainCreateWithFlags", ON } },
  { "clean_shutdown", running, "return workflow.clean_shutdown(guest)",
    { "virDomainShutdown", OFF .. ", asked again each 10 s, 60 s at most" } },
  { "ensure_running", function(machine)
    guestlua.workflow.ensure_stopped(machine.guest)
  end, "return workflow.ensure_running(guest)",
    { "virDomainCreateWithFlags", ON } },
  { "ensure_stopped", function(machine)
    guestlua.workflow.ensure_running(machine.guest)
  end, "return workflow.ensure_stopped(guest, { force = true, timeout = 0 })",
    { "virDomainDestroy", OFF .. ", 30 s at most" } },
}

-- What changes no guest: two that look, and one that removes files.
local NONE = { backups = true, verify = true, prune = true }

-- They need two hosts. The disk's file is one that both have, but libvirt cannot know that.
local MIGRATION = { "virDomainMigrateToURI3", "the guest to be on the other host, its downtime growing to 500 ms, 1600 s at most, then aborted" }
local MOVES = {
  { "live_migrate", nil, [[
    local there <close> = guestlua.open(other)
    local result = workflow.live_migrate(guest, there, { destination_uri = other_uri, unsafe = true })
    if result.arrived then
      result.arrived:close()
    end
    return result]], MIGRATION },
  { "drain", nil, [[
    local there <close> = guestlua.open(other)
    return workflow.drain(host, { to = { { host = there, destination_uri = other_uri } }, unsafe = true })]], MIGRATION },
  { "offline_migrate", function(guest)
    guestlua.workflow.ensure_stopped(guest, { force = true, timeout = 0 })
  end, [[
    local there <close> = guestlua.open(other)
    local result = workflow.offline_migrate(guest, there, { destination_uri = other_uri })
    if result.arrived then
      result.arrived:close()
    end
    return result]], { "virDomainMigrateToURI3" } },
}

-- libvirt's functions that a row of the documentation calls to change something. A run's mark is there only while it goes on, of the agent the
-- workflows only ask whether it is there, and how often a migration's downtime grows depends on how long it takes.
local function changing()
  local names, documentation = {}, require("guestlua.core").documentation()
  for _, class in ipairs(documentation.classes) do
    for _, def in ipairs(class.methods) do
      names[def.call or ""] = def.changes or names[def.call or ""]
    end
  end
  names.virDomainSetMetadata, names.virDomainQemuAgentCommand, names.virDomainMigrateSetMaxDowntime = nil, nil, nil
  return names
end

-- What changes something is asked again if the guest is slow: it counts once.
local function made(calls)
  local names, list = changing(), {}
  for _, call in ipairs(calls) do
    if names[call.name] and list[#list] ~= call.name then
      list[#list + 1] = call.name
    end
  end
  return list
end

local function planned(out)
  local all, calls = {}, {}
  for call, waits in out:gmatch("([^\t\n]+)\t([^\n]*)\n") do
    all[#all + 1] = { call, waits }
    if call:find("^vir") and calls[#calls] ~= call then
      calls[#calls + 1] = call
    end
  end
  return all, calls
end

-- Runs the script of a row twice, in a dry run and then really.
local function compare(row, options)
  local script = CHILD:format(row[3])
  local code, out, err, calls = faults.run("guestlua.dry_run(true)\n" .. script, options)
  assert.equal(0, code, err)
  assert.same({}, made(calls))
  local all, plan = planned(out)
  assert.equal(#row - 3, #all, out)
  for i, one in ipairs(all) do
    local call, begins = row[i + 3][1], row[i + 3][2] or ""
    assert.same({ call, begins }, { one[1], begins == "" and one[2] or one[2]:sub(1, #begins) }, out)
  end
  code, out, err, calls = faults.run(script, options)
  assert.same({ 0, "" }, { code, out }, err)
  assert.same(plan, made(calls))
end

describe("The plan of a dry run", function()
  local machine, missing
  lazy_setup(function()
    machine, missing = faults.daemon()
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
  end)
  helper.leaves_nothing(function()
    if machine then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
    end
  end)

  it("is there for every workflow", function()
    local names = {}
    for name, fn in pairs(guestlua.workflow) do
      names[name] = type(fn) == "function" and not NONE[name] or nil
    end
    for _, row in ipairs(table.move(ROWS, 1, #ROWS, #MOVES + 1, table.move(MOVES, 1, #MOVES, 1, {}))) do
      assert.is_true(names[row[1]], row[1])
      names[row[1]] = nil
    end
    assert.same({}, names)
  end)

  local clean = false -- a row that fails leaves the next a new guest
  for _, row in ipairs(ROWS) do
    it("is what is done by " .. row[1], function()
      if not machine then
        return pending(missing)
      elseif not clean then
        machine:reset()
        assert(os.execute(("cd %s && qemu-img create -q -f qcow2 -b %s -F qcow2 snap && truncate -s 1M device && chmod 666 snap device"):format(
          machine.dir, machine.disk)))
      end
      clean = false
      row[2](machine)
      compare(row, { args = { machine.uri, machine.dir }, env = { XDG_STATE_HOME = machine.root .. "/state" } })
      clean = true
    end)
  end

  it("is what is done by those that move a guest", function()
    local two <close>, why = hosts.up()
    if not two then
      return pending(why)
    end
    two:boot("tiny", two.dir .. "/shared")
    local here, there = "a", "b"
    for _, row in ipairs(MOVES) do
      if row[2] then
        local guest <close> = two[here]:guest("tiny")
        row[2](guest)
      end
      compare(row, { args = { two[here].uri, two.dir, two[there].uri, ("qemu+tcp://%s/system"):format(two.address[there]) },
        env = { XDG_STATE_HOME = two.dir .. "/state" } })
      here, there = there, here
    end
  end)
end)
