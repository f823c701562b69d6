-- Entries of the journal. The input is a file of the journal as a crash, a disk or somebody may have left it; or, if its first byte is a "@", steps
-- that damage a whole entry. Listing and recovery read it: they answer or raise a guestlua.Error, touch nothing outside of the journal's directory,
-- and recover only what is whole.

local core = require("guestlua.core")
local dkjson = require("dkjson")
local guestlua = require("guestlua")
local input = require("spec.fuzz.input")
local journal = require("guestlua.base.journal")
local recover = require("guestlua.workflow.recover")

local finding = input.finding
local found -- by what the code under test calls, which would catch an error

local function find(fmt, ...)
  found = found or fmt:format(...)
end

local directory = os.tmpname()
assert(os.remove(directory))
guestlua.journal({ dir = directory })
guestlua.log.configure({ handler = function() end })
core.sleep = function() end -- between two tries

local ID = "20260101-000000-00000000"
local path = ("%s/%s.json"):format(directory, ID)

-- These may touch the directory and what is in it, and nothing else of this machine.
for _, name in ipairs({ "write_file", "begin_write", "remove_file", "lock", "lock_holder", "read_file", "make_directory", "list_directory",
  "make_image", "remove_image", "write_whole", "command", "run" }) do
  local fn = core[name]
  core[name] = function(file, ...)
    if file ~= directory and (file:sub(1, #directory + 1) ~= directory .. "/" or file:find("/", #directory + 2, true)) then
      find("%s of what is not in the journal: %s", name, tostring(file))
      error(found, 0) -- and it is not touched
    end
    return fn(file, ...)
  end
end

local host = guestlua.open("test:///default")
local guest = host:guest("test")
-- A guest with a name that could be taken for a UUID.
assert(guestlua.Guest.create("<domain type='test'><name>dead</name><memory>1024</memory><os><type>hvm</type></os></domain>", host))

local whole = {
  format = 2, id = ID, workflow = "fuzzed", step = "one", uuid = guest.uuid, guest = guest.name, host = host.uri, machine = journal.machine(),
  process = "1", since = "2026-01-01T00:00:00Z", lock = guest.uuid .. ".lock", data = {},
}

-- What an entry has to have before anything is done by it: its own text, from the first byte to the last, and all its fields.
local function check_whole(text, entry)
  local decoded, after = dkjson.decode(text)
  if type(decoded) ~= "table" or text:find("%S", after) then
    find("recovered by what is not one whole entry")
  elseif entry.id ~= ID or entry.format ~= 2 or entry.host ~= host.uri or not entry.uuid:find("^%x+%-%x+%-%x+%-%x+%-%x+$") or #entry.uuid ~= 36 then
    find("recovered by an entry that is damaged")
  end
  for name, value in pairs(whole) do
    if type(entry[name]) ~= type(value) then
      find("recovered by an entry without %s", name)
    end
  end
end

local text, calls -- of the entry, and of the recoverers

local function recoverer(on, who, entry)
  calls = calls + 1
  check_whole(text, entry)
  if on ~= host or who and who.uuid ~= entry.uuid then
    find("recovered on another guest")
  end
  if next(entry.data) ~= nil then
    error("a fault")
  end
  return "done", nil
end

-- In the place of all that there are: they go by the entry's data, which may name any file.
for _ in pairs(guestlua.workflow) do end -- loads them
require("guestlua.workflow.device.attached")
journal.recoverers.fuzzed = recoverer
for name in pairs(journal.recoverers) do
  journal.recoverers[name] = recoverer
end

-- ---- damage ----

local VALUES = { 0, -1, 2, 3, 2.5, 1 / 0, true, false, "", "dead", "/", "..", "../x.lock", "x.lock", "\0", "\xff", "elsewhere", {}, { {} },
  { boot = 1 }, { boot = {}, id = {}, name = {} }, { id = journal.machine().id }, guest.name, guest.uuid, (guest.uuid:gsub("-", "")), host.uri,
  "live_snapshot", ID }
local NAMES = {}
for name in pairs(whole) do
  NAMES[#NAMES + 1] = name
end
NAMES[#NAMES + 1] = "set_aside"
table.sort(NAMES)

local function damaged(bytes)
  input.begin(bytes)
  local entry = {}
  for name, value in pairs(whole) do
    entry[name] = value
  end
  for _ = 1, input.byte() % 3 do
    local name = input.pick(NAMES)
    entry[name] = nil
    if input.byte() % 4 > 0 then
      entry[name] = input.pick(VALUES)
    end
  end
  local ok, result = pcall(dkjson.encode, entry, { indent = input.byte() % 2 == 0 })
  result = ok and result .. "\n" or ""
  for _ = 1, input.byte() % 3 do
    local from, length = input.byte() * 256 + input.byte(), input.byte() % 16
    from = from % (#result + 1)
    result = result:sub(1, from) .. input.some_bytes() .. result:sub(from + 1 + length)
  end
  return input.byte() % 4 == 1 and result:sub(1, input.byte() * 4) or result
end

-- ---- what reads it ----

local function try(what, ...)
  local ok, result = pcall(...)
  if not ok and not core.Error.is(result) then
    finding("%s: no guestlua.Error: %s", what, tostring(result))
  elseif not ok and #tostring(result) == 0 then
    finding("%s: an error without a text", what)
  end
  return ok, result
end

local function run(bytes)
  found = nil
  text, calls = bytes:sub(1, 1) == "@" and damaged(bytes:sub(2)) or bytes, 0
  core.make_directory(directory)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
  local listed, rows = try("list", recover.list)
  if not listed or #rows ~= 1 or rows[1].id ~= ID then
    finding("one file is not one entry in the list")
  end
  local recovered, results = try("recover", recover.recover, host)
  local result = (recovered and results or results.results or {})[1] or {}
  if found then
    finding("%s", found)
  elseif calls > 3 or calls > 0 and rows[1].state ~= "dead" and rows[1].state ~= "set aside" then
    finding("an entry that is %s was worked on", rows[1].state)
  elseif rows[1].state == "unreadable" and not core.identify(path) then
    finding("an entry that cannot be read was removed")
  elseif result.error and not core.Error.is(result.error) then
    finding("recover: no guestlua.Error: %s", tostring(result.error))
  end
  os.remove(path)
  os.remove(directory)
end

run("@")
assert(calls == 1, "a whole entry is not recovered")

return run
