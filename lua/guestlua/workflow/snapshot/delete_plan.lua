-- What the deletion of snapshots will do, and whether it may: looks, and changes nothing.

local chain = require("guestlua.workflow.chain")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
local lower = require("guestlua.disk.lower")
local qcow2 = require("guestlua.disk.qcow2")
local qemu_img = require("guestlua.disk.qemu_img")
local situation = require("guestlua.workflow.situation")
local state = require("guestlua.workflow.state")
local tree = require("guestlua.workflow.snapshot.tree")

local function refuse(run, target, message, hint)
  chain.fail("operation_invalid", run.guest, target, { message = message, hint = hint })
end

-- ---- which snapshots, and which disks ----

-- Those to delete, the last first.
local function doomed_ones(run, list)
  local found = { tree.get(run, list, run.options.name) }
  for _, snapshot in ipairs(run.options.children and tree.descendants(list, run.options.name) or {}) do
    table.insert(found, 1, snapshot)
  end
  for _, snapshot in ipairs(found) do
    tree.check(run, snapshot)
  end
  return found
end

-- The images of a disk now, topmost first; none if the guest does not have the disk.
local function images_of(run, target, active)
  local disk = chain.find(run.guest, target)
  local top = disk and disk.images[1]
  if not top or top:sub(1, 1) ~= "/" then
    return {}
  elseif active then
    chain.check_idle(run.guest, target)
    return disk.images
  end
  return dependents.chain(top)
end

-- ---- who else needs the images ----

-- Refuses to write to an image, or to merge one away, if anything but the one above needs it. above: nil if there is none, false for a file that has
-- to be needed by nothing. names: what the guest itself has. stale: files that nothing will need any more, unless something else is on top of them.
local function check_alone(run, one, path, above, names, stale)
  for _, found in ipairs(dependents.of(run.guest, path, above == false and names.strict or names.own)) do
    local is_above = above and found.image and dependents.same(found.image, above)
    if not is_above and found.image and dependents.index_of(stale, found.image) then
      check_alone(run, one, found.image, false, names, stale)
    elseif not is_above then
      refuse(run, one.target, ("%s cannot be merged: %s needs %s"):format(one.overlay.path, found.who, path),
        "delete what needs it first; children=true deletes a snapshot with those that were taken after it")
    end
  end
end

-- Refuses if the content of a snapshot that stays is in the image that is to be written to. One inside of the image is not changed by that.
local function check_no_other(run, one, list, doomed)
  for _, snapshot in ipairs(list) do
    local disk = not doomed[snapshot.name] and tree.on(snapshot, one.target)
    if disk and disk.kind == "external" and disk.base and dependents.same(disk.base, one.base) then
      refuse(run, one.target, ("%s cannot be merged: snapshot '%s' has its content in %s too"):format(one.overlay.path, snapshot.name, one.base))
    end
  end
end

local function check_merge(run, one, list, doomed, stale)
  local names = { own = tree.tops(run.guest, list, one.target, doomed), strict = tree.tops(run.guest, list, one.target, doomed, true) }
  check_no_other(run, one, list, doomed)
  check_alone(run, one, one.base, one.overlay.path, names, stale)
  check_alone(run, one, one.overlay.path, one.above, names, stale)
  if (qcow2.internal_snapshots(one.overlay.path) or 0) > 0 then
    refuse(run, one.target, ("%s cannot be merged: it has snapshots inside"):format(one.overlay.path))
  end
end

-- ---- what is merged ----

-- The image that has been written to since the snapshot is merged into the one with its content; a snapshot of another branch has none in the chain.
local function merge_of(run, list, snapshot, disk, chains, doomed)
  local images = chains[disk.target]
  local at = dependents.index_of(images, disk.base)
  if at and at > 1 then
    local one = { target = disk.target, base = images[at], base_file = lower.known(run.guest, images[at]), format = disk.format,
      overlay = lower.known(run.guest, images[at - 1]), above = images[at - 2] }
    table.remove(images, at - 1)
    one.chain = table.move(images, 1, #images, 1, {})
    return one
  end
  for _, other in ipairs(not at and list or {}) do
    local on = not doomed[other.name] and tree.on(other, disk.target)
    if on and on.base == disk.overlay then
      refuse(run, disk.target, ("the guest is not on the branch of snapshot '%s', and snapshot '%s' needs its image %s"):format(snapshot.name,
        other.name, disk.overlay), "children=true deletes it with those that were taken after it")
    end
  end
end

-- The guest is off: what qemu-img needs, because a merge that has begun has to be finished. Opening a file changes nothing in it.
local function check_qemu_img(run, one)
  qemu_img.check()
  for _, path in ipairs({ one.base, one.overlay.path, one.above }) do
    local file, why = io.open(path, "r+b")
    if not file then
      chain.fail("access_denied", run.guest, one.target, { message = ("%s cannot be merged: %s"):format(one.overlay.path, why) })
    end
    file:close()
  end
end

-- ---- the records of the snapshots that stay ----

-- Takes the overlay out of a disk's description, in which the base is below it.
local function drop_layer(disk, one)
  if dependents.same(situation.image_of(disk) or "", one.overlay.path) then
    local below = disk.backingStore and disk.backingStore.backingStore
    disk.source.file = one.base
    disk.driver = disk.driver or { name = "qemu" }
    disk.driver.type = one.format
    disk.backingStore = below
    return
  end
  local layer = disk
  while layer.backingStore do
    local below = layer.backingStore
    if dependents.same(situation.image_of(below) or "", one.overlay.path) then
      layer.backingStore = below.backingStore
      return
    end
    layer = below
  end
end

-- The snapshots with a description that changes: { name, old, new }.
local function kin_of(list, doomed, merges)
  local kin, parents = {}, {}
  for _, snapshot in ipairs(list) do -- parents first
    local parent = snapshot.parent
    if doomed[parent or ""] then
      parent = parents[parent] -- nil: the first of all goes
    end
    parents[snapshot.name] = parent
    local element = core.element(snapshot.xml)
    if snapshot.parent ~= parents[snapshot.name] then
      element.parent = parents[snapshot.name] and { name = { parents[snapshot.name] } } or nil
    end
    for _, one in ipairs(merges) do
      for _, name in ipairs({ "domain", "inactiveDomain" }) do
        local disk = tree.disk_of(element:child(name), one.target)
        if disk then
          drop_layer(disk, one)
        end
      end
    end
    if not doomed[snapshot.name] and tostring(element) ~= tostring(core.element(snapshot.xml)) then
      kin[#kin + 1] = { name = snapshot.name, old = snapshot.xml, new = tostring(element) }
    end
  end
  return kin
end

-- ---- all of it ----

-- The files that are not needed any more, if nobody else has them: overlays, and saved memory.
local function files_of(run, doomed, merges, chains)
  local files, seen = {}, {}
  local function add(path)
    if path and not seen[path] and core.find_image(path) then
      seen[path] = true
      files[#files + 1] = image.known(run.guest, path)
    end
  end
  for _, one in ipairs(merges) do
    add(one.overlay.path)
  end
  for _, snapshot in ipairs(doomed) do
    add(snapshot.memory and snapshot.memory.file)
    for _, disk in ipairs(snapshot.disks) do
      add(not dependents.index_of(chains[disk.target], disk.overlay) and disk.overlay or nil)
    end
  end
  return files
end

return function(run)
  local guest, now = run.guest, state.look(run.guest)
  tree.check_guest(run)
  run.before = state.check(guest, { shutoff = true, pmsuspended = true }, now)
  local list, doomed, chains, targets = tree.read(guest), {}, {}, {}
  local ones = doomed_ones(run, list)
  for _, snapshot in ipairs(ones) do
    doomed[snapshot.name] = true
    for _, disk in ipairs(snapshot.disks) do
      if not chains[disk.target] then
        chains[disk.target] = images_of(run, disk.target, now.active)
        targets[#targets + 1] = chains[disk.target][1] and disk.target or nil
      end
    end
  end
  local merges = {}
  for _, snapshot in ipairs(ones) do
    for _, disk in ipairs(snapshot.disks) do
      merges[#merges + 1] = merge_of(run, list, snapshot, disk, chains, doomed)
    end
  end
  local files, stale, records = files_of(run, ones, merges, chains), {}, {}
  for i, file in ipairs(files) do
    stale[i] = file.path
  end
  for _, one in ipairs(merges) do
    check_merge(run, one, list, doomed, stale)
    if not now.active then
      check_qemu_img(run, one)
    end
  end
  for i, snapshot in ipairs(ones) do
    records[i] = { name = snapshot.name, xml = snapshot.xml }
  end
  local current = tree.current(list)
  run:watch(targets)
  return { snapshots = records, kin = kin_of(list, doomed, merges), current = current and current.name, merges = merges, files = files,
    targets = targets, id = now.active and now.id or nil }
end
