-- Makes a guest from a backup: its disks in new files, each block compared with its checksum on the way, and its configuration. No existing file is
-- written to.

local clone_domain = require("guestlua.workflow.clone.domain")
local core = require("guestlua.core")
local backups = require("guestlua.backup.backups")
local bad = require("guestlua.base.define").bad
local domain = require("guestlua.backup.domain")
local encryption = require("guestlua.backup.encryption")
local engine = require("guestlua.backup.engine")
local image = require("guestlua.disk.image")
local manifests = require("guestlua.backup.manifest")
local names = require("guestlua.disk.names")
local steps = require("guestlua.workflow.steps")
local new_guest = require("guestlua.workflow.new_guest")
local nvram = require("guestlua.workflow.nvram")
local tpm = require("guestlua.workflow.tpm")
local new_uuid = require("guestlua.base.uuid")
local stores = require("guestlua.backup.store")

local NAME = "restore"

-- Formats that a restored disk may keep; others become qcow2.
local FORMATS = { raw = true, qcow2 = true }

-- The guest to be made: recovery of a killed run finds it by its UUID.
local function subject(host, options)
  if options.from == "" then
    bad(NAME, "from", "cannot be empty")
  elseif options.name and (options.name == "" or options.name:find("[/%c]") or not utf8.len(options.name)) then
    bad(NAME, "name", "a guest's name is UTF-8, not empty, and has no slash and no control character")
  end
  stores.check_at(NAME, options.at)
  local manifest = stores.at(options.from):find(options.at)
  local other = options.name ~= nil and options.name ~= manifest.guest.name
  return { host = host, name = options.name or manifest.guest.name, uuid = other and new_uuid() or manifest.guest.uuid, other = other,
    manifest = manifest }
end

local function arguments(run)
  local options = run.options
  for target, path in next, options.disks or {} do
    if type(target) ~= "string" or type(path) ~= "string" or path:sub(1, 1) ~= "/" then
      bad(NAME, "disks", "a table from a target to an absolute path expected, as in {vda=\"/images/vda.qcow2\"}")
    elseif image.bad_name(path) then
      bad(NAME, "disks." .. target, image.bad_name(path))
    end
  end
  if options.to and image.bad_name(options.to) then
    bad(NAME, "to", image.bad_name(options.to))
  elseif options.to and not core.identify(options.to .. "/.") then
    bad(NAME, "to", "a directory expected, and there is none of that name")
  end
  encryption.check(NAME, options)
end

-- ---- looking ----

-- Refuses if the guest exists: a restore makes a new one.
local function check_no_guest(run)
  for _, guest in ipairs(run.guest.host:guests()) do
    local one <close> = guest
    if one.name == run.guest.name or one.uuid == run.guest.uuid then
      run:fail("operation_invalid", { message = ("the host has the guest '%s' (%s) already"):format(one.name, one.uuid),
        hint = "name=NAME makes another one beside it" })
    end
  end
end

-- The file that a disk of the backup goes to.
local function file_of(run, disk)
  local options, format = run.options, FORMATS[disk.source_format] and disk.source_format or "qcow2"
  local path = options.disks and options.disks[disk.target]
  if not path and options.to then
    path = ("%s/%s-%s.%s"):format(options.to:gsub("/+$", ""), run.guest.name:gsub("/", "_"), disk.target, format == "raw" and "img" or format)
  elseif not path and not run.guest.other then
    path = disk.source
  end
  local gone = path and path:find("^/dev/") and not path:find("^/dev/shm/") and not core.find_image(path)
  if not path or path:sub(1, 1) ~= "/" or gone then
    run:fail("bad_argument", { device = disk.target, device_type = "disk",
      message = gone and ("there is no device %s: a file of that name would be in memory"):format(path) or "there is no file for the disk",
      hint = ("to=DIRECTORY, or disks={%s=\"/path\"}"):format(disk.target) })
  end
  if core.find_image(path) then
    run:fail("operation_invalid", { device = disk.target, device_type = "disk", message = ("there is a file %s already"):format(path),
      hint = "to=DIRECTORY or disks={…} name another; what is there is never overwritten" })
  end
  local file = image.at(run.guest, path)
  file.target, file.format, file.size = disk.target, format, disk.size
  return file
end

local function nvram_file(run, xml)
  if not run.store:kept(run.guest.manifest, "nvram") then
    return nil
  end
  local element, guest = core.element(xml), run.guest
  if guest.other then
    element.name, element.uuid = guest.name, guest.uuid
  end
  local path, why, implied = nvram.path(guest.host, element)
  if not path then
    run:fail("argument_unsupported", { message = why or "the backup has UEFI variables, and its configuration has no place for them" })
  end
  run.nvram_named = not implied
  if guest.other and not implied then
    path = ("%s/%s_VARS.fd"):format(path:match("^(.*)/"), run.guest.name:gsub("/", "_"))
  end
  if core.find_image(path) then
    run:fail("operation_invalid", { message = ("there is a file %s already"):format(path),
      hint = "it has UEFI variables of a guest that was; move it away" })
  end
  return image.at(guest, path)
end

local function tpm_file(run, xml)
  local element, guest = core.element(xml), run.guest
  element.uuid = { guest.uuid }
  local path, why = tpm.path(guest.host, element)
  if not run.store:kept(guest.manifest, "tpm") then
    run.empty_tpm = path ~= nil and not core.find_image(path)
    return nil
  elseif not path then
    run:fail("argument_unsupported", { message = "the backup has the state of a TPM, and its configuration has no place for it: "
      .. (why or "there is no TPM") })
  elseif core.identify(path:match("^(.*)/")) then
    run:fail("operation_invalid", { message = ("there is a directory %s already"):format(path:match("^(.*)/")),
      hint = "it has the state of a TPM of a guest that was; move it away" })
  end
  return image.at(guest, path)
end

-- Takes the directory's lock, and reads the manifest again: somebody else may have worked there while this waited.
local function lock(run)
  local guest = run.guest
  run:hold(run.store:lock(run.options.wait))
  local now, before = run.store:find(run.options.at), guest.manifest.guest
  if now.guest.uuid ~= before.uuid or now.guest.name ~= before.name then
    run:fail("conflict", { message = ("%s has backups of another guest by now"):format(run.store.directory) })
  end
  guest.manifest = now
end

local function plan(run)
  local guest = run.guest
  if not image.is_local(guest) then
    run:fail("argument_unsupported", { message = "the host is another machine; run guestlua there, with the backup's directory" })
  end
  run.store = stores.at(run.options.from)
  if not core.dry_run() then
    lock(run)
  end
  local manifest = guest.manifest
  check_no_guest(run)
  run.store:check_complete(manifest)
  encryption.hold(run)
  encryption.check_key(NAME, manifest, run.key)
  run.xml = run.store:kept(manifest, "domain")
  local kept = guest.other and clone_domain.kept_elsewhere(core.element(run.xml))
  if kept then
    run:fail("argument_unsupported", { message = kept .. ", which the saved guest writes to", hint = "restore it under its own name" })
  end
  run.taken = guest.other and names.of_all(guest.host) or nil
  local data = { name = guest.name, uuid = guest.uuid, directory = run.store.directory, backup = manifest.id, files = {},
    nvram = nvram_file(run, run.xml), tpm = tpm_file(run, run.xml) }
  for i, disk in ipairs(manifest.disks) do
    data.files[i] = file_of(run, disk)
  end
  for target in next, run.options.disks or {} do
    local known = false
    for _, file in ipairs(data.files) do
      known = known or file.target == target
    end
    if not known then
      run:fail("device_not_found", { device = target, device_type = "disk", message = "the backup has no such disk" })
    end
  end
  return data
end

-- ---- files ----

local function fill(run, name)
  if run.data[name] then
    image.check_own(run.guest, name, run.data[name])
    new_guest.fill(run, run.data[name].path, run.store:kept(run.guest.manifest, name))
  end
end

-- Without checksums, or libnbd to compare them, qemu-img writes the files.
local function convert(run)
  for i, file in ipairs(run.data.files) do
    local chain = run.guest.manifest.disks[i].chain
    image.check_own(run.guest, file.target, file)
    engine.convert(chain[1].uri or run.store:path(chain[1].file), file.path, file.format, run.guest.manifest.encryption and run.key)
  end
end

local function compare(run)
  local manifest = run.guest.manifest
  local copies = backups.comparisons(run.store, manifest, run.key)
  for i, file in ipairs(run.data.files) do
    local errors = os.tmpname()
    image.check_own(run.guest, file.target, file)
    engine.create(file, file.format, file.size)
    table.insert(copies[i].errors, errors)
    copies[i].place = file.path
    copies[i].to = engine.writer(file.path, file.format, errors)
  end
  backups.check_images(manifest, engine.copy(copies, run.options.on_progress))
end

local function copy(run)
  run.unchecked = run.guest.manifest.unchecked or not core.nbd_copy
  if run.unchecked then
    convert(run)
  else
    compare(run)
  end
  fill(run, "nvram")
  fill(run, "tpm")
  new_guest.each_file(run.data, function(file, name)
    image.check_own(run.guest, name, file)
    core.sync_file(file.path)
  end)
end

-- ---- the guest ----

local function define(run)
  local guest, data = run.guest, run.data
  local element, dropped = domain.restored(run.xml, guest, data.files, guest.other,
    data.nvram and run.nvram_named and data.nvram.path or nil, run.taken)
  dropped[#dropped + 1] = run.empty_tpm and "tpm" or nil
  for _, one in ipairs(guest.manifest.left_out or {}) do
    dropped[#dropped + 1] = one.target == manifests.PASSWORDS and one.target or nil
  end
  run.dropped = #dropped > 0 and dropped or nil
  if not core.dry_run() then
    check_no_guest(run) -- libvirt would give its configuration up for this one
  end
  new_guest.define(run, element)
end

steps.define({
  name = NAME,
  help = "Makes a guest from a backup: its disks in new files, each without a backing file, and its configuration. Each block is compared with the "
    .. "checksum made when it was saved. No existing file is overwritten, and no existing guest is changed. If a step fails, neither the guest "
    .. "nor a file is left.",
  fields = {
    { name = "uuid", type = "string", help = "the guest's UUID" },
    { name = "backup", type = "string", help = "the id of the backup that it was made from" },
    { name = "files", type = "table[]", help = "the disks' new files: target, path, format" },
    { name = "unchecked", type = "boolean?", help = "true: nothing was compared, since there are no checksums or no libnbd" },
    { name = "dropped", type = "string[]?", help = "targets of disks that the guest lacks, because they are not in the backup; \"nvram\": its UEFI "
      .. "variables are not, and it begins with new ones; \"tpm\": so does its TPM; \"passwords\": its consoles have none now" },
  },
  params = {
    { name = "host", type = "Host", positional = true, required = true, help = "the Host" },
    { name = "from", type = "string", required = true, help = "the guest's directory of backups" },
    { name = "at", type = "string", help = "a backup's id, or a time in UTC, as in \"2024-01-31T12:00:00Z\" or \"2024-01-31\": "
      .. "the last backup by then, of a day by its end; default: the newest" },
    { name = "name", type = "string", help = "make another guest of that name, with its own UUID, network addresses, and paths "
      .. "of sockets and logs; default: the same guest" },
    { name = "to", type = "string", help = "a directory for the disks' files; default: where they were" },
    { name = "disks", type = "table", help = "the files of single disks, for example {vda=\"/images/vda.qcow2\"}" },
    encryption.PARAM,
    { name = "start", type = "boolean", help = "start it" },
    { name = "on_progress", type = "function", help = "called often with {size, at, read, written}, in bytes" },
  },
  subject = subject,
  arguments = arguments,
  plan = plan,
  recover = new_guest.recover,
  { "make", run = new_guest.make, undo = new_guest.remove },
  { "copy", run = copy, recorded = true, checks = true },
  { "define", run = define, undo = new_guest.undefine, change = true },
  { "start", run = new_guest.start, when = function(run) return run.options.start end, change = true },
  result = function(run)
    local data = run.data
    return { uuid = data.uuid, backup = data.backup, files = new_guest.result(run), dropped = run.dropped, unchecked = run.unchecked or nil }
  end,
})
