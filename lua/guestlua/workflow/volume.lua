-- Which disk of a guest a storage service means, and whether an image of that disk may be written to.

local chain = require("guestlua.workflow.chain")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
local steps = require("guestlua.workflow.steps")
local tree = require("guestlua.workflow.snapshot.tree")

local volume = {}

-- The disk with that serial or target.
function volume.find(run, name)
  local guest, found, targets = run.guest, nil, {}
  for _, disk in ipairs(chain.all(guest, { domain = run:domain() })) do
    local serial = disk.element.serial and disk.element.serial[1]
    if serial == name or disk.target == name then
      found, targets[#targets + 1] = disk, disk.target
    end
  end
  if not found then
    steps.fail("device_not_found", guest, { device = name, device_type = "disk", message = "no disk has this serial, or this target" })
  elseif targets[2] then
    steps.fail("device_ambiguous", guest, { device = name, device_type = "disk", candidates = targets,
      message = ("%d disks have this serial, or this target: %s"):format(#targets, table.concat(targets, ", ")),
      hint = "name it by its target, and give each disk a serial of its own" })
  end
  return found
end

-- Whether the image has the same content when those below it, from `top` on, are merged into `into`: one that is `top`, or above it, has.
local function keeps_content(images, path, top)
  local at = dependents.index_of(images, path)
  return at ~= nil and at <= dependents.index_of(images, top)
end

-- Refuses to merge from `top` down into the image `into` if others than this disk have that below theirs, or a snapshot has its content there: they
-- would have other contents afterwards.
function volume.check_alone(run, disk, top, into)
  local guest = run.guest
  local function refuse(who, hint)
    chain.fail("operation_invalid", guest, disk.target, { message = ("nothing can be merged into %s: %s needs it as it is"):format(into, who),
      hint = hint })
  end
  for _, other in ipairs(chain.all(guest, { domain = run:domain() })) do
    if other.target ~= disk.target and dependents.index_of(other.images, into) then
      refuse("disk " .. other.target)
    end
  end
  for _, snapshot in ipairs(image.is_local(guest) and tree.read(guest) or {}) do
    local on = tree.on(snapshot, disk.target)
    local base = on and on.kind == "external" and on.base
    if base and not keeps_content(disk.images, base, top) and dependents.index_of(dependents.chain(base), into) then
      refuse(("snapshot '%s'"):format(snapshot.name), ("guestlua.workflow.snapshot_delete(guest, {name=%q}) merges that"):format(snapshot.name))
    end
  end
  local found = image.is_local(guest) and dependents.of_guests(guest, into)[1]
  if found then
    refuse(found.who, "without merge_target_file the images are pulled up into the topmost one, which is the guest's alone")
  end
end

return volume
