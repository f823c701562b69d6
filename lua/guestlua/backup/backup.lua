-- A backup of a guest's disks as they are at one moment, complete or only the changes since the last one, in files that qemu-img reads.
--
-- The old contents of blocks that the running guest overwrites go to scratch files until the disks are read (libvirt's pull mode). The disks of a
-- guest that is off are read as they are, and QEMU's lock keeps it from being started meanwhile.

local boot = require("guestlua.backup.boot")
local core = require("guestlua.core")
local checkpoint = require("guestlua.backup.checkpoint")
local claim = require("guestlua.workflow.claim")
local disks = require("guestlua.backup.disks")
local engine = require("guestlua.backup.engine")
local freeze = require("guestlua.guest.freeze")
local chain = require("guestlua.workflow.chain")
local image = require("guestlua.disk.image")
local io_error = require("guestlua.workflow.io_error")
local manifest = require("guestlua.backup.manifest")
local moment = require("guestlua.backup.moment")
local prune = require("guestlua.backup.prune")
local retry = require("guestlua.workflow.retry")
local steps = require("guestlua.workflow.steps")
local stores = require("guestlua.backup.store")
local bad = require("guestlua.base.define").bad

local NAME = "backup"

-- Bytes that the scratch files leave free, by default.
local RESERVE = 256 << 20

local LEVELS = { auto = true, full = true, incremental = true }

-- ---- bad input ----

local function check_names(option, list)
  for key, name in pairs(list or {}) do
    if math.type(key) ~= "integer" or type(name) ~= "string" then
      bad(NAME, option, "a list of disks' targets expected, as in {\"vda\"}")
    end
  end
end

local function arguments(run)
  local options = run.options
  if options.to:sub(1, 1) ~= "/" then
    bad(NAME, "to", "an absolute path expected")
  elseif options.level and not LEVELS[options.level] then
    bad(NAME, "level", "\"auto\", \"full\" or \"incremental\" expected")
  elseif options.scratch and options.scratch:sub(1, 1) ~= "/" then
    bad(NAME, "scratch", "an absolute path expected")
  end
  if type(options.verify) == "string" and options.verify ~= "boot" then
    bad(NAME, "verify", "true, false or \"boot\" expected")
  end
  engine.check_compression(NAME, options.compress)
  check_names("disks", options.disks)
  check_names("exclude", options.exclude)
  prune.check(NAME, options.keep)
  engine.check()
end

-- ---- looking ----

-- The journal's entry for one disk: its properties and its files.
local function prepare_disk(run, disk)
  local guest, stem = run.guest, ("%s.%s"):format(run.id, disk.target)
  if not disk.target:find("^%w+$") then -- it becomes part of file names
    chain.fail("argument_unsupported", guest, disk.target, { message = "a disk of such a target cannot be saved" })
  elseif not run.off then
    chain.check_idle(guest, disk.target)
  elseif disk.type ~= "file" and disk.type ~= "block" then
    chain.fail("argument_unsupported", guest, disk.target, { message = "a disk of a guest that is off is read as a file, and this one is none" })
  end
  disk.size = guest:get_block_device(disk.target):get_block_info().capacity
  disk.file, disk.sums = stem .. ".qcow2", stem .. ".sums"
  local beside = run.options.scratch and run.options.scratch .. "/scratch" or disk.type == "file" and disk.source
  if not beside and not run.off then
    chain.fail("argument_unsupported", guest, disk.target, { message = "the disk is no file, beside which scratch space could be",
      hint = "scratch=DIRECTORY says where it is" })
  end
  disk.scratch = not run.off and image.beside(guest, beside, run.id, disk.target) or nil
end

-- Refuses to begin if there is no scratch space for the guest's writes meanwhile.
local function check_room(run)
  for _, disk in ipairs(run.disks) do
    local directory = disk.scratch and disk.scratch.path:match("^(.*)/")
    local free = directory and core.free_space(directory)
    if free and free < run.reserve then
      run:fail("no_space", { device = disk.target, device_type = "disk",
        message = ("%s has %d bytes left, and %d have to stay free while the guest goes on writing"):format(directory, free, run.reserve),
        hint = "scratch=DIRECTORY takes another file system, reserve=BYTES less of this one" })
    end
  end
end

local function check_own(run, manifests)
  for _, one in ipairs(manifests) do
    if one.guest.uuid ~= run.guest.uuid then
      run:fail("conflict", { message = ("%s has backups of another guest, %s"):format(run.store.directory, one.guest.uuid) })
    end
  end
end

local function decide_consistency(run)
  if run.off then
    return "off"
  elseif run.options.quiesce then
    freeze.check_agent(run.guest)
    return "frozen"
  elseif run.options.quiesce == nil and run.guest:get_info().domain_state == "running" and retry.try(freeze.check_agent, run.guest) then
    return "frozen"
  end
  return "crash"
end

-- The journal's data, from which the manifest is made.
local function data_of(run, last, left_out)
  local data = { id = run.id, directory = run.store.directory, consistency = run.consistency, number = last and last.number + 1 or 1, disks = {},
    left_out = left_out, socket = ("/var/tmp/guestlua-%s.sock"):format(run.id) }
  local noted = false
  for i, disk in ipairs(run.disks) do
    noted = noted or disk.noted
    local file = image.at(run.guest, run.store:path(disk.file))
    file.unique = true
    data.disks[i] = { target = disk.target, size = disk.size, source = disk.source, source_format = disk.format, file = disk.file, sums = disk.sums,
      image = file, scratch = disk.scratch, because = disk.because,
      level_used = disk.since and "incremental" or "full" }
  end
  data.checkpoint = noted and checkpoint.name(run.target, run.id) or nil
  return data
end

local function plan(run)
  local guest, options = run.guest, run.options
  if not image.is_local(guest) then
    run:fail("argument_unsupported", { message = "the guest's host is another machine; run guestlua there, with a directory that it has" })
  end
  run.store, run.reserve = stores.of(options.to, guest.name), options.reserve or RESERVE
  run.off = not guest:is_active()
  run.disks, run.left_out = disks.select(run)
  if core.dry_run() then
    run.target = ("0"):rep(8)
  else
    core.make_directory(run.store.directory)
    run:hold(run.store:lock(options.wait))
    run.target = run.store:target()
  end
  for _, disk in ipairs(run.disks) do
    prepare_disk(run, disk)
  end
  local manifests = run.store:manifests()
  local last = manifests[#manifests]
  check_own(run, manifests)
  check_room(run)
  disks.decide(run, run.disks, last)
  run.consistency = decide_consistency(run)
  local targets = {}
  for i, disk in ipairs(run.disks) do
    targets[i] = disk.target
  end
  run:watch(targets)
  return data_of(run, last, run.left_out)
end

-- ---- files ----

local function make(run)
  for _, disk in ipairs(run.data.disks) do
    image.make(run.guest, disk.target, disk.image)
    if not disk.image.ino and not core.dry_run() then
      run:fail("system_error", { message = ("%s cannot be made: %s"):format(disk.image.path, disk.image.why or "it is on another machine") })
    end
  end
end

-- The names of the small files contain the run's id, so they are no other run's.
local function remove(run)
  local data = run.data
  if manifest.is_whole(run) then
    return "the backup is whole"
  end
  for _, disk in ipairs(data.disks) do
    local gone, why = image.remove(run.guest, disk.image)
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
  if run.data.consistency == "off" then
    return
  end
  -- A guest that is paused, for example for lack of scratch space, cannot be thawed until the job has ended and it runs again.
  local frozen = run.data.consistency == "frozen" and not run.frozen_for and claim.may_be_frozen(run)
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

local function copy_of(run, disk, entry)
  local store, options, since = run.store, run.options, disk.since
  local errors = { store:path(run.id .. "." .. disk.target .. ".from"), store:path(run.id .. "." .. disk.target .. ".to") }
  engine.create(entry.image.path, "qcow2", disk.size, { compress = options.compress, backing = since and since.chain[1].file })
  return {
    target = disk.target,
    errors = errors,
    from = run.off and engine.reader(disk.source, disk.format, errors[1])
      or ("nbd+unix:///%s?socket=%s"):format(disk.target, run.data.socket),
    bitmap = since and "qemu:dirty-bitmap:backup-" .. disk.target or nil,
    to = engine.writer(entry.image.path, "qcow2", errors[2], options.compress),
    made = store:path(disk.sums),
    lists = since and store:lists(since) or nil,
    rate = options.bandwidth and math.max(options.bandwidth * (1 << 20) // #run.disks, 1) or nil,
  }
end

-- Errors of a copy from a server that is gone.
local NO_SERVER = { nbd_error = true, io_error = true }

-- Copies. Whoever ends the job takes away the server of the disks, and the copy fails: the error is a "conflict" then.
local function copy_all(run, copies)
  local ok, results = retry.try(engine.copy, copies, function(progress)
    check_room(run)
    if run.options.on_progress then
      run.options.on_progress(progress)
    end
  end)
  if ok then
    return results
  end
  local ended = not run.off and core.Error.is(results) and NO_SERVER[results.kind] and moment.ended_by_others(run)
  if ended then
    run:interfered(ended, results)
  end
  error(results, 0)
end

local function copy(run)
  if core.dry_run() then
    return
  end
  moment.note_scratch(run)
  run:record("copy")
  local copies = {}
  for i, disk in ipairs(run.disks) do
    copies[i] = copy_of(run, disk, run.data.disks[i])
  end
  local results = copy_all(run, copies)
  for i, disk in ipairs(run.disks) do
    local entry, result = run.data.disks[i], results[i]
    local chain_of = { { file = disk.file, sums = disk.sums, sha256 = result.made_sha256 } }
    table.move(disk.since and disk.since.chain or {}, 1, disk.since and #disk.since.chain or 0, 2, chain_of)
    entry.chain, entry.image_sha256, entry.read, entry.written = chain_of, result.image_sha256, result.read, result.written
    core.sync_file(entry.image.path)
    entry.bytes = core.find_image(entry.image.path).size
  end
end

local function finish(run)
  if run.off then
    return
  elseif core.dry_run() then
    return run.guest:abort_job()
  elseif not moment.finish(run) then
    run:interfered("the backup job has ended before it was told to")
  end
end

-- Reads back the files that this run has written.
local function verify(run)
  local copies = {}
  for i, entry in ipairs(run.data.disks) do
    local errors = run.store:path(("%s.%s.from"):format(run.id, entry.target))
    copies[i] = { target = entry.target, errors = { errors }, from = engine.reader(entry.image.path, "qcow2", errors), compare = true,
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
  local done = run.options.keep and attempt(prune.run, run.store, run.options.keep, run.guest.host, { compress = run.options.compress })
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
    { name = "pruned", type = "string[]?", help = "ids of backups that `keep` removed" },
    { name = "merged", type = "string[]?", help = "ids of kept backups that others were merged into, as `keep` wanted" },
    { name = "boot", type = "table?", help = "how it booted, as in the result of verify" },
    { name = "warnings", type = "string[]?", help = "problems that did not stop it" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "to", type = "string", required = true, help = "a directory of this machine; the guest's backups are in one of its name in there" },
    { name = "level", type = "string", help = "\"full\"; \"incremental\" or \"auto\": the changes, as far as they are known; default: \"auto\"" },
    { name = "disks", type = "table", help = "a list of targets, for example {\"vda\"}; default: all that are neither read-only nor removable" },
    { name = "exclude", type = "table", help = "a list of targets of disks to leave out" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems at that moment; default: if its agent answers" },
    { name = "freeze_timeout", type = "number", help = "seconds that the freeze may take; default: 60" },
    { name = "compress", type = "string", help = "\"zstd\" or \"zlib\"; default: none" },
    { name = "keep", type = "table", help = "the older backups to keep: {full=, increments=}, or {daily=, weekly=, monthly=}; default: all" },
    { name = "verify", type = "boolean or string", help = "read the backup back before it counts; \"boot\": and then start the guest from it, as "
      .. "verify with boot=true does: if that fails the backup stays, and so do the older ones" },
    chain.PLAIN,
    { name = "bandwidth", type = "integer", help = "MiB/s to read at most; default: no limit" },
    { name = "scratch", type = "string", help = "a directory for scratch files (blocks that the guest overwrites); default: the image's directory" },
    { name = "reserve", type = "integer", help = "bytes to leave free there: the backup is given up before the guest suffers; default: 256 MiB" },
    { name = "on_progress", type = "function", help = "called often with {size, at, read, written}, in bytes" },
  },
  arguments = arguments,
  plan = plan,
  beside = function(run, group)
    return not run.off and io_error.watch(run, group)
  end,
  gone = function(run)
    return remove(run) .. "; the guest is gone"
  end,
  { "make", run = make, undo = remove },
  { "begin", run = moment.begin, undo = take_back, when = function(run) return not run.off end },
  { "copy", run = copy, recorded = true },
  { "end", run = finish },
  { "verify", run = verify, when = function(run) return run.options.verify end, checks = true },
  { "write", run = manifest.write, checks = true },
  { "boot", run = function(run) run.boot = boot.run(run.store, run.store:find(run.id), {}) end,
    when = function(run) return run.options.verify == "boot" end, checks = true },
  result = function(run)
    local data = run.data
    if run.manifest then
      run:part("tidy", tidy, run)
    end
    return { id = data.id, directory = data.directory, consistency = data.consistency, level_used = manifest.level_of(data), left_out = data.left_out,
      disks = run.manifest and run.manifest.disks or data.disks, frozen_seconds = run.frozen_for, pruned = run.pruned, merged = run.merged,
      warnings = run.warnings, boot = run.boot, checkpoint = data.checkpoint, plain = run.plain }
  end,
})
