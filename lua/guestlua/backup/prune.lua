-- Removes backups. One that a kept one needs is merged into it first (merge.lua). They are removed newest first. The manifest gets another name
-- before the files go: an interrupted prune leaves no incomplete backup, and the next one finishes it. A file goes only if a manifest has named it:
-- somebody may have moved that out of the way, or be copying a backup into the directory.

local core = require("guestlua.core")
local bad = require("guestlua.base.define").bad
local image = require("guestlua.disk.image")
local merge = require("guestlua.backup.merge")
local stores = require("guestlua.backup.store")

local prune = {}

-- The period of that name that a time "2024-01-31T…Z" is in, wherever the machine is: noon of a day is read and written in one zone.
prune.PERIODS = {
  daily = function(time)
    return time:sub(1, 10)
  end,
  weekly = function(time)
    local year, month, day = time:match("^(%d+)-(%d+)-(%d+)")
    return year and os.date("%G-%V", os.time({ year = year, month = month, day = day, hour = 12 })) or time
  end,
  monthly = function(time)
    return time:sub(1, 7)
  end,
}

-- Raises if keep is no table of counts, or mixes both ways.
function prune.check(op, keep)
  for key, count in next, keep or {} do
    if key ~= "full" and key ~= "increments" and not prune.PERIODS[key] then
      bad(op, "keep", ("no such key '%s'; there are: full, increments, daily, weekly, monthly"):format(tostring(key)))
    elseif math.type(count) ~= "integer" or count < (key == "increments" and 0 or 1) then
      bad(op, "keep." .. key, "a whole number expected, from 1 up; increments from 0 up")
    end
  end
  if keep and not next(keep) then
    bad(op, "keep", "a rule expected: full, increments, daily, weekly or monthly")
  elseif keep and (keep.full or keep.increments) and (keep.daily or keep.weekly or keep.monthly) then
    bad(op, "keep", "either full and increments, or daily, weekly and monthly")
  end
end

-- A backup that needs no other.
local function is_full(manifest)
  for _, disk in ipairs(manifest.disks) do
    if #disk.chain > 1 then
      return false
    end
  end
  return true
end

-- Marks the last n full backups, and the last increments before each next one of them.
local function want_full(wanted, manifests, n, increments)
  local count = 0
  for i = #manifests, 1, -1 do
    local full = is_full(manifests[i])
    count = full and 0 or count + 1
    wanted[manifests[i].id] = full or count <= increments
    n = n - (full and 1 or 0)
    if n == 0 then
      return
    end
  end
end

-- Marks the newest backup of each of the last n periods with backups.
local function want_periods(wanted, manifests, n, period)
  local seen, count = {}, 0
  for i = #manifests, 1, -1 do
    local name = period(manifests[i].time)
    if not seen[name] then
      seen[name], count = true, count + 1
      if count > n then
        return
      end
      wanted[manifests[i].id] = true
    end
  end
end

-- The ids to keep according to `keep`, and the newest.
local function wanted_of(manifests, keep)
  local wanted = {}
  for key, period in pairs(prune.PERIODS) do
    if keep[key] then
      want_periods(wanted, manifests, keep[key], period)
    end
  end
  if keep.full or keep.increments then
    want_full(wanted, manifests, keep.full or math.huge, keep.increments or math.huge)
  end
  if #manifests > 0 then
    wanted[manifests[#manifests].id] = true
  end
  return wanted
end

-- The files that backups need, their own small ones too, and the ids of the backups that the images belong to.
local function needs(manifests, wanted)
  local files, ids = {}, {}
  for _, manifest in ipairs(manifests) do
    if wanted[manifest.id] then
      ids[manifest.id], files[manifest.id .. ".json"] = true, true
      for _, file in ipairs(manifest.files) do
        files[file.name] = true
      end
      for _, disk in ipairs(manifest.disks) do
        for _, link in ipairs(disk.chain) do
          for _, name in pairs({ link.file, link.sums }) do -- a pushed image may have no checksums, and one at a server no file
            files[name] = true
          end
          ids[stores.id_of(link.file or link.sums) or ""] = true -- a backup with files that stay also stays: dropping it would save nothing
        end
      end
    end
  end
  return files, ids
end

-- Removes a file, an image only if nobody needs it. True, or false and why it stays.
local function remove(store, name, host)
  local path = store:path(name)
  if name:find("%.qcow2$") then
    return image.discard(host, path)
  end
  core.remove_file(path)
  return true
end

-- Removes files, in rounds as long as some go: the names do not say which image is based on which, if the clock went back or two backups are of the
-- same second. Returns those that stay: {path, why}.
local function remove_all(store, names, host)
  local left
  repeat
    local some = false
    local again = {}
    left = {}
    for _, name in ipairs(names) do
      local ok, why = remove(store, name, host)
      some = some or ok
      if not ok then
        again[#again + 1] = name
        left[#left + 1] = { path = store:path(name), why = why }
      end
    end
    names = again
  until #left == 0 or not some
  return left
end

-- The names of the files of a buried backup: those that its manifest has named, and what a killed merge has left of it. graves: what is known by id.
local function is_of_buried(store, graves, id, name)
  if graves[id] == nil then
    local manifest = store:buried(id)
    graves[id] = manifest and needs({ manifest }, { [id] = true }) or false
  end
  return graves[id] and (graves[id][name] or merge.is_leftover(name, id))
end

-- Removes the files that no backup needs: of buried backups, and what a killed merge has left. Returns those that stay although they should go,
-- {path, why}, and those that are of no backup.
local function clean(store, manifests, host)
  local all, others, graves = {}, {}, {}
  for _, manifest in ipairs(manifests) do
    all[manifest.id] = true
  end
  local files = needs(manifests, all)
  local names, going, buried = core.list_directory(store.directory), {}, {}
  for i = #names, 1, -1 do
    local name, id = names[i], stores.id_of(names[i])
    if id and not files[name] and (all[id] and merge.is_leftover(name, id) or not all[id] and is_of_buried(store, graves, id, name)) then
      going[#going + 1] = name
    elseif id and name == id .. ".gone" then
      buried[#buried + 1] = name
    elseif not files[name] and not stores.is_own(name) then
      table.insert(others, 1, store:path(name))
    end
  end
  local left = remove_all(store, going, host)
  for _, name in ipairs(buried) do
    local id, stays = stores.id_of(name), false
    for _, one in ipairs(left) do
      stays = stays or stores.id_of(one.path:match("[^/]*$")) == id
    end
    if graves[id] == false then -- it cannot be read: what shows whose those files were stays with them
      table.insert(others, 1, store:path(name))
    elseif not stays then
      core.remove_file(store:path(name))
    end
  end
  return left, others
end

-- Removes the backups that are not wanted and that no wanted one needs, and adds their ids to gone. Returns the others, and what clean does.
local function drop(store, manifests, wanted, host, gone)
  local _, stays = needs(manifests, wanted)
  local remaining = {}
  for i = #manifests, 1, -1 do
    if stays[manifests[i].id] then
      table.insert(remaining, 1, manifests[i])
    else
      store:bury(manifests[i].id)
      gone[manifests[i].id] = true
    end
  end
  return remaining, clean(store, remaining, host)
end

local function ids_of(manifests, set)
  local ids = {}
  for _, manifest in ipairs(manifests) do
    ids[#ids + 1] = set[manifest.id] and manifest.id or nil
  end
  return ids
end

local function planned(manifests, wanted, unlocked)
  local gone = {}
  for _, manifest in ipairs(manifests) do
    gone[manifest.id] = not wanted[manifest.id]
  end
  return { pruned = ids_of(manifests, gone), merged = merge.plan(manifests, wanted, unlocked), left = {}, foreign = {} }
end

-- Removes backups that are not to be kept, and what a killed prune has left of such. The directory is locked. host: its guests may need an image.
-- options: compress, on_progress, for what is merged; encrypt, since a dry run has no key. Returns pruned and merged, lists of ids; left, files that
-- stay: {path, why, kind}; foreign, files of no backup.
function prune.run(store, keep, host, options, key)
  local manifests, problems = store:manifests()
  if #problems > 0 then
    error(core.Error.new({ kind = "invalid_backup", message = ("%s: %s: nothing is removed, as it may need any file"):format(
      store:path(problems[1].id .. ".json"), problems[1].problem) }), 0)
  end
  local wanted, gone = wanted_of(manifests, keep), {}
  if core.dry_run() then
    return planned(manifests, wanted, options.encrypt ~= nil)
  end
  local remaining, left, foreign = drop(store, manifests, wanted, host, gone) -- first, to make room
  local merged, unmerged, written = merge.run(store, host, remaining, { wanted = wanted, compress = options.compress,
    key = key, on_progress = options.on_progress })
  if written then
    left, foreign = select(2, drop(store, remaining, wanted, host, gone))
  end
  return { pruned = ids_of(manifests, gone), merged = merged, left = table.move(unmerged, 1, #unmerged, #left + 1, left), foreign = foreign }
end

return prune
