-- Removes backups. One that a kept one needs stays; the others are removed newest first, the manifest before the files, so that an interrupted prune
-- leaves no incomplete backup, and the next one finishes it.

local core = require("guestlua.core")
local bad = require("guestlua.base.define").bad
local image = require("guestlua.disk.image")

local prune = {}

-- The period of that name that a time "2024-01-31T…Z" is in.
local PERIODS = {
  daily = function(time)
    return time:sub(1, 10)
  end,
  weekly = function(time)
    local year, month, day = time:match("^(%d+)-(%d+)-(%d+)")
    return year and os.date("!%G-%V", os.time({ year = year, month = month, day = day, hour = 12 })) or time
  end,
  monthly = function(time)
    return time:sub(1, 7)
  end,
}

-- Raises if keep is no table of counts, or mixes both ways.
function prune.check(op, keep)
  for key, count in pairs(keep or {}) do
    if key ~= "full" and key ~= "increments" and not PERIODS[key] then
      bad(op, "keep", ("no such key '%s'; there are: full, increments, daily, weekly, monthly"):format(tostring(key)))
    elseif math.type(count) ~= "integer" or count < (key == "increments" and 0 or 1) then
      bad(op, "keep." .. key, "a whole number expected, from 1 up; increments from 0 up")
    end
  end
  if keep and keep.full and (keep.daily or keep.weekly or keep.monthly) then
    bad(op, "keep", "either full or daily, weekly and monthly")
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

-- Marks the backups from the n-th last full one on.
local function want_full(wanted, manifests, n)
  for i = #manifests, 1, -1 do
    wanted[manifests[i].id] = true
    n = n - (is_full(manifests[i]) and 1 or 0)
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

-- The ids to keep according to `keep`, and the newest; nil: all.
local function wanted_of(manifests, keep)
  local wanted, any = {}, false
  if keep.full then
    any = true
    want_full(wanted, manifests, keep.full)
  end
  for key, period in pairs(PERIODS) do
    if keep[key] then
      any = true
      want_periods(wanted, manifests, keep[key], period)
    end
  end
  if #manifests > 0 then
    wanted[manifests[#manifests].id] = true
  end
  return any and wanted or nil
end

-- The backup's id in a file name of the directory; nil: it is no file of a backup.
local function id_of(name)
  return name:match("^(%d+%-%d+%-%x+)%.")
end

-- The files that these backups need, and the ids of the backups that the files belong to.
local function needs(manifests, wanted)
  local files, ids = {}, {}
  for _, manifest in ipairs(manifests) do
    if wanted[manifest.id] then
      ids[manifest.id] = true
      for _, disk in ipairs(manifest.disks) do
        for _, link in ipairs(disk.chain) do
          files[link.file or ""], files[link.sums] = true, true
          ids[id_of(link.sums) or ""] = true -- a backup with files that stay also stays: dropping it would save nothing
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

-- Removes backups that are not to be kept, and files of no backup. The directory is locked. host: its guests may need an image. Returns the removed
-- ids, and files that stay: {path, why}.
function prune.run(store, keep, host)
  local manifests, problems = store:manifests()
  if #problems > 0 then
    error(core.Error.new({ kind = "invalid_backup", message = ("%s: %s: nothing is removed, as it may need any file"):format(
      store:path(problems[1].id .. ".json"), problems[1].problem) }), 0)
  end
  local wanted, gone = wanted_of(manifests, keep), {}
  if not wanted then
    return gone, {}
  end
  local files, stays = needs(manifests, wanted)
  for i = #manifests, 1, -1 do
    local id = manifests[i].id
    if not stays[id] then
      table.insert(gone, 1, id)
    end
  end
  if core.dry_run() then
    return gone, {}
  end
  for i = #gone, 1, -1 do
    core.remove_file(store:path(gone[i] .. ".json"))
  end
  local names, going = core.list_directory(store.directory), {}
  for i = #names, 1, -1 do
    local id = id_of(names[i])
    if id and not stays[id] and not files[names[i]] then
      going[#going + 1] = names[i]
    end
  end
  return gone, remove_all(store, going, host)
end

return prune
