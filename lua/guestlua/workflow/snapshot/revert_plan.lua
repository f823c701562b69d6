-- What a revert to a snapshot will do, and whether it may: looks, and changes nothing.

local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
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
  if not now.persistent then
    run:fail("operation_invalid", { message = "the guest is transient: powered off, it would be gone" })
  elseif now.active and not run.options.force then
    run:fail("operation_invalid", {
      message = "the guest runs: what it has written since its last snapshot, and what is in its memory, would be lost",
      hint = "force=true powers it off; or guestlua.workflow.clean_shutdown(guest) before",
    })
  end
end

-- ---- the images with the snapshot's content ----

-- Why somebody may have written to the image since: a guest has it as a disk.
local function writer_of(guest, path)
  for _, other in ipairs(guest.host:guests()) do
    local one <close> = other
    for _, inactive in ipairs({ false, true }) do
      local ok, xml = pcall(one.get_xml_desc, one, { dump_inactive = inactive })
      if not ok and not core.Error.is(xml, "no_domain") then
        error(xml, 0)
      end
      for _, disk in ipairs(ok and core.element(xml).devices:children("disk") or {}) do
        local name = chain.image_of(disk)
        if name and not disk.readonly and name:sub(1, 1) == "/" and dependents.same(name, path) then
          return ("guest '%s' has it as its disk %s"):format(one.name, disk.target.dev)
        end
      end
    end
  end
end

-- libvirt does not say if an image still has the snapshot's content. It does as long as nobody has it as a disk, and the overlay is still on it:
-- both are not so any more if somebody has merged the overlay.
local function check_content(run, snapshot, disk)
  tree.check_there(run.guest, disk.target, disk.base)
  local writer = writer_of(run.guest, disk.base)
  if writer then
    refuse(run, disk.target, ("%s does not have the content of snapshot '%s' any more, or will not: %s"):format(disk.base, snapshot.name, writer),
      "was the image on top of it merged?")
  end
  tree.check_there(run.guest, disk.target, disk.overlay)
  local below, why = image.based_on(disk.overlay)
  if not below or not dependents.same(below, disk.base) then
    refuse(run, disk.target, ("nothing shows that %s still has the content of snapshot '%s': %s is not based on it%s"):format(
      disk.base, snapshot.name, disk.overlay, why and ": " .. why or ""))
  end
end

local function disks_of(run, snapshot)
  local disks = {}
  for i, disk in ipairs(snapshot.disks) do
    check_content(run, snapshot, disk)
    disks[i] = { target = disk.target, base = disk.base, format = disk.format, overlay = image.beside(run.guest, disk.base, run.id, disk.target) }
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
    elseif name and not element.readonly and element.device ~= "cdrom" and element.device ~= "floppy" then
      local now = chain.find(guest, target, { inactive = true })
      if not now or now.images[1] ~= name then
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

-- The memory to go on from, with the configuration for it: { file, xml }; nil: the guest boots.
local function memory_of(run, snapshot, disks)
  local options = run.options
  if not snapshot.memory or options.memory == false or options.start == false then
    return nil
  end
  local file = snapshot.memory.file
  local there = file and core.identify(file)
  if not there then
    run:fail("operation_invalid", { message = ("the snapshot's memory cannot be restored: %s is not there"):format(tostring(file)),
      hint = "memory=false: the guest boots from the snapshot's disks, as after a power cut" })
  end
  local domain = core.dry_run() and core.element(tostring(snapshot.element:child("domain"))) -- it may not read the file
    or core.element(run.guest.host:save_image_get_xml_desc(file, { secure = true }))
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

-- The images of the snapshot's disks now, topmost first, without those that stay below: files, each with why it has to stay, if that is known.
local function old_images(run, list, disks)
  local old = {}
  for _, disk in ipairs(disks) do
    local now = chain.find(run.guest, disk.target)
    local top = now and now.images[1]
    for _, path in ipairs(top and top:sub(1, 1) == "/" and core.identify(top) and dependents.chain(top) or {}) do
      if dependents.same(path, disk.base) then
        break
      end
      local why = not is_overlay(list, path) and "it was made by no snapshot that libvirt remembers" or nil
      old[#old + 1] = { file = image.known(run.guest, path), why = why }
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
  local disks, targets, overlays = disks_of(run, snapshot), {}, {}
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
