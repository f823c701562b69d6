-- The directory with the backups of a guest: files that any tool reads, and one manifest per backup, which is written last. Files that no manifest
-- names are no backup.
--
--   ID.json              the manifest
--   ID.TARGET.qcow2      an image; an increment's has the previous one as its backing file, by a relative name
--   ID.TARGET.sums       the checksums of its contents; ID.TARGET.WORD.sums: since others were merged into it
--   ID.xml, ID.nvram, ID.tpm    the configuration as the guest will start with it, the UEFI variables, and the state of the TPM
--   ID.gone              the manifest of a backup that prune removes, until all of its files are gone
--   lock, target         the lock of the process that works in the directory, and the name of this directory's checkpoints

local core = require("guestlua.core")
local decoded = require("guestlua.base.decoded")
local fields = require("guestlua.backup.fields")
local bad = require("guestlua.base.define").bad
local journal = require("guestlua.base.journal")
local json_for = require("guestlua.base.json")
local retry = require("guestlua.workflow.retry")

local store = { id_of = fields.id_of }

local ID = fields.ID
local LARGEST = 16 << 20 -- bytes of a manifest
local LONGEST = 255 -- bytes of a file's name
local PAUSE = 0.1 -- seconds between two tries for the lock
local MOST_NAMED = 8 -- directories in a hint

local function fail(kind, e)
  e.kind = kind
  error(core.Error.new(e), 0)
end

local PURPOSE = { "backup", "a backup's manifest" } -- of JSON

local function escaped(name, characters)
  return (name:gsub(characters, function(c)
    return ("%%%02X"):format(c:byte())
  end):gsub("^%.", "%%2E"))
end

-- A single component of a path that is not hidden. Letters beyond ASCII are three times as long: if that is too long they stay as they are.
local function as_file_name(name)
  local text = escaped(name, "[^%w._-]")
  return #text <= LONGEST and text or escaped(name, "[^%w._\x80-\xff-]")
end

-- Whether a file of that name is the directory's own.
function store.is_own(name)
  return name == "lock" or name == "target"
end

-- A manifest's entry of a disk; nil: the backup does not have it.
function store.entry_of(manifest, target)
  for _, entry in ipairs(manifest.disks) do
    if entry.target == target then
      return entry
    end
  end
end

local Store = {}
Store.__index = Store

function store.at(directory)
  return setmetatable({ directory = core.absolute(directory):gsub("(.)/+$", "%1") }, Store)
end

-- The guest's directory below the common one.
function store.of(directory, name)
  return store.at(directory .. "/" .. as_file_name(name))
end

-- Whether it has a manifest: a directory of backups that has lost its `target`, or is a copy of its backups alone.
local function has_manifest(one)
  local there, names = false, nil
  if core.identify(one.directory .. "/.") then
    there, names = retry.try(core.list_directory, one.directory)
  end
  for _, name in ipairs(there and names or {}) do
    if name:find("^" .. ID .. "%.json$") then
      return true
    end
  end
  return false
end

local function directories_in(one)
  local list = {}
  for _, name in ipairs(core.list_directory(one.directory)) do
    local below = store.at(one:path(name))
    list[#list + 1] = (below:exists("target") or has_manifest(below)) and below or nil
  end
  return list
end

-- Where there are backups instead, for a hint; nil: nowhere near.
local function elsewhere(one)
  local parent = one.directory:match("^(.+)/[^/]*$")
  for _, directory in ipairs({ one.directory, parent }) do
    local ok, list = retry.try(directories_in, store.at(directory))
    local names = {}
    for _, below in ipairs(ok and list or {}) do
      names[#names + 1] = next((below:manifests())) and core.printable(below.directory) or nil
    end
    if #names > 0 then
      return "there are some in " .. table.concat(names, ", ", 1, math.min(#names, MOST_NAMED)) .. (#names > MOST_NAMED and ", …" or "")
    end
  end
end

-- The guests' directories: the given one itself, or those directly below it.
function store.below(directory)
  if directory == "" then -- which is no path, and would be the current directory
    bad("backups", "directory", "cannot be empty")
  end
  local one = store.at(directory)
  local list = one:exists("target") and { one } or directories_in(one)
  if #list > 0 then
    return list
  elseif has_manifest(one) then
    return { one }
  end
  return fail("no_backup", { message = "there is no backup in " .. one.directory, hint = elsewhere(one) })
end

function Store:path(name)
  return self.directory .. "/" .. name
end

function Store:exists(name)
  local there = core.find_image(self:path(name))
  return there ~= nil and there.regular
end

-- ---- its lock ----

-- Takes the directory's lock; closing it releases it. seconds: how long to wait for another holder, within the time of core.within.
function Store:lock(seconds)
  local deadline = math.min(core.now() + (seconds or 0), core.calls_end() or math.huge)
  while true do
    local lock, holder = core.lock(self:path("lock"))
    if lock then
      lock:write(("process %s on %s, since %s"):format(journal.process(), journal.machine().name, os.date("!%Y-%m-%dT%H:%M:%SZ")))
      return lock
    elseif core.now() >= deadline then
      fail("busy", { message = ("somebody works in %s: %s"):format(self.directory, core.printable(holder)),
        hint = "wait=SECONDS waits until that is over" })
    end
    core.sleep(PAUSE)
  end
end

-- The word that the directory's checkpoints have already; nil: they have none.
local function word_of(manifests)
  for i = #manifests, 1, -1 do
    if manifests[i].checkpoint then
      return manifests[i].checkpoint:match(fields.CHECKPOINT)
    end
  end
end

-- The word in the names of the directory's checkpoints, made at the first backup. Another one would leave those there are on the guest for ever.
function Store:target()
  local text, why, code = self:read("target")
  local word = text and text:match("^(%x%x%x%x%x%x%x%x)%f[\n\0]")
  if word then
    return word
  elseif text or code ~= "ENOENT" then
    fail("invalid_backup", { message = ("%s: %s"):format(self:path("target"), why or "it is damaged") })
  end
  word = word_of((self:manifests())) or journal.new_id():match("%x+$")
  core.write_file(self:path("target"), word .. "\n")
  return word
end

-- ---- manifests ----

-- The contents of a file in the directory; or nil, why not, and the error's name. A pipe in its place would be waited for.
function Store:read(name)
  local there, code = core.identify(self:path(name))
  if there and not there.regular then
    return nil, "it is no regular file"
  end
  local file <close>, why = io.open(self:path(name), "rb")
  local text = file and file:read(LARGEST + 1)
  if not text or #text > LARGEST then
    return nil, text and "it is too large" or why or "it cannot be read", code
  end
  return text
end

local function read_manifest(self, id)
  local text, why = self:read(id .. ".json")
  local manifest = decoded(text or "", table.unpack(PURPOSE))
  local problem = not text and why or fields.problem_of(manifest, id)
  if problem then
    return nil, problem
  end
  manifest.directory = self.directory
  return manifest
end

-- All backups, oldest first, and a list of {id, problem} for unusable manifests.
function Store:manifests()
  local list, problems = {}, {}
  for _, name in ipairs(core.list_directory(self.directory)) do
    local id = name:match("^(" .. ID .. ")%.json$") -- any other file is somebody else's
    local manifest, problem
    if id then
      manifest, problem = read_manifest(self, id)
    end
    list[#list + 1] = manifest
    problems[#problems + 1] = problem and { id = id, problem = problem } or nil
  end
  table.sort(list, function(a, b)
    return a.number < b.number or a.number == b.number and a.id < b.id -- clocks go back, and two backups fit into a second
  end)
  return list, problems
end

-- Writes the manifest, which makes a backup of the files: it is on the disk when this returns.
function Store:write(manifest)
  manifest.format = fields.FORMAT
  local directory = manifest.directory
  manifest.directory = nil -- one that was read has where it was found
  core.write_file(self:path(manifest.id .. ".json"), json_for(table.unpack(PURPOSE)).encode(manifest, { indent = true }) .. "\n")
  manifest.directory = directory
end

-- The backup is none any more: what shows that, and that its files may go, is what is left of its manifest.
function Store:bury(id)
  local grave = self:path(id .. ".gone")
  local renamed, why = os.rename(self:path(id .. ".json"), grave)
  if not renamed then
    fail("system_error", { message = why })
  end
  core.sync_file(grave)
end

-- The manifest of a backup that was buried; nil: it was not, or what is left of it is damaged.
function Store:buried(id)
  local manifest = decoded(self:read(id .. ".gone") or "", table.unpack(PURPOSE))
  return not fields.problem_of(manifest, id) and manifest or nil
end

-- Stores a small file; returns its row for the manifest.
function Store:keep(name, what, text)
  core.write_file(self:path(name), text)
  return { name = name, what = what, sha256 = core.sha256 and core.sha256(text) }
end

-- The contents of the file in a manifest's row, which have to be as stored.
function Store:kept(manifest, what)
  for _, row in ipairs(manifest.files) do
    if row.what == what then
      local text, why, code = self:read(row.name)
      if code == "ENOENT" then
        fail("invalid_backup", { message = ("the backup %s needs %s, which is not there"):format(manifest.id, self:path(row.name)) })
      elseif not text or core.sha256 and row.sha256 and core.sha256(text) ~= row.sha256 then
        fail("checksum_error", { message = ("%s: %s"):format(self:path(row.name), why or "it is not what was saved") })
      end
      return text
    end
  end
end

-- The name of a file of a disk's chain that is not there; nil: all are.
function Store:missing(disk)
  for _, link in ipairs(disk.chain) do
    for _, name in pairs({ link.file, link.sums }) do -- one at a server has no file
      if not self:exists(name) then
        return name
      end
    end
  end
end

-- Raises if a file is not there that a backup needs.
function Store:check_complete(manifest)
  for _, disk in ipairs(manifest.disks) do
    local name = self:missing(disk)
    if name then
      fail("invalid_backup", { device = disk.target, device_type = "disk",
        message = ("the backup %s needs %s, which is not there"):format(manifest.id, self:path(name)),
        hint = "at=BACKUP names another one; the next backup of the guest is a full one" })
    end
  end
end

-- The lists of checksums of a disk's chain, newest first, for core.nbd_copy. That of a pushed image has all of the disk, whatever is lacking below.
function Store:lists(disk)
  local lists = {}
  for _, link in ipairs(disk.chain) do
    lists[#lists + 1] = link.sums and { path = self:path(link.sums), sha256 = link.sha256 } or nil
  end
  return lists
end

local function is_moment(at)
  local clock = at:match("^%d%d%d%d%-%d%d%-%d%d(.*)$")
  return clock and (clock == "" or clock:find("^T%d%d:%d%dZ?$") or clock:find("^T%d%d:%d%d:%d%dZ?$")) ~= nil
end

-- Raises if `at` can be no backup's.
function store.check_at(op, at)
  if at and not at:find("^" .. ID .. "$") and not is_moment(at) then
    bad(op, "at", "a backup's id expected, or a time in UTC: 2024-01-31, 2024-01-31T12:00Z or 2024-01-31T12:00:00Z")
  end
end

-- Whether an id or a manifest's time is by then: by the end of a day, or of a minute. The first digits of an id are its time, as in manifests but for
-- what is between.
local function is_by(id, at)
  local digits = at:gsub("%D", "")
  return id:gsub("%D", ""):sub(1, #digits) <= digits
end

local function fail_unusable(self, one, at, others)
  fail("invalid_backup", { message = ("%s: %s"):format(self:path(one.id .. ".json"), one.problem),
    hint = at ~= one.id and others and "at=BACKUP names an older one, which is not taken in its place unasked" or nil })
end

local function fail_none(self, at, manifests)
  local oldest = manifests[1]
  fail("no_backup", { message = at and ("there is no backup %s in %s"):format(core.printable(at), self.directory)
    or "there is no backup in " .. self.directory,
    hint = oldest and ("the oldest is %s, of %s"):format(oldest.id, oldest.time) or elsewhere(self) })
end

-- Raises if there is none.
function Store:check_any()
  local manifests, problems = self:manifests()
  if #manifests == 0 and #problems == 0 then
    fail_none(self, nil, manifests)
  end
end

-- The backup that `at` names: an id, or a time as in manifests, for the last backup by then; nil: the newest. Raises if its manifest cannot be used.
function Store:find(at)
  local manifests, problems = self:manifests()
  local found
  for _, manifest in ipairs(manifests) do
    if manifest.id == at then
      return manifest
    elseif not at or is_moment(at) and is_by(manifest.time, at) then
      found = manifest
    end
  end
  for _, one in ipairs(problems) do
    if one.id == at or (not at or not at:find("^" .. ID .. "$") and is_by(one.id, at)) and (not found or one.id > found.id) then
      fail_unusable(self, one, at, #manifests > 0)
    end
  end
  return found or fail_none(self, at, manifests)
end

return store
