-- A backup of a guest's disks as they are at one moment, complete or only the changes since the last one, in files that qemu-img reads.
--
-- The old contents of blocks that the running guest overwrites go to scratch files until the disks are read (libvirt's pull mode). The disks of a
-- guest that is off are read as they are: QEMU's lock keeps it from being started meanwhile, or, with a raw image, it is seen that it was.

local boot = require("guestlua.backup.boot")
local core = require("guestlua.core")
local checkpoint = require("guestlua.backup.checkpoint")
local freezing = require("guestlua.workflow.freezing")
local disks = require("guestlua.backup.disks")
local encryption = require("guestlua.backup.encryption")
local engine = require("guestlua.backup.engine")
local freeze = require("guestlua.guest.freeze")
local chain = require("guestlua.workflow.chain")
local image = require("guestlua.disk.image")
local io_error = require("guestlua.workflow.io_error")
local manifest = require("guestlua.backup.manifest")
local moment = require("guestlua.backup.moment")
local prune = require("guestlua.backup.prune")
local pull = require("guestlua.backup.pull")
local push = require("guestlua.backup.push")
local retry = require("guestlua.workflow.retry")
local scratch = require("guestlua.backup.scratch")
local server = require("guestlua.backup.server")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local turns = require("guestlua.backup.turns")
local stores = require("guestlua.backup.store")
local bad = require("guestlua.base.define").bad

local NAME = "backup"

local LEVELS = { auto = true, full = true, incremental = true }

-- ---- bad input ----

local function check_names(option, list)
  local seen = {}
  for _, name in ipairs(list or {}) do
    if seen[name] then
      bad(NAME, option, ("'%s' is there twice"):format(name))
    end
    seen[name] = true
  end
  return seen
end

local function check_disks(options)
  local excluded = check_names("exclude", options.exclude)
  for name in pairs(check_names("disks", options.disks)) do
    if excluded[name] then
      bad(NAME, "exclude", ("'%s' is in disks, too"):format(name))
    end
  end
  if options.disks and not next(options.disks) then
    bad(NAME, "disks", "a disk's target expected, as in {\"vda\"}")
  end
end

-- libvirt has the name of `scratch` in XML, and QEMU has to find what is in the other.
local function check_place(option, path, what)
  local problem = path and image.bad_name(path, option == "to")
  if problem then
    bad(NAME, option, path:sub(1, 1) == "/" and problem or what)
  end
end

local function arguments(run)
  local options = run.options
  if not server.is_one(options.to) then
    check_place("to", options.to, "an absolute path or the URI of an NBD server expected")
  end
  if options.level and not LEVELS[options.level] then
    bad(NAME, "level", "\"auto\", \"full\" or \"incremental\" expected")
  elseif options.freeze_timeout and options.quiesce == false then
    bad(NAME, "freeze_timeout", "quiesce=false freezes nothing: either of them, or quiesce=true")
  end
  check_place("scratch", options.scratch, "an absolute path expected")
  scratch.check(run)
  if type(options.verify) == "string" and options.verify ~= "boot" then
    bad(NAME, "verify", "true, false or \"boot\" expected")
  end
  engine.check_compression(NAME, options.compress)
  check_disks(options)
  prune.check(NAME, options.keep)
  encryption.check(NAME, options)
  server.check(NAME, options)
  run.push = push.decide(run)
end

-- ---- looking ----

-- The journal's entry for one disk: its properties and its files. seen: how run:watch has just found it.
local function prepare_disk(run, disk, seen)
  local guest, stem = run.guest, ("%s.%s"):format(run.id, disk.target)
  if not disk.target:find("^%w+$") then -- it becomes part of file names
    chain.fail("argument_unsupported", guest, disk.target, { message = "a disk of such a target cannot be saved" })
  elseif not run.off then
    chain.check_idle(guest, disk.target, seen)
  elseif disk.type ~= "file" and disk.type ~= "block" then
    chain.fail("argument_unsupported", guest, disk.target, { message = "a disk of a guest that is off is read as a file, and this one is none" })
  end
  disk.size = seen.capacity or guest:get_block_device(disk.target):get_block_info().capacity
  disk.file, disk.sums = stem .. ".qcow2", stem .. ".sums"
  if not run.push then
    scratch.place(run, disk)
  end
end

local function check_own(run, manifests)
  for _, one in ipairs(manifests) do
    if one.guest.uuid ~= run.guest.uuid then
      run:fail("conflict", { message = ("%s has backups of another guest, %s"):format(run.store.directory, one.guest.uuid) })
    end
  end
end

-- The journal's data, from which the manifest is made.
local function data_of(run, last, left_out)
  local data = { id = run.id, directory = run.store.directory, consistency = run.consistency, off = run.off,
    number = last and last.number + 1 or 1, disks = {}, left_out = left_out, socket = ("/var/tmp/guestlua-%s.sock"):format(run.id) }
  local noted = false
  for i, disk in ipairs(run.disks) do
    noted = noted or disk.noted
    local file = image.at(run.guest, run.store:path(disk.file))
    file.unique = true
    data.disks[i] = { target = disk.target, size = disk.size, source = disk.source, source_format = disk.format, file = disk.file, sums = disk.sums,
      image = file, scratch = disk.scratch, because = disk.because,
      level_used = disk.since and "incremental" or "full" }
  end
  server.place(run, data.disks)
  data.pushed = run.push and data.disks[1].file or nil
  data.checkpoint = noted and checkpoint.name(run.target, run.id) or nil
  return data
end

local function plan(run)
  local guest, options = run.guest, run.options
  if not image.is_local(guest) then
    run:fail("argument_unsupported", { message = "the guest's host is another machine; run guestlua there, with a directory that it has" })
  end
  run.store = stores.of(server.directory(options), guest.name)
  run.before = state.look(guest)
  run.off = not run.before.active
  if run.off and run.push then -- there is no QEMU that could
    engine.check()
    run.push = false
  end
  encryption.hold(run)
  run.disks, run.left_out = disks.select(run)
  if core.dry_run() then
    run.target = ("0"):rep(8)
  else
    core.make_directory(run.store.directory, run.push and push.MODE or nil)
    run:hold(run.store:lock(options.wait))
    run.target = run.store:target()
    run:look()
  end
  local before = run:watch(chain.targets(run.disks))
  for _, disk in ipairs(run.disks) do
    prepare_disk(run, disk, before.disks[disk.target] or {})
  end
  local manifests = run.store:manifests()
  local last = manifests[#manifests]
  check_own(run, manifests)
  scratch.check_room(run)
  run.forgotten = not run.off and checkpoint.forgotten(run.guest, manifests) or nil
  disks.decide(run, run.disks, last)
  encryption.check_below(run)
  run.consistency = moment.consistency(run)
  return data_of(run, last, run.left_out)
end

-- ---- files ----

local function make(run)
  for _, disk in ipairs(run.data.disks) do
    if disk.image then
      image.make(run.guest, disk.target, disk.image)
    end
    if disk.image and not disk.image.ino and not core.dry_run() then
      run:fail("system_error", { message = ("%s cannot be made: %s"):format(disk.image.path, disk.image.why or "it is on another machine") })
    end
  end
  push.prepare(run)
end

-- The names of the small files contain the run's id, so they are no other run's.
local function remove(run)
  local data = run.data
  if manifest.is_whole(run) then
    return "the backup is whole"
  end
  for _, disk in ipairs(data.disks) do
    local gone, why = true, nil
    if disk.image then
      gone, why = image.remove(run.guest, disk.image)
    end
    if not gone then
      run:leave(disk.image.path, why)
    end
  end
  for _, name in ipairs(core.list_directory(data.directory)) do
    local own = name:sub(1, #data.id + 1) == data.id .. "." and not name:find("%.qcow2$")
    if own then
      core.remove_file(data.directory .. "/" .. name)
    end
  end
  return "undone: there is no such backup"
end

-- ---- the job ----

-- Removes the checkpoint too, which libvirt leaves: an increment over a backup that does not exist would lack data.
local function take_back(run)
  if run.data.off then
    return
  end
  -- A guest that is paused, for example for lack of scratch space, cannot be thawed until the job has ended and it runs again.
  local frozen = run.data.consistency == "frozen" and freezing.may_last(run)
  local thawed = frozen and retry.try(freeze.thaw_once, run.guest)
  moment.finish(run)
  io_error.check(run)
  if frozen and not thawed then
    freeze.thaw_once(run.guest)
  end
  if run.data.checkpoint and not manifest.is_whole(run) then
    checkpoint.delete(run.guest, run.data.checkpoint)
  end
  moment.remove_scratch(run)
end

-- ---- copying ----

local function copy(run)
  if core.dry_run() then
    return
  end
  moment.note_scratch(run)
  run:record("copy")
  manifest.keep_files(run)
  local results = run.push and push.copy(run) or pull.copy(run)
  for i, disk in ipairs(run.disks) do
    local entry, result = run.data.disks[i], results[i]
    local chain_of = { { file = entry.file, uri = entry.uri, sums = entry.sums, sha256 = result.made_sha256 } }
    table.move(disk.since and disk.since.chain or {}, 1, disk.since and #disk.since.chain or 0, 2, chain_of)
    entry.chain, entry.image_sha256, entry.read, entry.written = chain_of, result.image_sha256, result.read, result.written
    if entry.image then
      core.sync_file(entry.image.path)
      entry.bytes = core.find_image(entry.image.path).size
    end
  end
end

local function finish(run)
  if run.off or run.push then
    return
  elseif core.dry_run() then
    return run.guest:abort_job()
  elseif not moment.finish(run) then
    run:interfered("the backup job has ended before its time")
  end
end

-- Reads back the files that this run has written.
local function verify(run)
  local copies = {}
  for i, entry in ipairs(run.data.disks) do
    local errors = run.store:path(("%s.%s.from"):format(run.id, entry.target))
    copies[i] = { target = entry.target, errors = { errors }, compare = true,
      from = entry.uri or engine.reader(entry.image.path, "qcow2", errors, run.key),
      lists = { run.store:lists(entry)[1] } }
  end
  engine.copy(copies)
end

-- ---- afterwards ----

-- The backup exists whether or not this succeeds: a failure is only reported.
local function tidy(run)
  local function warn(text)
    run.warnings = run.warnings or {}
    table.insert(run.warnings, text)
  end
  local function attempt(fn, ...)
    local ok, result = retry.try(fn, ...)
    if not ok then
      warn(core.Error.is(result) and result.message or tostring(result))
    end
    return ok and result or nil
  end
  for _, name in ipairs(not run.off and attempt(checkpoint.list, run.guest, run.target) or {}) do
    if name ~= run.data.checkpoint then
      attempt(checkpoint.delete, run.guest, name)
    end
  end
  attempt(checkpoint.clear, run.guest, run.forgotten)
  local done = run.options.keep and attempt(prune.run, run.store, run.options.keep, run.guest.host, { compress = run.options.compress },
    run.key)
  if done then
    run.pruned, run.merged, run.manifest = done.pruned, done.merged, run.store:find(run.id)
    for _, file in ipairs(done.left) do
      if file.kind then
        warn(file.path .. ": " .. file.why)
      end
    end
  end
end

steps.define({
  name = NAME,
  help = "Saves the guest's disks as they are at one moment, completely or only the changes since the last backup in that directory, with the "
    .. "guest's configuration and its UEFI variables: qcow2 images that qemu-img reads, checksums, and a manifest. A backup is complete or "
    .. "does not exist. A guest that is off is read as it is. A disk without a possible increment gets a full backup, with the reason.",
  fields = {
    { name = "id", type = "string", help = "the backup's id, as taken by `at`" },
    { name = "directory", type = "string", help = "the guest's directory of backups" },
    { name = "consistency", type = "\"frozen\"|\"crash\"|\"off\"", help = "the guest's state at that moment" },
    { name = "level_used", type = "\"full\"|\"incremental\"", help = "full: at least one disk is saved completely" },
    { name = "disks", type = "table[]", help = "target, size (bytes), level_used, because (why it is no increment), read, written, bytes, source, "
      .. "chain, image_sha256" },
    { name = "left_out", type = "table[]", help = "disks and other things that are not in it: target, why" },
    { name = "frozen_seconds", type = "number?", help = "how long the file systems were frozen" },
    { name = "checkpoint", type = "string?", help = "the checkpoint for the next increment" },
    { name = "mode", type = "\"pull\"|\"push\"", help = "who read the disks: guestlua, or QEMU itself" },
    { name = "lacks", type = "string[]?", help = "what a pushed backup lacks in comparison" },
    { name = "pruned", type = "string[]?", help = "ids of backups that `keep` removed" },
    { name = "merged", type = "string[]?", help = "ids of kept backups that others were merged into, as `keep` wanted" },
    { name = "boot", type = "table?", help = "how it booted, as in the result of verify" },
    { name = "warnings", type = "string[]?", help = "problems that did not stop it" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "to", type = "string", required = true, help = "a directory of this machine; the guest's backups are in one of its name in there. "
      .. "Or the URI of an NBD server, which gets the disks as raw images, in which {disk} and {guest} stand for their names" },
    server.PARAM,
    push.PARAM,
    { name = "level", type = "string", help = "\"full\"; \"incremental\" or \"auto\": the changes, as far as they are known; default: \"auto\"" },
    { name = "disks", type = "list of strings", help = "the targets, for example {\"vda\"}; default: all that are neither read-only nor removable" },
    { name = "exclude", type = "list of strings", help = "a list of targets of disks to leave out" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems at that moment; default: if its agent answers" },
    { name = "freeze_timeout", type = "number", help = "seconds that the freeze may take; default: 60" },
    { name = "compress", type = "string", help = "\"zstd\" or \"zlib\"; default: none" },
    encryption.PARAM,
    encryption.TIME,
    { name = "keep", type = "table", help = "the older backups to keep: {full=, increments=}, or {daily=, weekly=, monthly=}; default: all" },
    { name = "verify", type = "boolean or string", help = "read the backup back before it counts; \"boot\": and then start the guest from it, as "
      .. "verify with boot=true does: if that fails the backup stays, and so do the older ones" },
    chain.PLAIN,
    { name = "bandwidth", type = "integer", least = 1, most = chain.MOST_BANDWIDTH, help = "MiB/s to read at most; default: no limit" },
    { name = "scratch", type = "string", help = "a directory for scratch files (blocks that the guest overwrites); default: the image's directory" },
    { name = "reserve", type = "integer", help = "bytes to leave free there: the backup is given up before the guest suffers; default: 256 MiB" },
    { name = "on_progress", type = "function", help = "called often with {size, at, read, written}, in bytes" },
    turns.TARGET,
    turns.HOST,
  },
  arguments = arguments,
  turn = function(run) turns.await(run, run.push and push.MODE or nil) end,
  plan = plan,
  beside = function(run, group) return not run.off and io_error.watch(run, group) end,
  gone = function(run)
    moment.remove_scratch(run)
    return remove(run) .. "; the guest is gone"
  end,
  { "make", run = make, undo = remove },
  { "begin", run = moment.begin, undo = take_back, when = function(run) return not run.off end },
  { "copy", run = copy, recorded = true },
  { "end", run = finish },
  { "verify", run = verify, when = function(run) return run.options.verify end, checks = true },
  { "write", run = manifest.write, checks = true },
  { "boot", run = function(run)
    run.boot = boot.run(run.store, run.store:find(run.id), { boot_timeout = boot.within(run:time_left()) }, run.key)
  end, when = function(run) return run.options.verify == "boot" end, checks = true },
  result = function(run)
    local data = run.data
    if run.manifest then
      run:part("tidy", tidy, run)
    end
    return { id = data.id, directory = data.directory, consistency = data.consistency, level_used = manifest.level_of(data), left_out = data.left_out,
      disks = run.manifest and run.manifest.disks or data.disks, frozen_seconds = run.frozen_for, pruned = run.pruned, merged = run.merged,
      warnings = run.warnings, boot = run.boot, checkpoint = data.checkpoint, plain = run.plain,
      mode = data.pushed and "push" or "pull", lacks = push.lacks(run) }
  end,
})
