-- A guest that a workflow makes: new files for its disks, UEFI variables and TPM, its configuration, its start; and how all of them go again. In the
-- run's data are name, uuid, files, nvram and tpm (each as image.at and image.make have it), and run.made is the guest as soon as the host knows it.

local core = require("guestlua.core")
local calls = require("guestlua.log.calls")
local image = require("guestlua.disk.image")
local retry = require("guestlua.workflow.retry")
local tpm = require("guestlua.workflow.tpm")

local new_guest = {}

-- ---- what is there ----

-- Whether a guest is the run's: it has its files as its disks.
local function is_own(run, guest)
  local paths = {}
  for _, disk in ipairs(core.element(guest:get_xml_desc({ dump_inactive = true })).devices:children("disk")) do
    paths[disk.source and disk.source.file or ""] = true
  end
  for _, file in ipairs(run.data.files) do
    if not paths[file.path] then
      return false
    end
  end
  return #run.data.files > 0 or run.made ~= nil or run.recovering
end

-- The host's guest of the run's UUID, which the caller closes; nil: there is none.
local function defined(run)
  return run.data.defining and not core.dry_run() and run.guest.host:guest(run.data.uuid) or nil
end

-- ---- files ----

-- Calls fn with each file and what it is of: a disk's target, "nvram" or "tpm".
function new_guest.each_file(data, fn)
  for _, file in ipairs(data.files) do
    fn(file, file.target)
  end
  for _, name in ipairs({ "nvram", "tpm" }) do
    if data[name] then
      fn(data[name], name)
    end
  end
end

function new_guest.make(run)
  if run.data.tpm and not core.dry_run() then
    tpm.make_directory(run.data.tpm.path)
  end
  new_guest.each_file(run.data, function(file, name)
    image.make(run.guest, name, file, file.source)
    if not file.ino and not core.dry_run() then
      run:fail("system_error", { message = ("%s cannot be made: %s"):format(file.path, file.why or "it is on another machine") })
    end
  end)
end

-- Writes a small file of the run's.
function new_guest.fill(run, path, bytes)
  local file <close>, why = io.open(path, "r+b")
  if not file then
    run:fail("access_denied", { message = ("%s cannot be written: %s"):format(path, why) })
  end
  local written, problem = file:write(bytes)
  if written then
    written, problem = file:flush()
  end
  if not written then
    run:fail("system_error", { message = ("%s cannot be written: %s"):format(path, problem) })
  end
end

-- A guest that stays keeps its files. No configuration names the file of its TPM, which libvirt finds by the UUID.
function new_guest.remove(run)
  local guest <close> = defined(run)
  if guest and is_own(run, guest) then
    return nil -- undefine has said why
  end
  new_guest.each_file(run.data, function(file, what)
    local gone, why = false, guest and what == "tpm" and ("the guest '%s' has that UUID"):format(guest.name)
    if not why then
      gone, why = image.remove(run.guest, file)
    end
    if not gone then
      run:leave(file.path, why)
    end
  end)
  if run.data.tpm and not guest and not core.dry_run() then
    tpm.remove_directory(run.data.tpm.path)
  end
  return guest and ("undone: the guest '%s' is another"):format(guest.name) or "undone: no guest was made"
end

-- ---- the guest ----

function new_guest.define(run, element)
  if core.dry_run() then
    return calls.held("virDomainDefineXML", run.guest, { xml = tostring(element) })
  end
  new_guest.each_file(run.data, image.seal)
  run.data.defining = true -- until then a guest of that UUID is somebody else's
  run:record("define")
  run.made = run.guest.host:write_instance_config(element)
end

-- Says so if the guest is to stay. One that a killed run has left is whole, and nothing shows who has used it since.
function new_guest.undefine(run)
  local guest <close> = defined(run)
  if not guest or not is_own(run, guest) then
    return
  elseif guest:is_active() then
    return ("the guest '%s' is there, and runs"):format(guest.name)
  elseif run.recovering then
    return ("finished: the guest '%s' is there, and is off"):format(guest.name)
  end
  guest:delete_configuration({ keep_nvram = true })
end

function new_guest.start(run)
  if core.dry_run() then
    return calls.held("virDomainCreateWithFlags", run.guest, { name = run.data.name })
  end
  new_guest.each_file(run.data, function(file)
    file.sealed = nil -- if it does not start, it may have been written to all the same
  end)
  run.made:launch()
end

-- ---- the end ----

-- Recovers a killed run: the host may know the guest already.
function new_guest.recover(run, host, guest)
  run.guest = guest or { host = host, name = run.guest_name, uuid = run.uuid }
  return new_guest.undefine(run) or run:with_left(new_guest.remove(run) or "the guest is there")
end

-- What a result says of the files.
function new_guest.result(run)
  local files = {}
  for i, file in ipairs(run.data.files) do
    files[i] = { target = file.target, path = file.path, format = file.format }
  end
  if run.made then
    retry.try(run.made.close, run.made)
  end
  return files
end

return new_guest
