-- Disks, the chains of their images, and the jobs on them, for the workflows.

local core = require("guestlua.core")
local lower = require("guestlua.disk.lower")
local retry = require("guestlua.workflow.retry")
local situation = require("guestlua.workflow.situation")
local steps = require("guestlua.workflow.steps")

local chain = { text = situation.text, image_of = situation.image_of, targets = situation.targets }

-- MiB/s: libvirt counts them in bytes. More would be refused only by the call that starts a job, and by the one that is to take it back.
chain.MOST_BANDWIDTH = math.maxinteger >> 20

-- ---- disks and images ----

-- Disks that the guest can write to: what "all" means. A CD-ROM or floppy may be empty.
local function is_writable(element)
  return (element.device == nil or element.device == "disk" or element.device == "lun") and not element.readonly
end

-- Every disk of the guest as it is now: { target, type, images, element }, in order. options.inactive: as it will start with them; options.domain: as
-- this description has them, which was just read.
function chain.all(guest, options)
  local disks = {}
  local domain = options and options.domain or core.element(guest:get_xml_desc({ dump_inactive = options and options.inactive or false }))
  for i, element in ipairs(domain.devices:children("disk")) do
    disks[i] = { target = element.target.dev, type = element.type, images = situation.images_of(element), element = element }
  end
  return disks
end

-- Those with these targets, whether the guest can write to them or not; names is nil: all that it can write to.
function chain.disks(guest, names, options)
  local found, wanted = {}, {}
  for _, name in ipairs(names or {}) do
    wanted[name] = true
  end
  for _, disk in ipairs(chain.all(guest, options)) do
    if names and wanted[disk.target] or not names and is_writable(disk.element) then
      found[#found + 1] = disk
      wanted[disk.target] = nil
    end
  end
  local missing = next(wanted)
  if missing then
    steps.fail("device_not_found", guest, { device = missing, device_type = "disk", message = "the guest has no such disk" })
  end
  return found
end

function chain.disk(guest, target, options)
  return chain.disks(guest, { target }, options)[1]
end

-- The same, or nil if the guest has no such disk.
function chain.find(guest, target, options)
  for _, disk in ipairs(chain.all(guest, options)) do
    if disk.target == target then
      return disk
    end
  end
end

-- What the guest starts with, an Element; nil: it has no persistent configuration. persistent: whether it has one.
function chain.configuration(guest, persistent)
  return persistent and core.element(guest:get_xml_desc({ dump_inactive = true })) or nil
end

-- The disk as the guest will start with it, or nil: it was attached to the running guest only, or the configuration has another image at its target.
-- configuration: of chain.configuration.
function chain.configured(guest, target, name, configuration)
  local disk = configuration and chain.find(guest, target, { domain = configuration })
  return disk and disk.images[1] == name and disk or nil
end

function chain.images(guest, target, options)
  return chain.disk(guest, target, options).images
end

function chain.has(images, name)
  for _, candidate in ipairs(images) do
    if candidate == name then
      return true
    end
  end
  return false
end

-- Raises an error about one disk.
function chain.fail(kind, guest, target, fields)
  fields.device, fields.device_type = target, "disk"
  steps.fail(kind, guest, fields)
end

-- Calls fn with each item of a list, even after a failure; then raises the first failure.
function chain.each(list, fn)
  local failure
  for _, one in ipairs(list) do
    local ok, e = pcall(fn, one)
    if retry.stops(e) then
      error(e, 0)
    end
    failure = failure or not ok and e or nil
  end
  if failure then
    error(failure, 0)
  end
end

-- ---- what may be done to a disk ----

-- Whether an image's content is encrypted. layer: a <disk>, or a <backingStore> in one.
function chain.is_encrypted(layer)
  return layer.encryption ~= nil or layer.source ~= nil and layer.source.encryption ~= nil
end

-- Whether any of a disk's images is encrypted.
function chain.has_encrypted(disk)
  local layer, encrypted = disk.element, false
  while layer and not encrypted do
    encrypted, layer = chain.is_encrypted(layer), layer.backingStore
  end
  return encrypted
end

-- Refuses to write a disk's data unencrypted if any of its images is encrypted, unless the option asks for it. The result lists these disks.
-- what: the destination, if it is not a file.
function chain.check_plain(run, disk, what)
  if not chain.has_encrypted(disk) then
    return
  elseif not run.options.plain then
    chain.fail("argument_unsupported", run.guest, disk.target, {
      message = "the disk is encrypted, and what the guest writes would be in " .. (what or "a file that is not"),
      hint = "plain=true allows that",
    })
  end
  run.plain = run.plain or {}
  table.insert(run.plain, disk.target)
end

chain.PLAIN_FIELD = { name = "plain", type = "string[]?", help = "the targets of encrypted disks with data now stored unencrypted, as the option "
  .. "plain allows" }
chain.PLAIN = { name = "plain", type = "boolean", help = "store an encrypted disk's data in an unencrypted file; default: that is refused" }

-- Why a disk gets no overlay and no point-in-time copy, and what helps; nil: both are possible.
function chain.unfit(element)
  if element.shareable then
    return "it is shareable: other guests may write to it", "once no other guest has it: attach it again without <shareable/>"
  elseif element.transient then
    return "it is transient: what the guest writes to it is thrown away", "its image is as it was when the guest started: copy that"
  end
end

-- Refuses an unfit disk that was asked for by name.
function chain.check_fit(guest, disk)
  local why, hint = chain.unfit(disk.element)
  if why then
    chain.fail("argument_unsupported", guest, disk.target, { message = why, hint = hint })
  end
end

-- The disks that "all" leaves out: a list of {target, why}. domain: the guest's description.
function chain.left_out(domain, taken)
  local list, meant = {}, {}
  for _, target in ipairs(taken) do
    meant[target] = true
  end
  for _, element in ipairs(domain.devices:children("disk")) do
    if not meant[element.target.dev] then
      local kind = element.device
      list[#list + 1] = { target = element.target.dev, why = element.readonly and "it is read-only" or (chain.unfit(element))
        or (kind == "cdrom" or kind == "floppy") and "it is removable" or ("it is of type %s"):format(element.type) }
    end
  end
  return #list > 0 and list or nil
end

-- Raises if somebody has put another file in the place of an image that is to be written to, or that others are on: see lower.lua.
function chain.check_same(run, file)
  local why = file and not core.dry_run() and lower.problem(file)
  if why then
    run:interfered(why)
  end
end

-- ---- jobs ----

-- Refuses a disk that has a job: it belongs to somebody else. seen: how run:watch has just found the disk.
function chain.check_idle(guest, target, seen)
  if seen and seen.job or not seen and guest:get_block_device(target):get_job_info() then
    chain.fail("block_copy_active", guest, target, {
      message = "the disk has a job already",
      hint = "see disk:get_job_info(); disk:await_job() waits for its end, disk:abort_job() ends it",
    })
  end
end

-- The disk, one object for the whole run: it has the events of the job that was started on it, and for another object that job's end would be over
-- without an event.
function chain.device(run, target)
  run.devices = run.devices or {}
  run.devices[target] = run.devices[target] or run.guest:get_block_device(target)
  return run.devices[target]
end

-- Seconds after which a wait goes by what the job has done: the one that the disk has may be somebody else's next one, which may have no end.
local AGAIN = 5

local function await_job(run, disk, proven)
  while true do
    local left = run:time_left()
    local ok, outcome, reason = pcall(disk.await_job, disk, {
      timeout = proven and math.min(left or AGAIN, AGAIN) or left,
      on_progress = not run.taking_back and run.options.on_progress or nil,
    })
    if ok then
      return outcome, reason
    elseif not proven or not core.Error.is(outcome, "timeout") or outcome.op ~= "await_job" then
      error(outcome, 0)
    elseif proven() then
      return "unknown"
    elseif left and left <= AGAIN then
      error(outcome, 0)
    end
  end
end

-- Waits for a job of the run and raises if it does not end as wanted. An unknown end is no success; proven: a function that checks for success if no
-- event reported it, or one that somebody else's next job is ready.
function chain.await(run, disk, wanted, proven)
  local outcome, reason = await_job(run, disk, proven)
  if outcome == wanted or (outcome == "unknown" or outcome == "ready") and proven and proven() then
    return
  elseif outcome == "canceled" or outcome == "completed" then -- "ready" was expected, for the run to pivot
    run:interfered(("the job of disk %s was %s"):format(disk.name, outcome == "canceled" and "aborted" or "pivoted"))
  end
  chain.fail(outcome == "unknown" and "job_unknown" or "job_" .. outcome, disk.guest, disk.name, {
    message = ("the job ended as '%s', not '%s'%s"):format(outcome, wanted, reason and ": " .. reason or ""),
    hint = "look at guest:get_disk_errors(), and at the free space of the images' file system",
  })
end

-- The destination of the disk's copy job, and the kind of job; nil: it has no copy job.
function chain.mirror(guest, target)
  local element = chain.disk(guest, target).element
  return situation.mirror_of(element), element.mirror and element.mirror.job
end

-- Ends the disk's job, without a pivot, if it copies to that image: no other job is the run's.
function chain.end_job_to(guest, target, name)
  if chain.mirror(guest, target) ~= name then
    return
  end
  local disk = guest:get_block_device(target)
  local ok, e = pcall(disk.abort_job, disk)
  if not ok and chain.mirror(guest, target) == name then
    error(e, 0)
  end
end

local function job_is_gone(run, target, name)
  run:interfered(("the job of disk %s to %s is gone"):format(target, name))
end

-- Raises if the run's job to that image is gone.
function chain.check_job_to(run, target, name)
  if not core.dry_run() and chain.mirror(run.guest, target) ~= name then
    job_is_gone(run, target, name)
  end
end

-- Moves the guest to the image that the run's job has made ready, if nobody has done so already. Returns the disk's images before.
function chain.pivot(run, target, name)
  local disk, now = run.guest:get_block_device(target), chain.disk(run.guest, target)
  if not core.dry_run() and now.images[1] ~= name and situation.mirror_of(now.element) ~= name then
    job_is_gone(run, target, name)
  end
  local ok, e = pcall(disk.abort_job, disk, { pivot = true })
  if not ok and chain.images(run.guest, target)[1] ~= name then
    error(e, 0)
  end
  return now.images
end

chain.UNWRITTEN = "QEMU may not have written all of it yet: keep the images that were below until the guest has flushed its disk"

-- Has QEMU write what it keeps of the topmost image in memory: after a pull that names nothing below it any more, and what it got from there would be
-- lost with a QEMU that is killed before the guest flushes the disk. A disk that is given a size has it written, if it is the one that it has; one
-- that the guest only reads, as QEMU opens it for that again when the job is over.
function chain.flush(guest, target)
  local there = chain.find(guest, target)
  if there and there.element.readonly then
    return
  end
  local ok, e = retry.try(function()
    local disk = guest:get_block_device(target)
    disk:resize(disk:get_block_info().capacity)
  end)
  if not ok then
    e.hint = "the merge is done; " .. chain.UNWRITTEN
    error(e, 0)
  end
end

-- ---- snapshots ----

-- libvirt adds each disk that a snapshot does not name, and makes an image for it with the snapshot's name in its own: with one that is too long for
-- a file's it cannot. A disk that somebody attaches meanwhile has the snapshot fail, then, and gets no image that nobody knows of.
local UNUSABLE = "guestlua-" .. ("x"):rep(255)

-- How often a snapshot is asked for if disks come or go each time.
local ASKED = 3

local function snapshot_xml(domain, wanted)
  local list, meant = table.move(wanted, 1, #wanted, 1, {}), {}
  for _, one in ipairs(wanted) do
    meant[one.name] = true
  end
  for _, disk in ipairs(chain.all(nil, { domain = domain })) do
    if not meant[disk.target] then
      list[#list + 1] = { name = disk.target, snapshot = "no" }
    end
  end
  return core.element("domainsnapshot", { name = { UNUSABLE }, disks = { disk = list } })
end

-- The disk that came or went since the guest had this description, of those that the snapshot is not of; nil: none, or it was taken all the same.
local function come_or_gone(guest, domain, wanted)
  local was, now = {}, {}
  for _, disk in ipairs(chain.all(nil, { domain = domain })) do
    was[disk.target] = disk
  end
  for _, disk in ipairs(chain.all(guest)) do
    now[disk.target] = disk
  end
  for _, one in ipairs(wanted) do
    local disk = now[one.name]
    if not disk or situation.text(disk.images) ~= situation.text(was[one.name] and was[one.name].images or {}) then
      return nil
    end
  end
  for target in pairs(was) do
    now[target] = not now[target] or nil
  end
  return (next(now))
end

-- Takes a snapshot of the guest's disks in this list of tables for <disk>, and of no others.
function chain.snapshot(run, wanted, flags)
  local guest = run.guest
  for i = 1, ASKED do
    local domain = core.element(guest:get_xml_desc())
    local ok, e = pcall(guest.snapshot, guest, snapshot_xml(domain, wanted), flags)
    if ok then
      return
    elseif retry.stops(e) or e.still_running then
      error(e, 0)
    end
    local known, target = retry.try(come_or_gone, guest, domain, wanted)
    if not known or not target then
      error(e, 0)
    elseif i == ASKED then
      run:interfered(("disk %s came or went each time that the snapshot was asked for"):format(target), e)
    end
  end
end

-- ---- copies ----

-- Starts a copy of the disk. The job is lost if the guest stops; libvirt wants the caller to accept that: `transient`.
function chain.copy(run, disk, destination, name)
  local options = run.options
  disk:copy(destination, { shallow = options.shallow, reuse_ext = options.reuse_ext, bandwidth = options.bandwidth, transient = true })
  run:expect(disk.name, { mirror = name, job = true })
end

return chain
