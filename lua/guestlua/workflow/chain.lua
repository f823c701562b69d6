-- Disks and the chains of their images, for the workflows.

local core = require("guestlua.core")
local frame = require("guestlua.workflow.frame")

local chain = {}

-- The name of an image, from its element with a <source>.
local function image_of(layer)
  local source = layer.source
  return source and (source.file or source.dev or source.name or source.volume)
end

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

function chain.images(guest, target)
  return chain.disks(guest, { target })[1].images
end

function chain.text(images)
  return table.concat(images, " <- ")
end

-- Waits for a job and raises where it does not end as wanted.
function chain.await(disk, wanted, options)
  local outcome, reason = disk:await_job({ timeout = options.timeout, on_progress = options.on_progress })
  if outcome ~= wanted then
    frame.fail(outcome == "unknown" and "job_unknown" or "job_" .. outcome, disk.guest, {
      device = disk.name,
      device_type = "disk",
      message = ("the job ended as '%s', not '%s'%s"):format(outcome, wanted, reason and ": " .. reason or ""),
      hint = "look at guest:get_disk_errors(), and at the free space where the images are",
    })
  end
end

-- Ends whatever job the disk has, without a pivot, and waits for that.
function chain.end_job(disk)
  if disk:get_job_info() then
    local ok, e = pcall(disk.abort_job, disk)
    if not ok and disk:get_job_info() then
      error(e, 0)
    end
  end
end

-- Merges the topmost image of a disk into the one below it and moves the guest there. options: timeout, bandwidth,
-- on_progress.
function chain.commit(guest, target, options)
  local disk = guest:get_block_device(target)
  disk:commit(nil, nil, { active = true, shallow = true, bandwidth = options.bandwidth })
  local ok, e = pcall(chain.await, disk, "ready", options)
  if not ok then
    chain.end_job(disk)
    error(e, 0)
  end
  disk:abort_job({ pivot = true })
  chain.await(disk, "completed", { timeout = options.timeout })
end

-- Makes `base` the topmost image of a disk again, from wherever a failure left it: a job that is under way is ended first, and images above are merged
-- into it. Can be called again.
function chain.settle(guest, target, base, options)
  local disk = guest:get_block_device(target)
  for _ = 1, 8 do -- the topmost of a chain that grew by more than one image is merged first
    chain.end_job(disk)
    local images = chain.images(guest, target)
    if images[1] == base then
      return images
    end
    local below = false
    for _, image in ipairs(images) do
      below = below or image == base
    end
    if not below then
      break
    end
    chain.commit(guest, target, options or {})
  end
  frame.fail("operation_failed", guest, {
    device = target,
    device_type = "disk",
    message = ("the disk's images are %s, and %s is not the topmost"):format(chain.text(chain.images(guest, target)), base),
  })
end

return chain
