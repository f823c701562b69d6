-- The manifest of a backup, and the small files beside its images. The manifest makes it a backup, and is written last.

local core = require("guestlua.core")

local did = require("guestlua.log.calls").did
local encryption = require("guestlua.backup.encryption")
local image = require("guestlua.disk.image")
local nvram = require("guestlua.workflow.nvram")
local tpm = require("guestlua.workflow.tpm")
local with_disks = require("guestlua.backup.domain").with_disks

local manifest = {
  PASSWORDS = "passwords", -- of graphics, and cookies of disks, in left_out: what libvirt shows to nobody who does not ask for it
}

-- Whether the backup is complete: its manifest exists.
function manifest.is_whole(run)
  return core.identify(("%s/%s.json"):format(run.data.directory, run.data.id)) ~= nil
end

local function versions(run)
  return { guestlua = core.version.guestlua, libvirt = core.version.libvirt, host = run.guest.host.uri }
end

function manifest.level_of(data)
  for _, disk in ipairs(data.disks) do
    if disk.level_used == "full" then
      return "full"
    end
  end
  return "incremental"
end

-- Stores what a file has, or notes why it is left out. name: for people.
local function keep(run, files, what, name, path, why_not)
  if why_not then
    table.insert(run.data.left_out, { target = what, why = why_not })
  end
  if not path then
    return
  end
  local file <close>, why = io.open(path, "rb")
  local text
  if file then
    text, why = file:read("a")
  end
  if not text then
    run:fail("system_error", { message = ("%s cannot be read: %s"):format(name, why), hint = "guestlua has to run as a user that may do so" })
  end
  files[#files + 1] = run.store:keep(run.id .. "." .. what, what, text)
end

-- Stores the UEFI variables. If there are none yet, as libvirt makes them at the first start, so it will for a restored guest.
local function keep_nvram(run, files)
  local path, why_not = nvram.of(run.guest)
  local code, _
  if path and run.off then
    _, code = core.find_image(path)
  end
  if code == "ENOENT" then
    path, why_not = nil, ("there is no file %s: libvirt makes the UEFI variables when the guest starts"):format(path)
  end
  keep(run, files, "nvram", "the UEFI variables", path, why_not)
end

-- Stores the state of an emulated TPM. If there is none yet, as libvirt makes it at the first start, so it will for a restored guest.
local function keep_tpm(run, files, element)
  local path, why_not = tpm.path(run.guest.host, element)
  local _, code
  if path then
    _, code = core.find_image(path)
  end
  if path and run.key and not run.options.plain and not tpm.is_encrypted(element) then
    path, why_not = nil, "its state is not encrypted, and the images are: plain=true saves it all the same"
  elseif code == "ENOENT" then
    path, why_not = nil, run.off and ("there is no file %s: libvirt makes the state when the guest starts"):format(path)
      or ("its state is not where libvirt has it, in %s"):format(path)
  elseif why_not then
    why_not = why_not .. ", and its state is not saved: what is sealed in it needs a recovery key"
  end
  keep(run, files, "tpm", "the state of the TPM", path, why_not)
end

-- The configuration, and why the guest's passwords are not in it; nil: they are, if it has any.
local function described(run)
  local guest = run.guest
  local ok, whole = pcall(guest.get_xml_desc, guest, { dump_inactive = true, dump_sensitive = true })
  if not ok and not core.Error.is(whole, "access_denied") then
    error(whole, 0)
  end
  local open = (not ok or run.key and not run.options.plain) and guest:get_xml_desc({ dump_inactive = true }) or whole
  return open, not ok and "libvirt does not let this user read them"
    or open ~= whole and "they are not encrypted, and the images are: plain=true saves them all the same" or nil
end

-- Stores the configuration, with all disks that are saved, and returns it. It has the guest's passwords: without them the console of a restored guest
-- would be open to everybody.
local function keep_domain(run, files)
  local domain, why_not = described(run)
  if why_not then
    table.insert(run.data.left_out, { target = manifest.PASSWORDS, why = why_not })
  end
  domain = with_disks(domain, run.disks)
  files[#files + 1] = run.store:keep(run.id .. ".xml", "domain", domain)
  return domain
end

-- Stores what belongs to a backup besides the disks, as near to its moment as can be.
function manifest.keep_files(run)
  local files = {}
  local domain = keep_domain(run, files)
  keep_nvram(run, files)
  keep_tpm(run, files, core.element(domain))
  run.files = files
end

function manifest.write(run)
  local data, entries = run.data, {}
  for i, disk in ipairs(data.disks) do
    if disk.image then
      image.check_own(run.guest, disk.target, disk.image)
    end
    entries[i] = { target = disk.target, size = disk.size, source = disk.source, source_format = disk.source_format, level_used = disk.level_used,
      because = disk.because, chain = disk.chain, image_sha256 = disk.image_sha256, read = disk.read, written = disk.written, bytes = disk.bytes }
  end
  run.manifest = {
    id = run.id, number = data.number, time = run.time or os.date("!%Y-%m-%dT%H:%M:%SZ"),
    guest = { name = run.guest.name, uuid = run.guest.uuid },
    level_used = manifest.level_of(data), level = run.options.level or "auto", consistency = data.consistency, frozen_seconds = run.frozen_for,
    checkpoint = data.checkpoint, disks = entries, left_out = data.left_out, files = run.files, versions = versions(run),
    mode = data.pushed and "push" or "pull", unchecked = not core.nbd_copy or nil,
    encryption = run.key and { format = encryption.FORMAT } or nil,
    seconds = core.now() - run.began,
    verified = run.options.verify and true or false,
  }
  run.store:write(run.manifest)
  did("write_backup", run.guest, { path = run.store:path(run.id .. ".json") }) -- all that is changed here if a server has the disks
end

return manifest
