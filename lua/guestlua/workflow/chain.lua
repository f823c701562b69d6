-- Disks, the chains of their images, and the jobs on them, for the workflows.

local core = require("guestlua.core")
local frame = require("guestlua.workflow.frame")
local undo = require("guestlua.undo")

local chain = {}

-- ---- disks and images ----

-- The name of an image, from its element with a <source>.
local function image_of(layer)
  local source = layer.source
  return source and (source.file or source.dev or source.name or source.volume)
end
chain.image_of = image_of

-- The names of a disk's images, topmost first.
local function images_of(disk)
  local images, layer = {}, disk
  while layer do
    images[#images + 1] = image_of(layer)
    layer = layer.backingStore
  end
  return images
end

-- The guest's disks as they are now (options.inactive: as it will start with them): { target, type, images, element }, in order. names: the targets
-- of those that are meant; nil: all that can be written to and have an image.
function chain.disks(guest, names, options)
  local found, wanted = {}, {}
  for _, name in ipairs(names or {}) do
    wanted[name] = true
  end
  local xml = guest:get_xml_desc({ dump_inactive = options and options.inactive or false })
  for _, element in ipairs(core.element(xml).devices:children("disk")) do
    local target = element.target.dev
    local usable = element.device == "disk" and not element.readonly and image_of(element)
    if names and wanted[target] or not names and usable then
      found[#found + 1] = { target = target, type = element.type, images = images_of(element), element = element }
      wanted[target] = nil
    end
  end
  local missing = next(wanted)
  if missing then
    frame.fail("device_not_found", guest, { device = missing, device_type = "disk", message = "the guest has no such disk" })
  end
  return found
end

function chain.disk(guest, target, options)
  return chain.disks(guest, { target }, options)[1]
end

function chain.images(guest, target)
  return chain.disk(guest, target).images
end

function chain.has(images, image)
  for _, candidate in ipairs(images) do
    if candidate == image then
      return true
    end
  end
  return false
end

function chain.text(images)
  return table.concat(images, " <- ")
end

-- Whether the guest's files are on this machine.
local function is_local(guest)
  return guest.host.uri:find("^[%w+]+:///") ~= nil
end

-- Removes a file that the workflow had made, where it can be. Whether it is gone.
function chain.remove_file(guest, path)
  if not is_local(guest) then
    return false
  end
  local ok, _, code = os.remove(path)
  return ok or code == 2 -- ENOENT
end

-- Refuses a file that is there already: taking back would remove it. On another machine libvirt refuses it.
function chain.check_new(guest, target, path)
  local file <close> = is_local(guest) and io.open(path) or nil
  if file then
    frame.fail("operation_invalid", guest, { device = target, device_type = "disk", message = ("there is a file %s already"):format(path) })
  end
end

-- ---- jobs ----

-- Refuses a disk that has a job: it is somebody else's.
function chain.check_idle(guest, target)
  local job = guest:get_block_device(target):get_job_info()
  if job then
    frame.fail("block_copy_active", guest, {
      device = target,
      device_type = "disk",
      message = "the disk has a job already",
      hint = "see disk:get_job_info(); disk:await_job() waits for its end, disk:abort_job() ends it",
    })
  end
end

-- Waits for a job and raises where it does not end as wanted. What is not known is no success; proven: a function that looks whether it did all the
-- same, where no event told.
function chain.await(disk, wanted, options, proven)
  local outcome, reason = disk:await_job({ timeout = options.timeout, on_progress = options.on_progress })
  if outcome ~= wanted and not (outcome == "unknown" and proven and proven()) then
    frame.fail(outcome == "unknown" and "job_unknown" or "job_" .. outcome, disk.guest, {
      device = disk.name,
      device_type = "disk",
      message = ("the job ended as '%s', not '%s'%s"):format(outcome, wanted, reason and ": " .. reason or ""),
      hint = "look at guest:get_disk_errors(), and at the free space where the images are",
    })
  end
end

-- Ends whatever job the disk has, without a pivot.
function chain.end_job(disk)
  if disk:get_job_info() then
    local ok, e = pcall(disk.abort_job, disk)
    if not ok and disk:get_job_info() then
      error(e, 0)
    end
  end
end

-- ---- commit ----

-- Merges the topmost image of a disk into the one below it and moves the guest there. options: timeout, bandwidth, on_progress.
function chain.commit(guest, target, options)
  local disk, below = guest:get_block_device(target), chain.images(guest, target)[2]
  core.shield(disk.commit, disk, nil, nil, { active = true, shallow = true, bandwidth = options.bandwidth })
  local ok, e = pcall(chain.await, disk, "ready", options)
  if not ok then
    core.shield(chain.end_job, disk)
    error(e, 0)
  end
  core.shield(disk.abort_job, disk, { pivot = true })
  chain.await(disk, "completed", { timeout = options.timeout }, function()
    return chain.images(guest, target)[1] == below
  end)
end

-- Makes `base` the topmost image of a disk again, from wherever a failure left it: a job that is under way is ended first, and images above are
-- merged into it. Can be called again.
function chain.settle(guest, target, base, options)
  for _ = 1, 8 do -- the topmost of a chain that grew by more than one image is merged first
    local images = chain.images(guest, target)
    if images[1] == base then
      return
    elseif not chain.has(images, base) then
      break
    end
    chain.end_job(guest:get_block_device(target))
    chain.commit(guest, target, options or {})
  end
  frame.fail("operation_failed", guest, {
    device = target,
    device_type = "disk",
    message = ("the disk's images are %s, and %s is not the topmost"):format(chain.text(chain.images(guest, target)), base),
  })
end

-- ---- copy ----

-- Where a copy of the disk goes that is under way, or nil.
function chain.mirror(guest, target)
  local mirror = chain.disk(guest, target).element.mirror
  return mirror and mirror.job ~= "active-commit" and (image_of(mirror) or mirror.file)
end

-- Makes the guest's configuration again where it has none.
function chain.define(guest, configuration)
  local host = guest.host
  local current = host:guest(guest.uuid)
  if not current or not current:has_persistent_configuration() then
    host:write_instance_config(configuration):close()
  end
  if current then
    current:close()
  end
end

local function is_too_old(e)
  local message = core.Error.is(e) and e.message or ""
  return message:find("unsupported flags", 1, true) or message:find("domain is not transient", 1, true)
end

-- Starts a copy of the disk. The job would be lost if the guest stopped, and libvirt wants to hear that we know. One that is too old for that (before
-- 3.5) makes no copy as long as the guest has a configuration: it gets it back at once, and until then the journal has it, with its secrets.
function chain.copy(run, disk, destination, options)
  local fields = { shallow = options.shallow, reuse_ext = options.reuse_ext, bandwidth = options.bandwidth, transient = true }
  local ok, e = pcall(disk.copy, disk, destination, fields)
  if ok then
    return
  elseif not is_too_old(e) then
    error(e, 0)
  end
  local guest = disk.guest
  local configuration = guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true })
  run:record({ configuration = configuration })
  local guard <close> = undo.guard(function()
    frame.insist(guest, function()
      chain.define(guest, configuration)
    end)
    run:record({ configuration = false })
  end)
  guest:delete_configuration({ keep_vtpm = true, keep_nvram = true })
  fields.transient = nil
  disk:copy(destination, fields)
end

-- Ends a copy to that image, if it is still under way, without a pivot.
function chain.end_copy(guest, target, image)
  if chain.mirror(guest, target) == image then
    chain.end_job(guest:get_block_device(target))
  end
end

return chain
