-- The disks in a backup, and the level of each: full, or the changes since the last backup. In doubt a disk is saved in full, with the reason.

local as_file = require("guestlua.workflow.as_file")
local chain = require("guestlua.workflow.chain")
local checkpoint = require("guestlua.backup.checkpoint")
local encryption = require("guestlua.backup.encryption")
local entry_of = require("guestlua.backup.store").entry_of
local server = require("guestlua.backup.server")
local steps = require("guestlua.workflow.steps")

local disks = {}

-- Image formats that can record changes.
local NOTES_CHANGES = { qcow2 = true }

-- The maximum number of increments over one full backup: all of their files are open while the newest is read.
local MOST_INCREMENTS = 200

-- A hint for a disk that only QEMU reads as the guest does.
local ON_INSTEAD = "start the guest, or leave the disk out with exclude={…}"

-- ---- which ----

local function set_of(names)
  local set = {}
  for _, name in ipairs(names or {}) do
    set[name] = true
  end
  return set
end

-- Why a disk is left out; nil: it is included.
local function not_meant(element, wanted, excluded)
  local kind = element.device
  if wanted and not wanted[element.target.dev] then
    return "it was not asked for"
  elseif excluded[element.target.dev] then
    return "it was excluded"
  elseif wanted then
    return nil
  elseif kind == "cdrom" or kind == "floppy" then
    return "it is removable"
  elseif element.readonly then
    return "it is read-only"
  end
  return (chain.unfit(element))
end

local function check_known(guest, names, known)
  for name in pairs(names) do
    if not known[name] then
      chain.fail("device_not_found", guest, name, { message = "the guest has no such disk" })
    end
  end
end

-- The disks of the backup: { target, element, images, format, source }; and those left out: { target, why }.
function disks.select(run)
  local options, guest = run.options, run.guest
  local wanted, excluded = options.disks and set_of(options.disks), set_of(options.exclude)
  local taken, left_out, known = {}, {}, {}
  local domain = run:domain()
  for _, element in ipairs(domain.devices and domain.devices:children("disk") or {}) do
    local target = element.target.dev
    local why = not_meant(element, wanted, excluded)
    known[target] = true
    if why then
      left_out[#left_out + 1] = { target = target, why = why }
    else
      taken[#taken + 1] = target
    end
  end
  check_known(guest, wanted or {}, known)
  check_known(guest, excluded, known)
  if #taken == 0 then
    steps.fail("device_not_found", guest, { message = "the guest has no disk to back up", device_type = "disk" })
  end
  local selected = chain.disks(guest, taken, { domain = domain })
  for _, disk in ipairs(selected) do
    if disk.element.transient then
      chain.check_fit(guest, disk)
    end
    disk.format = disk.element.driver and disk.element.driver.type or "raw"
    disk.source = disk.images[1]
    if not disk.source then
      chain.fail("argument_unsupported", guest, disk.target, { message = "the disk has no image; exclude={…} leaves it out" })
    end
    chain.check_plain(run, disk)
    if run.off and chain.has_encrypted(disk) then -- read as a file it is cipher, and a restored disk has no encryption
      chain.fail("argument_unsupported", guest, disk.target, { message = "the disk is encrypted, the guest is off, and only QEMU has the key",
        hint = ON_INSTEAD })
    elseif run.off then
      as_file.check(guest, disk, ON_INSTEAD)
    end
  end
  return selected, left_out
end

-- ---- how ----

-- Why the disk cannot get an increment over the last backup; nil: it can. usable: the disks with a bitmap.
local function why_full(run, disk, last, usable)
  local most = run.options.encrypt and encryption.MOST_INCREMENTS or MOST_INCREMENTS
  if run.options.level == "full" then
    return nil
  elseif server.is_one(run.options.to) then
    return "a server has one backup, and each is written over the one before"
  elseif not last then
    return "there is no backup yet"
  elseif (last.encryption ~= nil) ~= (run.options.encrypt ~= nil) then
    return last.encryption and "the last backup is encrypted, and this one is not" or "the last backup is not encrypted"
  elseif last.unchecked and not run.push then
    return "the last backup has no checksums"
  elseif run.off then
    return "the guest is off"
  elseif not NOTES_CHANGES[disk.format] then
    return ("images of the format %s do not note what changes"):format(disk.format)
  end
  local entry = entry_of(last, disk.target)
  if not entry then
    return "the last backup does not have the disk"
  elseif not last.checkpoint or not usable then
    return "the checkpoint of the last backup is gone"
  elseif entry.size ~= disk.size then
    return ("the disk had %d bytes, and has %d"):format(entry.size, disk.size)
  elseif entry.source ~= disk.source then
    return ("the disk was on %s, and is on %s"):format(entry.source, disk.source)
  elseif not usable[disk.target] then
    return "its bitmap is missing or broken, as after a crash of QEMU"
  elseif #entry.chain > math.min(run.options.keep and run.options.keep.increments or most, most) then
    return ("there are %d increments already"):format(#entry.chain - 1)
  end
  local missing = run.store:missing(entry)
  return missing and ("%s is missing"):format(missing) or nil
end

-- Decides each disk's level: disk.since is the last backup's entry, the base of an increment; disk.because: why the disk is saved in full.
function disks.decide(run, selected, last)
  local guest, usable = run.guest, nil
  run.last_checkpoint = last and last.checkpoint
  if last and last.checkpoint and not run.off and run.options.level ~= "full" then
    for _, name in ipairs(checkpoint.list(guest, run.target)) do
      usable = name == last.checkpoint and checkpoint.disks(guest, name) or usable
    end
  end
  for _, disk in ipairs(selected) do
    disk.because = why_full(run, disk, last, usable)
    if run.options.level ~= "full" and not disk.because then
      disk.since = entry_of(last, disk.target)
    end
    disk.noted = not run.off and not server.is_one(run.options.to) and NOTES_CHANGES[disk.format] or false
  end
end

return disks
