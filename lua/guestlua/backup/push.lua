-- Backups that QEMU writes itself (libvirt's push mode), into images that are made before. They need no libnbd, but without it have no checksums.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local engine = require("guestlua.backup.engine")
local image = require("guestlua.disk.image")
local moment = require("guestlua.backup.moment")
local retry = require("guestlua.workflow.retry")

local push = {}

push.PARAM = { name = "mode", type = "string", help = "\"pull\": guestlua reads the disks; \"push\": QEMU writes the images itself, into a directory "
  .. "that its user may enter, without compression and without a limit; default: \"pull\", or \"push\" if guestlua was built without libnbd" }

-- Seconds between two looks at the job: at first, and at most.
local SOON, SELDOM = 0.02, 0.5

-- Seconds for QEMU to close the images.
local CLOSING = 30

-- Of the directory that QEMU writes into: its user may enter it, and no more.
push.MODE = tonumber("711", 8)

-- virDomainJobOperation
local OF_A_BACKUP = 9

-- Options that are for pull mode.
local PULLED = {
  compress = "QEMU does not compress what it pushes",
  encrypt = "the passphrase would have to be a secret of libvirt's, and is not",
  bandwidth = "libvirt has no limit for what is pushed",
  manifest = "QEMU pushes into files only",
  scratch = "there are no scratch files",
  reserve = "there are no scratch files",
}

-- Whether the run is to push; raises if it cannot do what was asked.
function push.decide(run)
  local options, op = run.options, run.workflow
  if options.mode and options.mode ~= "pull" and options.mode ~= "push" then
    bad(op, "mode", "\"pull\" or \"push\" expected")
  elseif options.mode == "pull" or not options.mode and core.nbd_copy then
    engine.check()
    return false
  elseif options.verify then
    engine.check()
  end
  for name, why in pairs(PULLED) do
    if options[name] then
      bad(op, name, options.mode and why .. ": mode=\"pull\" does it" or why .. ", and to pull guestlua has to be built with libnbd")
    end
  end
  return true
end

-- Makes the images, which libvirt finds ready.
function push.prepare(run)
  for i, disk in ipairs(run.push and not core.dry_run() and run.disks or {}) do
    image.check_own(run.guest, disk.target, run.data.disks[i].image)
    engine.create(run.data.disks[i].image, "qcow2", disk.size, { backing = disk.since and disk.since.chain[1].file })
  end
end

-- What the backup lacks in comparison with one that was pulled; nil: nothing.
function push.lacks(run)
  if not run.push then
    return nil
  elseif not core.nbd_copy then
    return { "checksums: guestlua was built without libnbd, so a restore compares nothing, and verify cannot be" }
  end
  return { "checksums of what was read: they are of the images as QEMU wrote them" }
end

-- Waits until the job has ended by itself.
local function await(run)
  local pause, on_progress = SOON, run.options.on_progress
  while moment.has_job(run) do
    local ok, info = retry.try(run.guest.get_job_info, run.guest)
    if on_progress and ok and info.disk_total > 0 then
      on_progress({ size = info.disk_total, at = info.disk_processed, read = info.disk_processed, written = info.disk_processed })
    end
    core.sleep(pause)
    pause = math.min(pause * 2, SELDOM)
  end
end

local function check_end(run)
  local guest = run.guest
  if not guest:is_active() then
    run:fail("operation_invalid", { message = "the guest has gone off, and with it the backup job" })
  end
  local how, stats = guest.domain:get_job_stats({ completed = true, keep_completed = true })
  if stats.operation ~= OF_A_BACKUP or how == "cancelled" then
    run:interfered("the backup job has ended before its time")
  elseif not stats.success then
    local why = stats.errmsg or "libvirt does not say why"
    run:fail(why:find("No space left on device", 1, true) and "no_space" or "io_error", { message = "QEMU could not write the backup: " .. why })
  end
end

-- QEMU closes the images a little after its job has ended.
local function await_closed(run)
  local deadline = core.now() + CLOSING
  for _, entry in ipairs(run.data.disks) do
    while core.image_lock(entry.image.path) do
      if core.now() > deadline then
        run:fail("timeout", { device = entry.target, device_type = "disk", message = "QEMU does not close " .. entry.image.path })
      end
      core.sleep(SOON)
    end
  end
end

-- The checksums of the images through their chains, each list for all of the disk.
local function sum(run)
  local copies = {}
  for i, entry in ipairs(run.data.disks) do
    local errors = run.store:path(("%s.%s.from"):format(run.id, entry.target))
    copies[i] = { target = entry.target, errors = { errors }, from = engine.reader(entry.image.path, "qcow2", errors),
      made = run.store:path(entry.sums) }
  end
  return engine.copy(copies)
end

-- Waits for the images. Returns the results as of copies.
function push.copy(run)
  await(run)
  check_end(run)
  moment.finish(run)
  await_closed(run)
  if core.nbd_copy then
    return sum(run)
  end
  local results = {}
  for i, entry in ipairs(run.data.disks) do
    entry.sums, results[i] = nil, {}
  end
  return results
end

return push
