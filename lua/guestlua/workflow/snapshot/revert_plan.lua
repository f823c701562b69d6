-- What a revert to a snapshot will do, and whether it may: looks, and changes nothing.

local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
local lower = require("guestlua.disk.lower")
local names = require("guestlua.disk.names")
local qcow2 = require("guestlua.disk.qcow2")
local qemu_img = require("guestlua.disk.qemu_img")
local situation = require("guestlua.workflow.situation")
local state = require("guestlua.workflow.state")
local tree = require("guestlua.workflow.snapshot.tree")

local function refuse(run, target, message, hint)
  chain.fail("operation_invalid", run.guest, target, { message = message, hint = hint })
end

-- ---- the guest ----

-- Words of a running guest that is no hindrance: it is powered off.
local STOPPED = { shutoff = true, crashed = true, pmsuspended = true, ioerror = true }

local function check_state(run, now)
  state.check(run.guest, STOPPED, now)
  if not run.guest:has_persistent_configuration() then
    run:fail("operation_invalid", { message = "the guest is transient: powered off, it would be gone" })
  elseif now.active and not run.options.force then
    run:fail("operation_invalid", {
      message = "the guest runs: what it has written since its last snapshot, and what is in its memory, would be lost",
      hint = "force=true powers it off; or guestlua.workflow.clean_shutdown(guest) before",
    })
  end
end

-- ---- the images with the snapshot's content ----

-- What guests write to, or would if they ran: { guest, uuid, target, image }. The destination of a disk's job is written to as well.
local function written_by_guests(host)
  local found = {}
  for _, guest in ipairs(host:guests()) do
    local one <close> = guest
    for _, inactive in ipairs({ false, true }) do
      local ok, xml = pcall(one.get_xml_desc, one, { dump_inactive = inactive })
      if not ok and not core.Error.is(xml, "no_domain") then
        error(xml, 0)
      end
      for _, disk in ipairs(ok and core.element(xml).devices:children("disk") or {}) do
        local own = disk.type == "volume" and names.of_volume(host, disk.source) or chain.image_of(disk)
        for _, name in pairs({ not disk.readonly and own or nil, situation.mirror_of(disk) }) do
          found[#found + 1] = name:sub(1, 1) == "/" and { guest = one.name, uuid = one.uuid, target = disk.target.dev, image = name } or nil
        end
      end
    end
  end
  return found
end

-- Why an image of a snapshot's chain may have been written to since: a guest has it on top, or had it when a later snapshot was taken, or what was on
-- top of it was merged. Another guest may well have one that is further below: a template, say.
local function written_since(run, list, snapshot, disk, path)
  local base = path == disk.base
  for _, one in ipairs(run.written) do
    if (base or one.uuid == run.guest.uuid) and dependents.same(one.image, path) then
      return ("guest '%s' has %s as its disk %s"):format(one.guest, base and "it" or path, one.target)
    end
  end
  local after = {}
  for _, other in ipairs(tree.descendants(list, snapshot.name)) do
    after[other.name] = true
  end
  for _, other in ipairs(list) do
    local on = other.name ~= snapshot.name and tree.on(other, disk.target)
    if on and on.base and (after[other.name] or other.time > snapshot.time) and dependents.same(on.base, path) then
      return ("the guest had %s on top when snapshot '%s' was taken"):format(path, other.name)
    end
    local below = on and on.overlay and qcow2.based_on(on.overlay)
    if below and on.base and dependents.same(below, path) and not dependents.same(below, on.base) then
      return ("%s is based on %s, and was based on %s when snapshot '%s' was taken"):format(on.overlay, path, on.base, other.name)
    end
  end
end

-- libvirt does not say if an image still has the snapshot's content. It does as long as the overlay is still on it, and nothing shows that it, or an
-- image below it, was written to.
local function check_content(run, list, snapshot, disk)
  tree.check_there(run.guest, disk.target, disk.base)
  for _, path in ipairs(dependents.chain(disk.base)) do
    local why = written_since(run, list, snapshot, disk, path)
    if why then
      refuse(run, disk.target, ("%s may have lost the content of snapshot '%s': %s"):format(disk.base, snapshot.name, why),
        "was the image on top of it merged?")
    end
  end
  tree.check_there(run.guest, disk.target, disk.overlay)
  local below, why = qcow2.based_on(disk.overlay)
  if not below or not dependents.same(below, disk.base) then
    refuse(run, disk.target, ("nothing shows that %s still has the content of snapshot '%s': %s is not based on it%s"):format(
      disk.base, snapshot.name, disk.overlay, why and ": " .. why or ""))
  end
end

local function disks_of(run, list, snapshot)
  local disks = {}
  run.written = written_by_guests(run.guest.host)
  for i, disk in ipairs(snapshot.disks) do
    local now = core.identify(disk.base)
    check_content(run, list, snapshot, disk)
    disks[i] = { target = disk.target, base = disk.base, base_file = lower.known(run.guest, disk.base), written = now and now.written,
      format = disk.format, overlay = image.beside(run.guest, disk.base, run.id, disk.target) }
  end
  return disks
end

-- ---- the configuration ----

local function move(element, disk)
  element.source = { file = disk.overlay.path }
  element.driver = element.driver or { name = "qemu" }
  element.driver.type = "qcow2"
  if element.backingStore then
    element.backingStore:remove()
  end
end

-- Whether the guest writes to a disk of a configuration that is not in its snapshot.
local function is_another(element)
  return chain.image_of(element) and not element.readonly and element.device ~= "cdrom" and element.device ~= "floppy"
end

-- Puts a configuration of then on the new images. The disks that are not the snapshot's have to be as they are: they may be below others by now.
local function adapt(run, snapshot, domain, disks)
  local by_target, guest = {}, run.guest
  for _, disk in ipairs(disks) do
    by_target[disk.target] = disk
  end
  domain.name = guest.name
  claim.clear_configuration(domain)
  for _, element in ipairs(domain.devices:children("disk")) do
    local target = element.target.dev
    local disk, name = by_target[target], chain.image_of(element)
    by_target[target] = nil
    if disk and name ~= disk.base then
      refuse(run, target, ("the configuration of snapshot '%s' has the image %s, and not %s"):format(snapshot.name, tostring(name), disk.base))
    elseif disk then
      move(element, disk)
    elseif is_another(element) then
      local now = chain.find(guest, target, { inactive = true })
      if not now or not is_another(now.element) or now.images[1] ~= name then
        refuse(run, target, ("the disk is not in snapshot '%s': it was on %s then, and is not now, so that others may need that as it is"):format(
          snapshot.name, name))
      end
    end
  end
  local missing = next(by_target)
  if missing then
    refuse(run, missing, ("the configuration of snapshot '%s' does not have the disk"):format(snapshot.name))
  end
  return domain
end

local WITHOUT = "memory=false: the guest boots from the snapshot's disks, as after a power cut"

-- What the memory has of a disk's file systems is what goes to the disk next.
local function check_memory_fits(run, snapshot, domain)
  for _, element in ipairs(domain.devices:children("disk")) do
    local target = element.target.dev
    if not tree.on(snapshot, target) and is_another(element) then
      refuse(run, target, ("the disk is not in snapshot '%s', the memory of which does not fit what is on it now"):format(snapshot.name), WITHOUT)
    end
  end
end

-- The memory to go on from, with the configuration for it: { file, xml }; nil: the guest boots.
local function memory_of(run, snapshot, disks)
  local options = run.options
  if not snapshot.memory or options.memory == false or options.start == false then
    return nil
  end
  local file = snapshot.memory.file
  local there = file and core.identify(file)
  if not there then
    run:fail("operation_invalid", { message = ("the snapshot's memory cannot be restored: %s is not there"):format(tostring(file)), hint = WITHOUT })
  end
  local domain = core.dry_run() and core.element(tostring(snapshot.element:child("domain"))) -- it may not read the file
    or core.element(run.guest.host:save_image_get_xml_desc(file, { secure = true }))
  check_memory_fits(run, snapshot, domain)
  return { file = file, xml = tostring(adapt(run, snapshot, domain, disks)) }
end

-- ---- libvirt's record ----

-- Replaces the overlay in the snapshot's record by the new one, unless another snapshot has its content there.
local function record_of(list, snapshot, disks)
  local element, current = core.element(snapshot.xml), tree.current(list)
  for i, disk in ipairs(snapshot.disks) do
    local needed = false
    for _, other in ipairs(list) do
      local on = tree.on(other, disk.target)
      needed = needed or on ~= nil and on.base == disk.overlay
    end
    for _, entry in ipairs(needed and {} or element.disks:children("disk")) do
      if entry.name == disk.target then
        entry.source.file = disks[i].overlay.path
      end
    end
  end
  return { old = snapshot.xml, new = tostring(element), current = current and current.name, current_xml = current and current.xml }
end

-- ---- the images that will not be the guest's any more ----

local function is_overlay(list, path)
  for _, snapshot in ipairs(list) do
    for _, disk in ipairs(snapshot.disks) do
      if disk.overlay == path then
        return true
      end
    end
  end
  return path:find("%.guestlua%-[%w-]+$") ~= nil
end

-- The images of the snapshot's disks now, topmost first, without those that the disks will have below: target, file, and why it has to stay if that
-- is known.
local function old_images(run, list, disks)
  local old = {}
  for _, disk in ipairs(disks) do
    local now, stay = chain.find(run.guest, disk.target), dependents.chain(disk.base)
    local top = now and now.images[1]
    for _, path in ipairs(top and top:sub(1, 1) == "/" and core.identify(top) and dependents.chain(top) or {}) do
      if dependents.index_of(stay, path) then
        break
      end
      local why = not is_overlay(list, path) and "it was made by no snapshot that libvirt remembers"
        or (qcow2.internal_snapshots(path) or 0) > 0 and "it has snapshots inside" or nil
      old[#old + 1] = { target = disk.target, file = image.known(run.guest, path), why = why }
    end
  end
  return old
end

return function(run)
  local guest = run.guest
  local now = state.look(guest)
  tree.check_guest(run)
  local list = tree.read(guest)
  local snapshot = tree.get(run, list, run.options.name)
  tree.check(run, snapshot)
  check_state(run, now)
  qemu_img.check()
  local disks, targets, overlays = disks_of(run, list, snapshot), {}, {}
  for i, disk in ipairs(disks) do
    targets[i], overlays[i] = disk.target, disk.overlay.path
    if now.active and chain.find(guest, disk.target) then
      chain.check_idle(guest, disk.target)
    end
  end
  local memory = memory_of(run, snapshot, disks)
  local start = run.options.start
  if start == nil then
    start = memory ~= nil or now.active and now.word ~= "crashed"
  end
  local data = {
    name = snapshot.name,
    disks = disks,
    id = now.active and now.id or nil,
    was = now.word == "paused" and select(2, guest:get_state()) or now.word,
    before = tree.starts_with(guest),
    wanted = tostring(adapt(run, snapshot, tree.configuration(snapshot), disks)),
    memory = memory,
    record = record_of(list, snapshot, disks),
    old = old_images(run, list, disks),
    start = start,
  }
  run:watch(targets, overlays)
  return data
end
