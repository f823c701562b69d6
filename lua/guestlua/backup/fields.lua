-- What a manifest has to have, and the names of a backup's files: what does not look like this is no backup, and none of its names is used.

local fields = {
  FORMAT = 1, -- of a manifest
}

-- An id, as journal.new_id makes it.
fields.ID = ("%d"):rep(8) .. "%-" .. ("%d"):rep(6) .. "%-" .. ("%x"):rep(8)

-- A checkpoint's name, as checkpoint.name makes it: the directory's word and a backup's id.
fields.CHECKPOINT = "^guestlua%-(" .. ("%x"):rep(8) .. ")%-" .. fields.ID .. "$"

-- The rest of the names of a backup's files, after the id: also of those that a killed run leaves, core.write_file's among them.
local ENDINGS = { "%.json", "%.gone", "%.xml", "%.nvram", "%.tpm", "%.%w+%.qcow2", "%.%w+%.sums", "%.%w+%.from", "%.%w+%.to",
  "%.%w+%.%x+%.qcow2", "%.%w+%.%x+%.sums", "%.json%.%w%w%w%w%w%w", "%.xml%.%w%w%w%w%w%w", "%.nvram%.%w%w%w%w%w%w", "%.tpm%.%w%w%w%w%w%w" }

-- The backup's id in the name of a file that a backup makes; nil: it is none.
function fields.id_of(name)
  local id, rest = name:match("^(" .. fields.ID .. ")(.*)$")
  for _, ending in ipairs(id and ENDINGS or {}) do
    if rest:find("^" .. ending .. "$") then
      return id
    end
  end
end

local function is_name(value)
  return type(value) == "string" and value:find("^[%w_%%-][%w._%%-]*$") ~= nil
end

local function is_sum(value)
  return type(value) == "string" and #value == 64 and value:find("^%x+$") ~= nil
end

local function is_count(value)
  return math.type(value) == "integer" and value >= 0
end

local function is_time(value)
  return type(value) == "string" and value:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$") ~= nil
end

local function is_text(value)
  return value == nil or type(value) == "string"
end

-- Whether it is the name of a backup's file with that ending.
local function is_file(value, ending)
  return type(value) == "string" and fields.id_of(value) ~= nil and value:find(ending .. "$") ~= nil
end

local function is_left_out(list)
  for _, one in ipairs(type(list) == "table" and list or {}) do
    if type(one) ~= "table" then
      return false
    end
  end
  return list == nil or type(list) == "table"
end

-- The problem with a disk of a manifest; nil: none. unchecked: it lacks checksums. What is below a pushed image may lack them too.
local function problem_of_disk(disk, unchecked)
  if type(disk) ~= "table" or not is_name(disk.target) or not is_count(disk.size) or type(disk.source) ~= "string"
    or disk.bytes ~= nil and not is_count(disk.bytes) or not is_text(disk.level_used)
    or not (is_sum(disk.image_sha256) or unchecked and disk.image_sha256 == nil) or type(disk.chain) ~= "table" or #disk.chain == 0 then
    return "a disk"
  end
  for i, link in ipairs(disk.chain) do
    if type(link) ~= "table" or not (type(link.uri) == "string" and link.file == nil or is_file(link.file, "%.qcow2"))
      or not (is_file(link.sums, "%.sums") and is_sum(link.sha256) or (unchecked or i > 1) and link.sums == nil) then
      return "the chain of disk " .. disk.target
    end
  end
end

-- The problem with a manifest, as JSON has it; nil: none. id: that in its file's name.
function fields.problem_of(manifest, id)
  if type(manifest) ~= "table" or not is_count(manifest.format) then
    return "it is damaged"
  elseif manifest.format ~= fields.FORMAT then
    return ("it is of format %d, and this version knows %d"):format(manifest.format, fields.FORMAT)
  end
  local guest = manifest.guest
  if manifest.id ~= id or not is_count(manifest.number) or type(guest) ~= "table" or type(guest.name) ~= "string" or type(guest.uuid) ~= "string"
    or not guest.uuid:find("^[%x-]+$") or not is_time(manifest.time) or type(manifest.disks) ~= "table" or type(manifest.files) ~= "table"
    or manifest.encryption ~= nil and type(manifest.encryption) ~= "table" or not is_text(manifest.consistency)
    or manifest.checkpoint ~= nil and not (type(manifest.checkpoint) == "string" and manifest.checkpoint:find(fields.CHECKPOINT))
    or not is_left_out(manifest.left_out) then
    return "it is damaged"
  end
  local targets = {}
  for _, disk in ipairs(manifest.disks) do
    local problem = problem_of_disk(disk, manifest.unchecked) or targets[disk.target] and "it has disk " .. disk.target .. " twice"
    if problem then
      return "it is damaged: " .. problem
    end
    targets[disk.target] = true
  end
  if not next(targets) then
    return "it is damaged: it has no disk"
  end
  local configured = false
  for _, file in ipairs(manifest.files) do
    if type(file) ~= "table" or not is_name(file.name)
      or not (is_sum(file.sha256) or manifest.unchecked and file.sha256 == nil) then
      return "it is damaged: a file"
    end
    configured = configured or file.what == "domain"
  end
  return not configured and "it is damaged: it has no configuration of the guest" or nil
end

return fields
