-- The moment of a backup: libvirt's job, which begins between a freeze and a thaw of the guest's file systems, and its scratch files.

local freezing = require("guestlua.workflow.freezing")
local core = require("guestlua.core")
local freeze = require("guestlua.guest.freeze")
local image = require("guestlua.disk.image")
local retry = require("guestlua.workflow.retry")
local undo = require("guestlua.base.undo")
local watchdog = require("guestlua.guest.watchdog")

local moment = {}

-- Seconds: the default limit for a freeze of the file systems, how long the end of a stopped job is waited for, and how long that of a job of which
-- only the server is known to be gone.
local FREEZE, ENDING, GOING = 60, 60, 5

-- The disks of a guest with saved memory are those of a system that runs: "off" is one that was shut down.
local function consistency_when_off(run)
  local domain = run.guest.domain
  local known, saved = retry.try(domain.has_managed_save_image, domain)
  if known and saved then
    table.insert(run.left_out, { target = "memory", why = "it is saved (managed save), and the disks alone are those of a system that runs" })
    return "crash"
  end
  return "off"
end

-- The guest's state at the moment.
function moment.consistency(run)
  if run.off then
    return consistency_when_off(run)
  elseif run.options.quiesce then
    freeze.check_quiesce(run.guest)
    return "frozen"
  elseif run.options.quiesce == nil and run.before.word == "running" and retry.try(freeze.check_agent, run.guest) then
    return "frozen"
  end
  return "crash"
end

local function backup_element(run)
  local list = {}
  for i, disk in ipairs(run.disks) do
    local changed = disk.since ~= nil
    list[i] = { name = disk.target, backup = "yes", type = "file", backupmode = changed and "incremental" or "full",
      incremental = changed and run.last_checkpoint or nil,
      driver = { type = "qcow2" } }
    if run.push then
      list[i].target = { file = run.data.disks[i].image.path }
    else
      list[i].exportname, list[i].exportbitmap = disk.target, changed and "backup-" .. disk.target or nil
      list[i].scratch = { file = disk.scratch.path }
    end
  end
  for _, disk in ipairs(run.data.left_out) do
    list[#list + 1] = { name = disk.target, backup = "no" }
  end
  local server = not run.push and { transport = "unix", socket = run.data.socket } or nil
  return core.element("domainbackup", { mode = run.push and "push" or "pull", server = server, disks = { disk = list } })
end

local function checkpoint_element(run)
  local list = {}
  for i, disk in ipairs(run.disks) do
    list[i] = { name = disk.target, checkpoint = disk.noted and "bitmap" or "no" }
  end
  for _, disk in ipairs(run.data.left_out) do
    list[#list + 1] = { name = disk.target, checkpoint = "no" }
  end
  return run.data.checkpoint and core.element("domaincheckpoint", { name = { run.data.checkpoint }, disks = { disk = list } }) or nil
end

local function begin(run, conf, conf_checkpoint)
  run.time = os.date("!%Y-%m-%dT%H:%M:%SZ")
  core.shield(run.guest.backup_begin, run.guest, conf, conf_checkpoint, { reuse_ext = run.push or nil })
end

-- Only the beginning of the backup is between freeze and thaw.
function moment.begin(run)
  local guest = run.guest
  local conf, conf_checkpoint = backup_element(run), checkpoint_element(run)
  if run.consistency ~= "frozen" then
    begin(run, conf, conf_checkpoint)
  else
    local dog <close> = watchdog.start(guest) -- luacheck: ignore dog
    local thawed <close> = undo.guard(function(failure) -- luacheck: ignore thawed
      if not failure then -- the step's undo thaws if it fails
        freeze.thaw_once(guest)
        freezing.over(run)
      end
    end)
    freezing.begin(run)
    freeze.freeze(guest, run.options.freeze_timeout or FREEZE, function()
      local frozen = core.now()
      begin(run, conf, conf_checkpoint)
      thawed:close()
      run.frozen_for = core.now() - frozen
    end)
  end
  for _, disk in ipairs(run.data.disks) do
    run:expect(disk.target, { job = true })
  end
end

-- Whether the guest has the run's backup job, and whether it has another: a job of somebody else has another socket, or writes other files.
local function look(run)
  local xml = run.guest:is_active() and run.guest:get_backup_xml()
  local own = xml and xml:find(run.data.pushed or run.data.socket, 1, true) ~= nil
  return own, xml and not own
end

function moment.has_job(run)
  return (look(run))
end

local function described(run)
  local deadline = core.now() + GOING
  local own, other = look(run)
  while own and core.now() < deadline do
    core.sleep(0.05)
    own, other = look(run)
  end
  if not own and run.guest:is_active() then
    return "the backup job has ended before its time" .. (other and ", and the guest has another one" or "")
  end
end

-- How the job ended, if somebody else ended it; nil: it goes on, the guest does not run, or the host does not answer. libvirt first ends the server,
-- by which a copy notices, and then the job.
function moment.ended_by_others(run)
  local ok, text = retry.try(core.within, core.now() + 2 * GOING, 0, described, run)
  return ok and text or nil
end

-- Ends the run's backup job.
function moment.finish(run)
  local guest, data = run.guest, run.data
  local deadline = core.now() + ENDING
  local asked = false
  while look(run) do
    local ok, e = retry.try(guest.abort_job, guest)
    asked = asked or ok
    if core.now() >= deadline then
      error(not ok and e or core.Error.new({ kind = "timeout", guest = guest.name, message = "the backup job does not end" }), 0)
    end
    core.sleep(0.05)
  end
  for _, disk in ipairs(data.disks) do
    run:expect(disk.target, { job = false })
  end
  return asked
end

-- Removes the scratch files and the socket, which stay if QEMU or libvirt died.
function moment.remove_scratch(run)
  if core.find_image(run.data.socket) then
    core.remove_file(run.data.socket)
  end
  for _, disk in ipairs(run.data.disks) do
    if disk.scratch and core.find_image(disk.scratch.path) then
      local gone, why = image.remove(run.guest, disk.scratch)
      if not gone then
        run:leave(disk.scratch.path, why)
      end
    end
  end
end

-- From now on the scratch files are identified by device and inode.
function moment.note_scratch(run)
  for _, disk in ipairs(run.data.disks) do
    local found = disk.scratch and core.find_image(disk.scratch.path)
    if found then
      disk.scratch.dev, disk.scratch.ino, disk.scratch.born = found.dev, found.ino, found.born
    end
  end
end

return moment
