-- Makes another guest like one that is off: its disks in new files, and its configuration with what has to be the clone's own. Neither the guest nor
-- one of its files is written to.

local core = require("guestlua.core")
local as_file = require("guestlua.workflow.as_file")
local bad = require("guestlua.base.define").bad
local chain = require("guestlua.workflow.chain")
local domain = require("guestlua.workflow.clone.domain")
local image = require("guestlua.disk.image")
local names = require("guestlua.disk.names")
local nvram = require("guestlua.workflow.nvram")
local new_guest = require("guestlua.workflow.new_guest")
local new_uuid = require("guestlua.base.uuid")
local qemu_img = require("guestlua.disk.qemu_img")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local tpm = require("guestlua.workflow.tpm")

local NAME = "clone"

local WAYS = { copy = true, overlay = true }

-- Formats that a copy keeps; others become qcow2.
local FORMATS = { raw = true, qcow2 = true }

local function arguments(run)
  local options = run.options
  if options.name == nil then
    bad(NAME, "name", "string expected, got nil")
  elseif options.name == "" or options.name:find("[/%c]") or not utf8.len(options.name) then
    bad(NAME, "name", "a guest's name is UTF-8, not empty, and has no slash and no control character")
  elseif options.disks and not WAYS[options.disks] then
    bad(NAME, "disks", ("'%s' is neither: copy, overlay"):format(options.disks))
  elseif options.to and image.bad_name(options.to) then
    bad(NAME, "to", image.bad_name(options.to))
  end
  for target, path in next, options.files or {} do
    local problem = type(target) ~= "string" and "a table from a target to a path expected" or type(path) ~= "string" and "a path expected"
      or image.bad_name(path)
    if problem then
      bad(NAME, "files", problem)
    end
  end
end

-- ---- looking ----

-- The guest's own files are looked at as they are opened, with links followed (core.identify): a link has a mode and times of its own.

local function check_guest(run)
  local guest = run.guest
  if not image.is_local(guest) then
    run:fail("argument_unsupported", { message = "the host is another machine: its images cannot be copied from here",
      hint = "run guestlua there" })
  elseif not state.is_off(state.look(guest)) then
    run:fail("operation_invalid", { message = "the guest runs: its disks change while they are copied",
      hint = "guestlua.workflow.ensure_stopped(guest), or guestlua.workflow.backup and restore, which copy a running guest" })
  elseif guest.domain:has_managed_save_image() then
    run:fail("operation_invalid", { message = "the guest's memory is saved: its disks are those of a system that runs",
      hint = "start it and shut it down, or guest:managed_save_remove()" })
  end
  local other <close> = guest.host:guest(run.options.name)
  if other then
    run:fail("operation_invalid", { message = ("the host has a guest '%s' already"):format(run.options.name) })
  end
end

-- Why the disk gets no file of its own, and what helps; nil: it gets one.
local function unfit(run, disk)
  if not disk.images[1] then
    return "it has no image"
  elseif disk.type ~= "file" then
    return ("its image is no file: it is of the type '%s'"):format(disk.type), "guestlua.workflow.backup and restore make files of it"
  elseif chain.has_encrypted(disk) then
    return "it is encrypted, and its copy would not be"
  elseif disk.element.transient then
    return "it is transient"
  elseif run.options.disks == "overlay" and (core.identify(disk.images[1]) or {}).writable then
    return "its image can be written: whatever is written to it destroys the clone",
      "chmod a-w makes a template of it; the guest that has it cannot be started then"
  end
end

local function file_of(run, disk)
  local options, source = run.options, disk.images[1]
  local own = disk.element.driver and disk.element.driver.type or "raw"
  local format = options.disks == "overlay" and "qcow2" or FORMATS[own] and own or "qcow2"
  local directory = options.to and options.to:gsub("/*$", "/") or source:match("^(.*/)")
  local path = options.files and options.files[disk.target]
    or ("%s%s-%s.%s"):format(directory, options.name, disk.target, format == "raw" and "img" or format)
  image.check_new(run.guest, disk.target, path)
  local file, now = image.at(run.guest, path), core.identify(source)
  if not now then
    chain.fail("operation_invalid", run.guest, disk.target, { message = ("there is no image %s"):format(source) })
  end
  file.target, file.format, file.source, file.source_format, file.written = disk.target, format, source, own, now.written
  return file
end

local function check_names(run, files)
  for target in next, run.options.files or {} do
    local known = false
    for _, file in ipairs(files) do
      known = known or file.target == target
    end
    if not known then
      run:fail("device_not_found", { device = target, device_type = "disk", message = "the guest has no such disk that is copied" })
    end
  end
end

-- The disks that the guest may write to, floppies too.
local function written_disks(run)
  local disks, floppies = chain.disks(run.guest, nil, { domain = run.element }), {}
  for _, element in ipairs(run.element.devices:children("disk")) do
    if element.device == "floppy" and not element.readonly and chain.image_of(element) then
      floppies[#floppies + 1] = element.target.dev
    end
  end
  return table.move(chain.disks(run.guest, floppies, { domain = run.element }), 1, #floppies, #disks + 1, disks)
end

-- The disks' new files; and the targets of disks that the clone has in common with the guest.
local function files_of(run)
  local files, shared = {}, {}
  for _, disk in ipairs(written_disks(run)) do
    if disk.element.shareable then
      shared[#shared + 1] = disk.target
    else
      local why, hint = unfit(run, disk)
      if why then
        chain.fail("argument_unsupported", run.guest, disk.target, { message = why, hint = hint })
      end
      as_file.check(run.guest, disk)
      files[#files + 1] = file_of(run, disk)
    end
  end
  check_names(run, files)
  return files, shared
end

-- nil: it has none, or libvirt makes them at the first start.
local function nvram_of(run, element)
  local guest, name = run.guest, run.options.name
  local path, why, implied = nvram.path(guest.host, element)
  if why then
    run:fail("argument_unsupported", { message = why })
  elseif not path or not core.identify(path) then
    return nil
  end
  local to
  if implied then
    local clone = core.element(tostring(element))
    clone.name = { name }
    to = nvram.path(guest.host, clone)
  else
    to = domain.nvram_path(path, guest.name, name)
  end
  run.nvram_named = not implied
  local file = image.at(guest, to)
  image.check_new(guest, "nvram", file.path)
  file.source, file.written = path, core.identify(path).written
  return file
end

-- nil: it has none, or libvirt makes it at the first start. What it has sealed is on its disks.
local function tpm_of(run, element, uuid)
  local guest = run.guest
  local path, why, elsewhere = tpm.path(guest.host, element)
  if elsewhere then -- where the clone's would be, too
    run:fail("argument_unsupported", { message = "the guest has a TPM, and " .. why })
  elseif not path or not core.identify(path) then
    return nil
  end
  local clone = core.element(tostring(element))
  clone.uuid = { uuid }
  local file = image.at(guest, (tpm.path(guest.host, clone)))
  file.source, file.written = path, core.identify(path).written
  return file
end

local function plan(run)
  check_guest(run)
  qemu_img.check()
  run.element = core.element(run.guest:get_xml_desc({ dump_inactive = true, dump_sensitive = not core.dry_run() }))
  local kept = domain.kept_elsewhere(run.element)
  if kept then
    run:fail("argument_unsupported", { message = kept .. ", which both would write to", hint = "copy that by hand, and define the clone with it" })
  end
  local files, shared = files_of(run)
  local uuid = new_uuid()
  run:watch({})
  run.taken = names.of_all(run.guest.host)
  return { name = run.options.name, uuid = uuid, files = files, shared = #shared > 0 and shared or nil,
    nvram = nvram_of(run, run.element), tpm = tpm_of(run, run.element, uuid) }
end

-- ---- files ----

local function copy_bytes(run, from, to)
  local source <close>, why = io.open(from, "rb")
  local bytes = source and source:read("a")
  if not bytes then
    run:fail("access_denied", { message = ("%s cannot be read: %s"):format(from, why or "it is no file") })
  end
  new_guest.fill(run, to, bytes)
end

local function fill(run, file, name)
  image.check_own(run.guest, name, file)
  if not file.target then
    copy_bytes(run, file.source, file.path)
    core.sync_file(file.path)
  elseif run.options.disks == "overlay" then
    qemu_img.overlay(file.path, file.source, file.source_format)
  else
    qemu_img.copy(file.source, file.source_format, file.path, file.format)
  end
end

-- While an image is read QEMU's lock keeps others from writing it. Between two of them somebody may have started the guest.
local function copy(run)
  new_guest.each_file(run.data, function(file, name)
    fill(run, file, name)
  end)
  run:check_unchanged()
  new_guest.each_file(run.data, function(file, name)
    local now = core.identify(file.source)
    if not now or now.written ~= file.written then
      run:interfered(("%s was written while it was copied"):format(file.source))
    end
    image.check_own(run.guest, name, file)
  end)
end

-- ---- the guest ----

local function define(run)
  local data = run.data
  new_guest.define(run, domain.of_clone(run.element, data, data.files, data.nvram and run.nvram_named and data.nvram.path or nil, run.taken))
end

steps.define({
  name = NAME,
  help = "Makes another guest like one that is off, on the same host: its disks, UEFI variables and the state of an emulated TPM in "
    .. "new files, with its own UUID, addresses and ports; paths of sockets and logs get its name. Neither the guest nor its files are written to. "
    .. "If a step fails, neither the clone nor a file of it is left.",
  fields = {
    { name = "clone", type = "string", help = "its name" },
    { name = "uuid", type = "string", help = "its UUID" },
    { name = "files", type = "table[]", help = "the disks' new files: target, path, format" },
    { name = "shared", type = "string[]?", help = "targets of shareable disks, which both guests have" },
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must be off" },
    { name = "name", type = "string", required = true, help = "the clone's name" },
    { name = "disks", type = "string", help = "\"copy\", the default: files that need no other; \"overlay\": what the clone writes, on top of the "
      .. "guest's images, which nobody may be able to write any more" },
    { name = "to", type = "string", help = "a directory for the disks' files; default: where the guest's are" },
    { name = "files", type = "table", help = "the files of single disks, for example {vda=\"/images/vda.qcow2\"}" },
    { name = "start", type = "boolean", help = "start it" },
    { name = "timeout", type = "number", help = "seconds for the whole workflow; after that it is taken back" },
  },
  arguments = arguments,
  plan = plan,
  recover = new_guest.recover,
  { "make", run = new_guest.make, undo = new_guest.remove },
  { "copy", run = copy, recorded = true, checks = true },
  { "define", run = define, undo = new_guest.undefine, change = true },
  { "start", run = new_guest.start, when = function(run) return run.options.start end, change = true },
  result = function(run)
    local data = run.data
    return { clone = data.name, uuid = data.uuid, files = new_guest.result(run), shared = data.shared }
  end,
})
