-- A guest's snapshots as libvirt remembers them. An external one has a disk's content in the image that the disk had, its base: the guest has
-- written to another image on top since, its overlay.

local chain = require("guestlua.workflow.chain")
local core = require("guestlua.core")
local image = require("guestlua.disk.image")
local situation = require("guestlua.workflow.situation")
local steps = require("guestlua.workflow.steps")

local tree = {}

-- ---- reading ----

-- The disk of a configuration with that target, or nil.
function tree.disk_of(domain, target)
  for _, element in ipairs(domain and domain.devices and domain.devices:children("disk") or {}) do
    if element.target and element.target.dev == target then
      return element
    end
  end
end

-- { target, kind, type, overlay, base, format, element }: the disk of a snapshot, with its element in the guest as it was then.
local function disk_of(element, domain)
  local was = tree.disk_of(domain, element.name)
  return {
    target = element.name,
    kind = element.snapshot,
    type = element.type or "file",
    overlay = element.source and element.source.file,
    base = was and situation.image_of(was),
    format = was and was.driver and was.driver.type or "raw",
    element = was,
  }
end

-- One snapshot: name, xml (with its secrets), element, parent, current, time (a number), memory (its element, or nil) and its disks.
function tree.parse(xml, current)
  local element = core.element(xml)
  local memory, disks = element.memory, {}
  for _, disk in ipairs(element.disks and element.disks:children("disk") or {}) do
    if disk.snapshot and disk.snapshot ~= "no" and disk.snapshot ~= "manual" then
      disks[#disks + 1] = disk_of(disk, element:child("domain"))
    end
  end
  return {
    name = element.name[1],
    xml = xml,
    element = element,
    parent = element.parent and element.parent.name[1],
    current = current,
    time = element.creationTime and tonumber(element.creationTime[1]) or 0,
    memory = memory and memory.snapshot and memory.snapshot ~= "no" and memory or nil,
    disks = disks,
  }
end

-- All of the guest's, parents first. A dry run, over a connection that only reads, does not get their secrets.
function tree.read(guest)
  local list = {}
  for i, snapshot in ipairs(guest:snapshots({ topological = true })) do
    local one <close> = snapshot
    list[i] = tree.parse(one:get_xml_desc({ secure = not core.dry_run() }), one:is_current())
  end
  return list
end

function tree.find(list, name)
  for _, snapshot in ipairs(list) do
    if snapshot.name == name then
      return snapshot
    end
  end
end

-- Whether the list has the snapshot of that description; another may have its name by now.
function tree.has(list, xml)
  local now = tree.find(list, core.element(xml).name[1])
  return now ~= nil and situation.identity(now.xml) == situation.identity(xml)
end

function tree.current(list)
  for _, snapshot in ipairs(list) do
    if snapshot.current then
      return snapshot
    end
  end
end

-- Those that were taken after this one, and after those: parents first.
function tree.descendants(list, name)
  local found, after = {}, { [name] = true }
  for _, snapshot in ipairs(list) do
    if snapshot.parent and after[snapshot.parent] then
      after[snapshot.name] = true
      found[#found + 1] = snapshot
    end
  end
  return found
end

function tree.on(snapshot, target)
  for _, disk in ipairs(snapshot.disks) do
    if disk.target == target then
      return disk
    end
  end
end

-- The guest's configuration at the snapshot, that it would start with; and its element's name in the snapshot.
function tree.configuration(snapshot)
  local name = snapshot.element:child("inactiveDomain") and "inactiveDomain" or "domain"
  local text = tostring(snapshot.element:child(name))
  return core.element((text:gsub("^<" .. name, "<domain"):gsub("</" .. name .. ">%s*$", "</domain>")))
end

-- What a guest starts with, as a text.
function tree.starts_with(guest)
  return guest:get_xml_desc({ dump_inactive = true, dump_sensitive = not core.dry_run() })
end

-- ---- what can be worked on ----

-- Refuses a guest with images that cannot be seen from here, or that are tied to its present disks.
function tree.check_guest(run)
  local guest = run.guest
  if not image.is_local(guest) then
    run:fail("argument_unsupported", { message = "the host is another machine: what is based on the images cannot be seen from here",
      hint = "run guestlua there" })
  elseif #guest:get_checkpoint_names() > 0 then
    run:fail("operation_invalid", { message = "the guest has checkpoints, which are in its images",
      hint = "for _, one in ipairs(guest:checkpoints()) do one:delete() end; the next backup is a full one" })
  elseif guest.domain:has_managed_save_image() then
    run:fail("operation_invalid", { message = "the guest's memory is saved, and continues only with the disks as they are",
      hint = "guestlua.workflow.resume(guest) continues it; guest.domain:managed_save_remove() drops it" })
  end
end

-- The snapshot of that name; raises if there is none.
function tree.get(run, list, name)
  local snapshot = tree.find(list, name)
  if not snapshot then
    local names = {}
    for i, one in ipairs(list) do
      names[i] = one.name
    end
    run:fail("no_domain_snapshot", { message = ("the guest has no snapshot '%s'"):format(name),
      hint = #names > 0 and "it has: " .. table.concat(names, ", ") or "it has none" })
  end
  return snapshot
end

local function unsupported(run, snapshot, disk, what, hint)
  chain.fail("argument_unsupported", run.guest, disk.target, { message = ("snapshot '%s': %s"):format(snapshot.name, what), hint = hint })
end

-- Refuses a snapshot that is not one of disks in files, each with a qcow2 on top.
function tree.check(run, snapshot)
  local itself = ("guest:snapshot_lookup_by_name(%q) has revert and delete, which do"):format(snapshot.name)
  if snapshot.memory and snapshot.memory.snapshot ~= "external" or #snapshot.disks == 0 then
    run:fail("argument_unsupported", { message = ("snapshot '%s' is no external one: this workflow does not know it"):format(snapshot.name),
      hint = itself })
  end
  for _, disk in ipairs(snapshot.disks) do
    if disk.kind ~= "external" then
      unsupported(run, snapshot, disk, "it is inside of the disk's image: this workflow does not know such", itself)
    elseif disk.type ~= "file" or not disk.element or disk.element.type ~= "file" or not disk.base or not disk.overlay then
      unsupported(run, snapshot, disk, "the disk is not in files: this workflow works on those alone")
    elseif chain.has_encrypted({ element = disk.element }) then
      unsupported(run, snapshot, disk, "the disk is encrypted: this workflow makes and merges no such images")
    end
  end
end

-- ---- recording ----

-- Records a snapshot that libvirt remembers, or did: its description becomes this one.
function tree.redefine(guest, xml, current)
  guest:snapshot(xml, { redefine = true, current = current or nil })
end

-- The images that the guest has on top, besides a disk's present one, as dependents.of takes them. left_out: snapshots that do not count, by name.
-- strict: the image itself may not be one of them.
function tree.tops(guest, list, target, left_out, strict)
  local names, present = {}, chain.images(guest, target)[1]
  for _, inactive in ipairs({ false, true }) do
    for _, disk in ipairs(core.element(guest:get_xml_desc({ dump_inactive = inactive })).devices:children("disk")) do
      local name, dev = situation.image_of(disk), disk.target.dev
      if not (dev == target and name == present) and name and name:sub(1, 1) == "/" then
        names[name] = { who = ("disk %s of the guest%s"):format(dev, dev == target and "'s configuration" or "") }
      end
    end
  end
  for _, snapshot in ipairs(list) do
    for _, disk in ipairs(left_out[snapshot.name] and {} or snapshot.disks) do
      for _, name in pairs({ disk.base, disk.overlay }) do
        if name:sub(1, 1) == "/" and not names[name] and core.identify(name) then
          names[name] = { who = ("snapshot '%s'"):format(snapshot.name), itself = not strict }
        end
      end
    end
  end
  return names
end

-- Refuses an image that cannot be seen.
function tree.check_there(guest, target, path)
  local there, code, why = core.identify(path)
  if not there then
    steps.fail("operation_invalid", guest, { device = target, device_type = "disk",
      message = code == "ENOENT" and ("%s is gone"):format(path) or ("%s: %s"):format(path, why) })
  end
end

return tree
