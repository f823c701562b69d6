-- Lists backups, verifies that they are as saved, and prunes them.

local as_error = require("guestlua.base.as_error")
local boot = require("guestlua.backup.boot")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local encryption = require("guestlua.backup.encryption")
local engine = require("guestlua.backup.engine")
local prune = require("guestlua.backup.prune")
local retry = require("guestlua.workflow.retry")
local stores = require("guestlua.backup.store")
local workflow = require("guestlua.workflow.class")

local backups = {}

local DIRECTORY = { name = "directory", type = "string", positional = true, required = true, help = "a guest's directory of backups" }
local WAIT = { name = "wait", type = "number", help = "seconds to wait until nobody else works in the directory; default: 0, a \"busy\" error" }

local function check_named(method, name, value)
  if value == "" then
    define.bad(method, name, "cannot be empty")
  end
end

-- Locks a directory while a function is called. A dry run leaves nothing there, not even a lock.
local function locked(store, seconds, fn, ...)
  if core.dry_run() then
    return fn(...)
  end
  local lock <close> = store:lock(seconds) -- luacheck: ignore lock
  return fn(...)
end

define(workflow, "workflow", {
  name = "backups",
  help = "Lists the backups in a guest's directory, oldest first. The list's field `problems` has the unusable manifests: id, problem.",
  result = "table[]",
  fields = {
    { name = "id", type = "string", help = "the backup's id" },
    { name = "number", type = "integer", help = "its place in the list" },
    { name = "time", type = "string", help = "when it was made, for example \"2024-01-31T12:00:00Z\"" },
    { name = "directory", type = "string", help = "its directory" },
    { name = "guest", type = "table", help = "name, uuid" },
    { name = "level", type = "string", help = "the level that was asked for" },
    { name = "level_used", type = "\"full\"|\"incremental\"", help = "full: at least one disk is saved completely" },
    { name = "consistency", type = "\"frozen\"|\"crash\"|\"off\"", help = "the guest's state at that moment" },
    { name = "frozen_seconds", type = "number?", help = "how long the file systems were frozen" },
    { name = "checkpoint", type = "string?", help = "the checkpoint for the next increment" },
    { name = "disks", type = "table[]", help = "target, size (bytes), level_used, because (why it is no increment), read, written, bytes, source, "
      .. "chain, image_sha256" },
    { name = "left_out", type = "table[]", help = "disks and other things that are not in it: target, why" },
    { name = "files", type = "table[]", help = "the small files that belong to it" },
    { name = "versions", type = "table", help = "the versions that made it: guestlua, libvirt, host" },
    { name = "seconds", type = "number", help = "how long it took" },
    { name = "mode", type = "\"pull\"|\"push\"", help = "who read the disks: guestlua, or QEMU itself" },
    { name = "unchecked", type = "boolean?", help = "true: it has no checksums, since guestlua was built without libnbd" },
    { name = "encryption", type = "table?", help = "format: \"luks\", if the images are encrypted" },
    { name = "verified", type = "boolean", help = "whether it was read back before it counted" },
    { name = "format", type = "integer", help = "the format of the manifest" },
  },
  params = { DIRECTORY },
  blocks = true,
  run = function(directory)
    check_named("backups", "directory", directory)
    local list, problems = stores.at(directory):manifests()
    list.problems = problems
    return list
  end,
})

-- ---- verify ----

-- The copies that compare a backup's disks with the saved checksums.
function backups.comparisons(store, manifest, key)
  local copies = {}
  for i, disk in ipairs(manifest.disks) do
    local errors = os.tmpname()
    copies[i] = { target = disk.target, errors = { errors }, compare = true, whole = true,
      from = disk.chain[1].uri
        or engine.reader(store:path(disk.chain[1].file), "qcow2", errors, manifest.encryption and key),
      server = disk.chain[1].uri, lists = store:lists(disk) }
  end
  return copies
end

-- Raises if the lists of checksums together, or a disk's size, do not agree with the manifest. QEMU has whole sectors; a server's disk may be larger.
function backups.check_images(manifest, results)
  for i, disk in ipairs(manifest.disks) do
    local size = results[i].size
    if not disk.chain[1].uri and (size < disk.size or size - disk.size > 511) then
      error(core.Error.new({ kind = "invalid_backup", device = disk.target, device_type = "disk",
        message = ("the images of backup %s have %d bytes, and its manifest says %d"):format(manifest.id, size, disk.size) }), 0)
    elseif results[i].image_sha256 ~= disk.image_sha256 then
      error(core.Error.new({ kind = "checksum_error", device = disk.target, device_type = "disk",
        message = ("the checksums of backup %s are not those of its manifest"):format(manifest.id) }), 0)
    end
  end
end

local function verify_one(store, manifest, key, options)
  store:check_complete(manifest)
  encryption.check_key("verify", manifest, key)
  if manifest.unchecked then
    error(core.Error.new({ kind = "no_support", hint = "a restore of it compares nothing, and says so",
      message = ("the backup %s has no checksums: it was made without libnbd"):format(manifest.id) }), 0)
  end
  for _, file in ipairs(manifest.files) do
    store:kept(manifest, file.what)
  end
  local results = engine.copy(backups.comparisons(store, manifest, key), options.on_progress)
  backups.check_images(manifest, results)
  local read = 0
  for _, result in ipairs(results) do
    read = read + result.read
  end
  return { id = manifest.id, ok = true, read = read, boot = options.boot and not core.dry_run() and boot.run(store, manifest, options, key) or nil }
end

local function verify(store, options)
  local manifests, problems
  if options.all then
    manifests, problems = store:manifests()
  else
    manifests, problems = { store:find(options.at) }, {}
  end
  local results, failure = {}, nil
  local key <close> = encryption.open("verify", options)
  for i, manifest in ipairs(manifests) do
    local ok, result = retry.try(verify_one, store, manifest, key, options)
    results[i] = ok and result or { id = manifest.id, ok = false, error = result }
    failure = failure or not ok and result or nil
  end
  for _, one in ipairs(problems) do
    local e = core.Error.new({ kind = "invalid_backup", message = ("%s: %s"):format(store:path(one.id .. ".json"), one.problem) })
    results[#results + 1] = { id = one.id, ok = false, error = e }
    failure = failure or e
  end
  if failure then
    failure = as_error(failure)
    failure.results = results
    error(failure, 0)
  end
  return results
end

define(workflow, "workflow", {
  name = "verify",
  help = "Reads backups, each disk through its whole chain, and compares every block with the checksums made when it was saved. It needs "
    .. "no libvirt. A difference is an error of kind \"checksum_error\", which names the disk and the place; its field `results` has all results. "
    .. "With boot=true the guest is also started from it, on a QEMU of its own without a network, and thrown away: if its agent does not answer, or "
    .. "the command fails, that is an error of kind \"boot_failed\", with the end of its `console`. The backup is not written to.",
  result = "table[]",
  fields = {
    { name = "id", type = "string", help = "the backup's id" },
    { name = "ok", type = "boolean", help = "whether every block is as saved" },
    { name = "read", type = "integer", help = "bytes read" },
    { name = "boot", type = "table?", help = "how it booted: agent_seconds until its agent answered; the command's exit_code, output, errors" },
  },
  params = {
    DIRECTORY,
    { name = "at", type = "string", help = "a backup's id, or a time in UTC, as in \"2024-01-31T12:00:00Z\" or \"2024-01-31\": "
      .. "the last backup by then, of a day by its end; default: the newest" },
    { name = "all", type = "boolean", help = "all backups in the directory" },
    encryption.PARAM,
    { name = "boot", type = "boolean", help = "start the guest that is in it, and throw it away" },
    { name = "command", type = "list of strings", help = "a program to run in that guest, and its arguments, which has to end with 0, for example "
      .. "{\"systemctl\", \"is-active\", \"postgresql\"}; default: {\"/bin/sh\", \"-c\", \"exit\"}" },
    { name = "boot_timeout", type = "number", help = "seconds until the agent has to have answered and the command to be over; default: 300" },
    { name = "on_progress", type = "function", help = "called often with {size, at, read, written}, in bytes, of each backup" },
    WAIT,
  },
  blocks = true,
  run = function(directory, options)
    check_named("verify", "directory", directory)
    stores.check_at("verify", options.at)
    if options.at and options.all then
      define.bad("verify", "at", "either at or all")
    end
    encryption.check("verify", options)
    boot.check("verify", options)
    engine.check()
    local store = stores.at(directory)
    if not options.all or #store:manifests() == 0 then
      store:find(options.at) -- before a lock is made in a directory without backups
    end
    return locked(store, options.wait, verify, store, options)
  end,
})

-- ---- prune ----

define(workflow, "workflow", {
  name = "prune",
  help = "Removes backups that are not to be kept, and what a prune that was killed has left of such. A backup that a kept one needs is merged into "
    .. "it: the kept one's images are written anew, beside the old ones, compared with all checksums, and then take their place. An image that a "
    .. "guest of the host or another image uses stays. A prune that is killed leaves complete backups, and the next one goes on.",
  fields = {
    { name = "pruned", type = "string[]", help = "ids of the backups that were removed; in a dry run: that would be" },
    { name = "merged", type = "string[]?", help = "ids of kept backups that others were merged into" },
    { name = "left", type = "table[]?", help = "files that stay although they should go: path, why; kind, if it is because of an error" },
    { name = "foreign", type = "string[]?", help = "paths of files in the directory that are of no backup; they are left alone" },
  },
  params = {
    { name = "host", type = "Host", positional = true, required = true, help = "the Host: images that its guests need stay" },
    DIRECTORY,
    { name = "keep", type = "table", required = true, help = "{full=N, increments=M}: the newest N full backups, and the newest M increments over "
      .. "each; default: all of them; or {daily=, weekly=, monthly=}: the newest of each of so many days, weeks and months" },
    { name = "compress", type = "string", help = "of images that are written anew: \"zstd\" or \"zlib\"; default: none" },
    encryption.PARAM,
    encryption.TIME,
    { name = "on_progress", type = "function", help = "called often with {size, at, read, written}, in bytes, of each disk that is merged" },
    WAIT,
  },
  blocks = true,
  run = function(host, directory, options)
    core.check_self(host, "Host", "prune")
    check_named("prune", "directory", directory)
    prune.check("prune", options.keep)
    engine.check_compression("prune", options.compress)
    encryption.check("prune", options)
    local store = stores.at(directory)
    if not store:exists("target") then -- with one, there may be what is left of a backup that never was complete
      store:find()
    end
    local key <close> = encryption.open("prune", options)
    local done = locked(store, options.wait, prune.run, store, options.keep, host, options, key)
    for _, list in ipairs({ "merged", "left", "foreign" }) do
      done[list] = #done[list] > 0 and done[list] or nil
    end
    return done
  end,
})

return backups
