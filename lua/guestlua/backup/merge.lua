-- Merges backups that are not kept into the kept one above them: its image gets all that theirs have, and lies over what theirs lay over.
--
-- The new image is written beside the old one, and takes its name when it is complete: a guest sees the same in both, and the images above go by
-- that name. Then the manifest names the new list of checksums and the shorter chain; until then the old lists are as true. The manifests above
-- follow, and prune removes what none of them names. Whoever ends this at any moment leaves complete backups, and the next prune goes on.

local core = require("guestlua.core")
local encryption = require("guestlua.backup.encryption")
local engine = require("guestlua.backup.engine")
local image = require("guestlua.disk.image")
local journal = require("guestlua.base.journal")
local level_of = require("guestlua.backup.manifest").level_of
local retry = require("guestlua.workflow.retry")
local stores = require("guestlua.backup.store")
local undo = require("guestlua.base.undo")

local merge = {}

-- The endings of files that a merge leaves beside those of a kept backup: the old list of checksums, and if it was killed the new files as well.
local LEFTOVERS = { "^%.%w+%.sums$", "^%.%w+%.%x+%.sums$", "^%.%w+%.%x+%.qcow2$", "^%.json%.%w%w%w%w%w%w$" }

-- Whether a file that no manifest names, and that begins with that id, is what is left of a merge.
function merge.is_leftover(name, id)
  for _, pattern in ipairs(LEFTOVERS) do
    if name:find(pattern, #id + 1) then
      return true
    end
  end
  return false
end

-- Why a backup's images cannot be written anew; nil: they can. unlocked: whether there is a passphrase.
local function obstacle(manifest, unlocked)
  if manifest.encryption and not unlocked then
    return "they are encrypted, and `encrypt` is missing"
  end
  for _, disk in ipairs(manifest.disks) do
    for _, link in ipairs(disk.chain) do
      if not link.sums then
        return "there are no checksums, so a damaged block would be merged unseen"
      end
    end
  end
end

-- How many backups below the disk's own image are not kept before there is one that is.
local function superfluous(disk, wanted)
  local count = 0
  while disk.chain[count + 2] and not wanted[stores.id_of(disk.chain[count + 2].file)] do
    count = count + 1
  end
  return count
end

-- The kept backups that others would be merged into, with a passphrase (unlocked) or without one: their ids.
function merge.plan(manifests, wanted, unlocked)
  local ids = {}
  for _, manifest in ipairs(manifests) do
    local any = false
    for _, disk in ipairs(not obstacle(manifest, unlocked) and manifest.disks or {}) do
      any = any or superfluous(disk, wanted) > 0
    end
    ids[#ids + 1] = wanted[manifest.id] and any and manifest.id or nil
  end
  return ids
end

-- ---- one disk ----

-- An empty image beside those of the backup, and the name of its list of checksums: both go if the scope is left before they are in use.
local function files_beside(store, guest, disk)
  local id, word = stores.id_of(disk.chain[1].file), journal.new_id():match("%x+$")
  local stem = ("%s.%s.%s"):format(id, disk.target, word)
  local file, sums = image.at(guest, store:path(stem .. ".qcow2")), stem .. ".sums"
  image.make(guest, disk.target, file, store:path(disk.chain[1].file))
  if not file.ino then
    error(core.Error.new({ kind = "system_error", message = ("%s cannot be made: %s"):format(file.path, file.why) }), 0)
  end
  return file, sums, undo.guard(function()
    image.remove(guest, file)
    core.remove_file(store:path(sums))
  end)
end

-- Fills the new image: what is read is compared with the checksums, and what was written is read back. Returns its list's row.
local function fill(store, disk, count, file, sums, key, options)
  local lists, below = store:lists(disk), {}
  table.move(lists, count + 2, #lists, 1, below)
  lists = table.move(lists, 1, count + 1, 1, {})
  local base = disk.chain[count + 2]
  engine.create(file, "qcow2", disk.size, { compress = options.compress, backing = base and base.file, key = key })
  local from, to = os.tmpname(), os.tmpname()
  local made = engine.copy({ { target = disk.target, errors = { from, to },
    from = engine.reader(store:path(disk.chain[1].file), "qcow2", from, key),
    to = engine.writer(file.path, "qcow2", to, { compress = options.compress, size = disk.size, key = key }), compare = true, whole = not base,
    made = store:path(sums), lists = lists, below = below } }, options.on_progress)[1]
  if made.image_sha256 ~= disk.image_sha256 then
    error(core.Error.new({ kind = "checksum_error", device = disk.target, device_type = "disk",
      message = "the merged checksums are not those of the manifest" }), 0)
  end
  engine.complete(file.path, disk.size, options.compress)
  core.sync_file(file.path)
  from = os.tmpname()
  engine.copy({ { target = disk.target, errors = { from }, from = engine.reader(file.path, "qcow2", from, key), compare = true,
    whole = not base, lists = { { path = store:path(sums), sha256 = made.made_sha256 } } } })
  return made.made_sha256
end

-- Merges so many backups below the disk's image into it. Returns why it cannot be replaced; nil: it is.
local function merge_disk(store, host, manifest, disk, count, options)
  engine.check()
  local guest, path = { name = manifest.guest.name, host = host }, store:path(disk.chain[1].file)
  local key = manifest.encryption and options.key
  local why = image.used(host, image.known(guest, path)) -- before all is copied in vain
  if why then
    return why
  end
  for _, link in ipairs(key and disk.chain or {}) do
    encryption.unlock(key, store.directory, link.file, disk.target)
  end
  local file, sums, guard = files_beside(store, guest, disk)
  local unused <close> = guard
  local sha256 = fill(store, disk, count, file, sums, key, options)
  local replaced
  replaced, why = image.replace(host, path, file)
  if not replaced then
    return why
  end
  unused:keep()
  disk.chain = table.move(disk.chain, count + 2, #disk.chain, 2, { { file = disk.chain[1].file, sums = sums, sha256 = sha256 } })
  if #disk.chain == 1 then
    disk.level_used, disk.because = "full", "the backups below it were merged into it"
  end
  disk.bytes = core.find_image(path).size
end

-- ---- all of them ----

-- Gives a disk the chain of the backup below it, if that has become shorter. Whether it had.
local function follow(disk, by_id)
  local below = disk.chain[2]
  local entry = below and by_id[stores.id_of(below.file)]
  entry = entry and stores.entry_of(entry, disk.target)
  if not entry or entry.chain[1].file ~= below.file or entry.chain[1].sums == below.sums and #entry.chain == #disk.chain - 1 then
    return false
  end
  disk.chain = table.move(entry.chain, 1, #entry.chain, 2, { disk.chain[1] })
  return true
end

local function write(store, manifest)
  manifest.level_used = level_of(manifest)
  store:write(manifest)
end

-- Merges into each disk of a kept backup, and writes its manifest. Whether something was merged; what could not be is added to left.
local function merge_backup(store, host, manifest, options, left)
  local any, unreadable = false, obstacle(manifest, options.key ~= nil)
  for _, disk in ipairs(manifest.disks) do
    local count = superfluous(disk, options.wanted)
    if count > 0 then
      local ok, why = true, unreadable
      if not why then
        ok, why = retry.try(merge_disk, store, host, manifest, disk, count, options)
      end
      if ok and not why then
        write(store, manifest) -- the next disk may take long
        any = true
      else
        left[#left + 1] = { path = store:path(disk.chain[1].file), kind = core.Error.is(why) and why.kind or nil,
          why = "what is below it is not merged into it: " .. (core.Error.is(why) and why.message or tostring(why)) }
      end
    end
  end
  return any
end

-- Merges the backups that are not wanted into the wanted ones above them, oldest first, and writes the manifests. The directory is locked.
-- options: wanted, a set of ids; compress, key, on_progress. Returns the ids of those that took up others, what could not be: { path, why, kind },
-- and whether a manifest was written: if an earlier merge was killed, the manifests above may have to follow alone.
function merge.run(store, host, manifests, options)
  local merged, left, by_id, written = {}, {}, {}, false
  for _, manifest in ipairs(manifests) do
    local changed, any = false, false
    for _, disk in ipairs(manifest.disks) do
      changed = follow(disk, by_id) or changed
    end
    if options.wanted[manifest.id] then
      any = merge_backup(store, host, manifest, options, left)
    end
    if changed and not any then
      write(store, manifest)
    end
    written = written or changed or any
    merged[#merged + 1] = any and manifest.id or nil
    by_id[manifest.id] = manifest
  end
  return merged, left, written
end

return merge
